"""Unit column: the texts that mean a unit, and those that do not."""

from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from veracity.data.errors import MalformedContract
from veracity.data.rules.declared_unit import SAME, DeclaredUnit, read_declared_unit
from veracity.data.rules.parameters import Parameters, Scope
from veracity.units import UnknownUnit, conversion


def rule(unit: str, **settings: Any) -> DeclaredUnit:
    columns = {"v": "number", "u": "string", "w": "number"}
    p = Parameters("here", {"column": "u", **settings})
    made = read_declared_unit(Scope(columns, {"v": unit}, property="v"), p)
    p.done()
    return made


def wrong(unit: str, *texts: str | None, **settings: Any) -> list[bool | None]:
    rows = pl.DataFrame({"v": [1.0] * len(texts), "u": pl.Series(texts, dtype=pl.String)})
    return rows.select(rule(unit, **settings).broken().alias("x"))["x"].to_list()


@pytest.mark.parametrize(
    ("unit", "texts"),
    [
        ("ug/m3", ["ug/m3", "µg/m³", "μg/m3", " ug / m^3 ", "µg m⁻³", "ug.m-3", "µg·m−3", "ug/m**3"]),
        ("Cel", ["Cel", "°C", "° C", "degC", "deg C", "C", "℃", "Celsius"]),
        ("[ppb]", ["ppb", "[ppb]", "ppbv"]),
        ("m/s", ["m/s", "m s-1", "m.s⁻¹", "mps"]),
        ("m3/s", ["m³/s", "m3 s-1", "cumecs"]),
        ("hPa", ["hPa", "mbar"]),
        ("%", ["%", "percent"]),
        ("{vehicles}/h", ["vehicles/h", "/h", "{vehicles}/h"]),
        ("[ft_i]", ["ft", "[ft_i]"]),
    ],
)
def test_the_usual_ways_to_write_a_unit_are_taken(unit: str, texts: list[str]) -> None:
    """Blanks, raised digits, two letters mu and well-known names differ in nothing."""
    assert wrong(unit, *texts) == [False] * len(texts)


@pytest.mark.parametrize(
    ("unit", "texts"),
    [
        ("ug/m3", ["mg/m3", "ppb", "ug/m2", "Ug/m3", "ug", "", "AQI"]),
        ("Cel", ["K", "°F", "c", "cel"]),
        ("[ppb]", ["ppm", "ug/m3"]),
        ("m/s", ["km/h", "m/min", "m/s2"]),
        ("{index}", [""]),
    ],
)
def test_another_unit_is_told(unit: str, texts: list[str]) -> None:
    """Factors, powers, upper and lower case count; an empty text is no unit."""
    assert wrong(unit, *texts) == [True] * len(texts)


def test_where_there_is_no_text_or_no_value_nothing_is_asked() -> None:
    """Absent is absent."""
    assert wrong("Cel", None) == [None]
    rows = pl.DataFrame({"v": pl.Series([None], dtype=pl.Float64), "u": ["K"]})
    assert rows.select(rule("Cel").broken()).item() is None


def test_more_spellings_can_be_given() -> None:
    """For what a provider writes and nobody else does."""
    assert wrong("Cel", "GRAD C", "K", also=["GRAD C"]) == [False, True]


def test_units_said_to_be_the_same_are() -> None:
    """Where UCUM knows two of the spellings, the factor between them is 1 and nothing is added."""
    checked = 0
    for unit, texts in SAME.items():
        for one, other in pairwise((unit, *texts)):
            try:
                assert conversion(one, unit) == conversion(other, unit) == (1.0, 0.0) or "C" in (one, other)
                checked += 1
            except UnknownUnit:
                continue
    assert checked >= 4


@pytest.mark.parametrize("settings", [{"column": "w"}, {"column": "ghost"}, {"also": "K"}, {"also": [1]}])
def test_settings_that_are_none_are_refused(settings: dict[str, Any]) -> None:
    """The column holds texts."""
    with pytest.raises(MalformedContract):
        rule("Cel", **settings)


def test_a_number_without_a_unit_has_none_to_compare_with() -> None:
    """The contract must say the unit first."""
    with pytest.raises(MalformedContract, match="has a unit"):
        read_declared_unit(
            Scope({"v": "number", "u": "string"}, property="v"), Parameters("here", {"column": "u"})
        )
