"""Declared unit: a row that names its unit in a column names the one the contract gives."""

import re
from dataclasses import dataclass

import polars as pl

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule

SPELLINGS = 100

# Other ways to write a unit exactly, in the plain form that ``plain_unit`` gives.
SAME: dict[str, tuple[str, ...]] = {
    "Cel": ("°C", "degC", "C", "℃", "celsius", "Celsius", "degreesCelsius", "ºC", "oC"),
    "[degF]": ("°F", "degF", "F", "℉", "fahrenheit", "Fahrenheit", "ºF", "oF"),
    "%": ("percent", "pct", "%RH", "perc"),
    "deg": ("°", "º", "degree", "degrees"),
    "[ppb]": ("ppb", "ppbv", "PPB"),
    "[ppm]": ("ppm", "ppmv", "PPM"),
    "hPa": ("mbar", "mb", "hpa", "HPA"),
    "mbar": ("hPa", "mb"),
    "m/s": ("mps", "meterpersecond", "metrespersecond"),
    "km/h": ("kmh", "kph", "kmph"),
    "[mi_i]/h": ("mph", "mi/h"),
    "m3/s": ("cms", "cumec", "cumecs"),
    "[pH]": ("pH", "ph"),
    "[NTU]": ("NTU", "ntu"),
    "L": ("l",),
    "mg/L": ("mg/l", "g/m3"),
    "1": ("", "none", "-", "unitless", "dimensionless"),
}
_SIGNS = {
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)),
    **dict.fromkeys("⁻−–", "-"),
    **dict.fromkeys("µμ", "u"),
    **dict.fromkeys([" ", "\u00a0", "^", "**", "*", "·", "⋅", "×"], ""),
}


@dataclass(frozen=True)
class DeclaredUnit(Rule):
    """The unit that a row writes beside its value is the contract's.

    ``{rule: unit-column, column: unit}`` under a number that has a ``unit``. A row is not asked
    where the value or the unit's text is absent. Texts are compared as written but for blanks,
    raised digits and the two Greek letters mu: ``µg/m³``, ``ug/m^3`` and ``μg m-3`` are all ``ug/m3``.
    Upper and lower case differ, as in UCUM: ``mS`` is no ``MS``.

    Attributes
    ----------
    number
        The property it stands under.
    column
        ``column``: the column that holds the unit's text.
    accepted
        The ways to write the unit, in plain form: the UCUM code, those known to be the same,
        and those of the setting ``also``, a list of at most 100 texts.
    """

    number: str
    column: str
    accepted: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The number and its unit's column."""
        return (self.number, self.column)

    def broken(self) -> pl.Expr:
        """Return where the unit's text is none of the accepted; null where one is absent."""
        both = pl.col(self.number).is_not_null() & pl.col(self.column).is_not_null()
        other = pl.col(self.column).map_batches(self._other, return_dtype=pl.Boolean)
        return pl.when(both).then(other)

    def _other(self, texts: pl.Series) -> pl.Series:
        """Return (n,) Boolean: which texts are another unit; each distinct one is read once."""
        distinct = texts.drop_nulls().unique()
        plain = distinct.str.strip_chars()
        for sign, replaced in _SIGNS.items():
            plain = plain.str.replace_all(sign, replaced, literal=True)
        return ~texts.is_in(distinct.filter(plain.is_in(list(self.accepted))).implode())


def read_declared_unit(scope: Scope, p: Parameters) -> DeclaredUnit:
    """Read the rule."""
    assert scope.property is not None
    column = p.column("column", scope, ("string",))
    unit = scope.units.get(scope.property)
    if unit is None:
        raise p.fail("rule", "unit-column under a number that has a unit", None)
    also = p.items("also", (), most=SPELLINGS)
    if not all(isinstance(text, str) for text in also):
        raise p.fail("also", "a list of texts", also)
    accepted = {*spellings(unit), *map(plain_unit, also)}
    reason = f"unit-column:{scope.property}"
    return DeclaredUnit(reason, p.action, p.severity, scope.property, column, tuple(sorted(accepted)))


def plain_unit(text: str) -> str:
    """Return a unit's text without what differs between ways to write the same.

    Examples
    --------
    >>> plain_unit("µg m⁻³"), plain_unit("ug / m^3")
    ('ugm-3', 'ug/m3')
    """
    text = text.strip()
    for sign, plain in _SIGNS.items():
        text = text.replace(sign, plain)
    return text


def spellings(unit: str) -> set[str]:
    """Return the plain forms of a UCUM unit that mean it exactly.

    Examples
    --------
    >>> sorted(spellings("ug/m3"))
    ['ug.m-3', 'ug/m3', 'ugm-3']
    """
    found = {plain_unit(unit), *map(plain_unit, SAME.get(unit, ()))}
    bare = re.sub(r"\[([A-Za-z0-9]+?)(?:_[a-z]+)?\]", r"\1", unit)  # [ft_i] is written ft
    found |= {
        plain_unit(bare),
        plain_unit(re.sub(r"[{}]", "", unit)),
        plain_unit(re.sub(r"\{.*?\}", "", unit)),
    }
    for form in list(found):
        parts = re.fullmatch(r"([^/]+)/([A-Za-z]+)([0-9]*)", form)
        if parts:
            below = f"{parts[2]}-{parts[3] or 1}"
            found |= {f"{parts[1]}{below}", f"{parts[1]}.{below}"}
    return found - {""} if unit != "1" else found
