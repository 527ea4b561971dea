"""Contracts made to break, stall or mislead the engine: each is refused at `feed add`, with its line."""

import hashlib
from pathlib import Path

import pytest

from small_city import CONTRACT, clock, new_city
from veracity.data.errors import MalformedContract
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer

GOOD = CONTRACT.format(feed="wind", version="1.0.0", maximum=500, agency="rain-office", signature="optional")
UNIT = "        customProperties: [{property: unit, value: mm}]\n"


def rule(settings: str) -> tuple[str, str]:
    """A change: a custom rule under the number."""
    return UNIT, f"{UNIT}        quality: [{{type: custom, engine: veracity, implementation: {settings}}}]\n"


ATTACKS = {
    "unknown rule": (*rule("{rule: spke}"), "spke"),
    "unknown setting": (*rule("{rule: spike, treshold: 3}"), "treshold"),
    "another engine": (
        UNIT,
        f"{UNIT}        quality: [{{type: sql, query: drop table}}]\n",
        "library or custom",
    ),
    "missing column": (*rule('{rule: relation, expect: "rain < ghost"}'), "ghost"),
    "code in a formula": (
        *rule("{rule: relation, expect: \"__import__('os').system('id') < rain\"}"),
        "formula",
    ),
    "deep formula": (*rule(f'{{rule: relation, expect: "{"(" * 220}rain{")" * 220} < 1"}}'), "levels"),
    "long number": (*rule(f"{{rule: rate, per: 1 h, maximum: {'9' * 401}}}"), "want a number"),
    "longer number": (*rule(f"{{rule: rate, per: 1 h, maximum: {'9' * 5_000}}}"), "YAML"),
    "no number": (*rule("{rule: rate, per: 1 h, maximum: .nan}"), "want a number"),
    "impossible range": ("minimum: 0", "minimum: 501", "minimum <= maximum"),
    "infinite range": ("minimum: 0", "minimum: -.inf", "finite"),
    "wrong unit": ("value: mm}", "value: millimetres}", "UCUM"),
    "unit the library chokes on": (
        "value: mm}",
        "value: km/h}, {property: sourceUnit, value: kph}",
        "sourceUnit",
    ),
    "huge expression": ('"^G[0-9]{2}$"', '"(a{1000}){1000}"', "regular expression"),
    "slow expression": ('"^G[0-9]{2}$"', '"(.{200}){50}$"', "regular expression"),
    "deep YAML": ("tags: [simulated]", "tags: " + "[" * 30_000, "levels"),
    "aliases upon aliases": ("tags: [simulated]", "tags: &a [*a, *a]", "plain YAML"),
    "name twice": ("tags: [simulated]", "tags: []\ntags: [simulated]", "given twice"),
}


def state(root: Path) -> dict[str, str]:
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and p.suffix != ".lock"]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files if "index" not in p.name}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_city(tmp_path_factory.mktemp("bad") / "city")


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_bad_contract_is_refused_with_its_line_and_changes_nothing(
    root: Path, tmp_path: Path, attack: str
) -> None:
    """The line is the one that was changed; not a byte of the city differs."""
    old, new, message = ATTACKS[attack]
    assert old in GOOD
    path = tmp_path / "contract.yaml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    first = GOOD[: GOOD.index(old)].count("\n") + 1
    before = state(root)
    with open_writer(root, clock) as home, pytest.raises(MalformedContract, match=message) as told:
        add_feed(home, path)
    line = int(str(told.value).partition("line ")[2].partition(":")[0])
    assert first <= line <= first + new.count("\n")
    assert state(root) == before


def test_the_contract_they_are_made_from_is_good(root: Path, tmp_path: Path) -> None:
    """What is refused is the change, not the rest."""
    path = tmp_path / "contract.yaml"
    path.write_text(GOOD, encoding="utf-8")
    with open_writer(root, clock) as home:
        assert add_feed(home, path).contract.feed == "wind"
