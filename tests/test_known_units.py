"""What the package knows of units by heart is what the libraries say."""

import subprocess
import sys
from pathlib import Path

import make_known_units
from veracity.units import check_unit, conversion

CONTRACTS = Path(__file__).parents[1] / "examples" / "contracts"


def test_the_table_is_what_the_libraries_say() -> None:
    """Made again, ``known_units.json`` is the same to the last digit, as rows depend on it."""
    assert make_known_units.PATH.read_text("utf-8") == make_known_units.render()


def test_annotations_do_not_matter() -> None:
    """Units of the table are found under the names that feeds give them."""
    check_unit("{vehicles}/h")
    assert conversion("{vehicles}/min", "{vehicles}/h") == (60.0, 0.0)
    assert conversion("{index}", "%") == (100.0, 0.0)


def test_other_units_are_still_converted() -> None:
    """Units that the table does not have, or not together, are asked of the libraries."""
    assert conversion("[gal_us]/min", "L/min") == (3.785411784, 0.0)
    assert conversion("kW.h", "kcal") == (860.420650096, 0.0)


def test_contracts_are_read_without_the_libraries() -> None:
    """The contracts of the examples, their units checked and converted, load no library of units."""
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from veracity.data.contract import check_units, parse_contract\n"
        "for path in sys.argv[1:]: check_units(parse_contract(Path(path).read_bytes()))\n"
        "assert not {'pint', 'lark', 'ucumvert'} & set(sys.modules)"
    )
    paths = sorted(CONTRACTS.glob("*.yaml"))
    assert any(b"sourceUnit" in path.read_bytes() for path in paths)
    subprocess.run([sys.executable, "-c", script, *paths], check=True)
