"""Registry: rows against the rows of another feed, as of their time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from veracity.data.errors import MalformedContract
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.registry import Registry, read_registry

SCOPE = Scope(
    {"station": "string", "at": "timestamp", "city": "string", "lat": "number"},
    sensor=("station",),
    time="at",
)
T0 = datetime(2026, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")


def rule(**settings: Any) -> Registry:
    p = Parameters("here", {"feed": "stations", "match": {"station": "id"}, **settings})
    made = read_registry(SCOPE, p)
    p.done()
    return made


def rows(*of: tuple[str | None, int | None, str | None, float | None]) -> pl.DataFrame:
    schema: dict[str, Any] = {"station": pl.String, "at": TIME, "city": pl.String, "lat": pl.Float64}
    timed = [(s, None if h is None else T0 + timedelta(hours=h), c, x) for s, h, c, x in of]
    return pl.DataFrame(timed, schema=schema, orient="row")


def registry(
    *of: tuple[str | None, int | None, int | None, str | None, float | None],
) -> pl.DataFrame:
    schema: dict[str, Any] = {
        "id": pl.String,
        "since": TIME,
        "until": TIME,
        "town": pl.String,
        "y": pl.Float64,
    }
    timed = [
        (s, *(None if h is None else T0 + timedelta(hours=h) for h in (a, b)), c, x) for s, a, b, c, x in of
    ]
    return pl.DataFrame(timed, schema=schema, orient="row")


def test_a_row_must_be_in_force_at_its_own_time() -> None:
    """From the first instant on, up to the last and not with it; null is open."""
    told = registry(("a", 0, 10, None, None), ("b", None, 5, None, None), ("c", 5, None, None, None))
    asked = rows(("a", -1, None, None), ("a", 0, None, None), ("a", 9, None, None), ("a", 10, None, None))
    as_of = rule(**{"from": "since", "to": "until"})
    assert as_of.broken(asked, told).to_list() == [True, False, False, True]
    asked = rows(("b", -99, None, None), ("b", 5, None, None), ("c", 99, None, None), ("d", 0, None, None))
    assert as_of.broken(asked, told).to_list() == [False, True, False, True]


def test_without_periods_the_registry_holds_always() -> None:
    """A list of stations, and no more; a row without its station or its time is not asked."""
    told = registry(("a", None, None, None, None))
    asked = rows(("a", 1, None, None), ("x", 1, None, None), (None, 1, None, None), ("x", None, None, None))
    assert rule().broken(asked, told).to_list() == [False, True, False, False]
    assert rule().broken(asked, told.clear()).to_list() == [True, True, False, False]
    assert rule().broken(asked.clear(), told).to_list() == []


def test_what_a_row_says_must_agree() -> None:
    """The town must be the same, the latitude near; what is absent contradicts nothing."""
    told = registry(("a", 0, 9, "Hue", 16.0), ("a", 9, 20, "Da Nang", 17.0), ("b", 0, 9, None, None))
    strict = rule(
        **{"from": "since", "to": "until"},
        equal={"city": "town"},
        within={"lat": {"column": "y", "tolerance": 0.5}},
    )
    asked = rows(
        ("a", 1, "Hue", 16.5),
        ("a", 1, "Da Nang", 16.5),
        ("a", 1, "Hue", 16.6),
        ("a", 10, "Da Nang", 16.6),
        ("a", 10, None, None),
        ("b", 1, "anywhere", 0.0),
    )
    assert strict.broken(asked, told).to_list() == [False, True, True, False, False, False]


def test_against_a_plain_loop() -> None:
    """Many periods a station, overlapping, touching, empty and upside down, in any order."""
    rng = np.random.default_rng(11)

    def hours(n: int) -> list[int | None]:
        return [None if x > 40 else int(x) for x in rng.integers(0, 44, n)]

    names, towns = list("abcdef"), ["Hue", "Da Nang"]
    told = registry(
        *(
            (str(rng.choice(names)), a, b, str(rng.choice(towns)), float(rng.integers(0, 4)))
            for a, b in zip(hours(60), hours(60), strict=True)
        )
    )
    asked = rows(
        *((str(rng.choice(names)), h, str(rng.choice(towns)), float(rng.integers(0, 4))) for h in hours(800))
    )
    strict = rule(
        **{"from": "since", "to": "until"},
        equal={"city": "town"},
        within={"lat": {"column": "y", "tolerance": 1}},
    )

    def known(row: dict[str, Any]) -> bool:
        return row["at"] is None or any(
            r["id"] == row["station"]
            and (r["since"] is None or r["since"] <= row["at"])
            and (r["until"] is None or row["at"] < r["until"])
            and r["town"] == row["city"]
            and abs(r["y"] - row["lat"]) <= 1
            for r in told.iter_rows(named=True)
        )

    expected = [not known(row) for row in asked.iter_rows(named=True)]
    assert 100 < sum(expected) < 700
    assert strict.broken(asked, told).to_list() == expected
    assert strict.broken(asked, told.sample(fraction=1.0, shuffle=True, seed=1)).to_list() == expected
    one_by_one = [strict.broken(asked[i : i + 1], told).item() for i in range(asked.height)]
    assert one_by_one == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"match": {}},
        {"match": {"ghost": "id"}},
        {"match": {"station": 5}},
        {"match": ["station"]},
        {"equal": {"city": ""}},
        {"within": {"city": {"column": "y", "tolerance": 1}}},
        {"within": {"lat": {"column": "y"}}},
        {"within": {"lat": {"column": "y", "tolerance": -1}}},
        {"within": {"lat": {"column": "y", "tolerance": 10**400}}},
        {"within": {"lat": 0.1}},
        {"at": "city"},
        {"feed": 7},
        {"since": "valid_from"},
    ],
)
def test_settings_that_are_none_are_refused(settings: dict[str, Any]) -> None:
    """Each setting has its shape."""
    with pytest.raises(MalformedContract):
        rule(**settings)
