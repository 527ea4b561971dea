"""Counts of observations: the same whether rows were looked at or the ends of their values told."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from small_city import clock
from things_city import Client, served_city, things_city
from veracity.home.home import Home
from veracity.home.tables import table_rows
from veracity.server.sensorthings import asked_rows


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with a registry and two batches."""
    return things_city(tmp_path_factory.mktemp("counted") / "city", 40)


@pytest.fixture(scope="module")
def city(root: Path) -> Iterator[Client]:
    """It served."""
    with served_city(root) as client:
        yield client


@pytest.fixture(scope="module")
def values(root: Path) -> pl.Series:
    """All values of its accepted rows."""
    home = Home.open(root, clock)
    try:
        return table_rows(home, "rain").collect()["rain"].drop_nulls()
    finally:
        home.close()


def counted(city: Client, condition: str, top: int = 0) -> int:
    """Ask how many observations fulfil a condition."""
    found = city.json(f"/v1.1/Observations?$count=true&$top={top}&$filter={condition}")
    n: int = found["@iot.count"]
    return n


@pytest.mark.parametrize("word", ["gt", "ge", "lt", "le", "eq", "ne"])
@pytest.mark.parametrize("top", [0, 3])
def test_counts_are_exact(city: Client, values: pl.Series, word: str, top: int) -> None:
    """For every value there is, its ends among them, and beyond; also with the constant in front."""
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    other = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(word, word)
    for wanted in (low - 1, low, float(values[0]), (low + high) / 2, high, high + 1):
        compare = {"gt": values.gt, "ge": values.ge, "lt": values.lt, "le": values.le, "eq": values.eq}
        n = int((values.ne(wanted) if word == "ne" else compare[word](wanted)).sum())
        assert counted(city, f"result {word} {wanted}", top) == n
        assert counted(city, f"{wanted} {other} result", top) == n


def test_what_lies_on_one_side_is_not_looked_at(
    city: Client, values: pl.Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without rows: none above the greatest value, all above less than the least."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("rows were looked at")

    monkeypatch.setattr(asked_rows, "_asked", never)
    end = 10 * float(values.max())  # type: ignore[arg-type]
    assert counted(city, f"result ge {-end}") == values.len()
    assert counted(city, f"result gt {end}", 5) == 0
    assert counted(city, f"result gt {end}&$orderby=phenomenonTime desc", 5) == 0


def test_conditions_on_more_than_the_result_are_counted(city: Client, values: pl.Series) -> None:
    """One thing, two conditions, a time: rows are looked at, and the count is that of the list."""
    for condition in (
        "result gt 1 and Datastream/Thing/name eq 'An Bình'",
        "result gt 1 and result lt 4",
        "result gt 1 and phenomenonTime gt 2026-09-01T02:00:00Z",
    ):
        listed = city.every(f"/v1.1/Observations?$top=7&$filter={condition}")
        assert counted(city, condition) == len(listed)
