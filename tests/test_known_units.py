"""What the package knows of units by heart is what the libraries say."""

import make_known_units
from veracity.units import check_unit, conversion


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
