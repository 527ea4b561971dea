"""The unit of a column, from its header and from what its values can be."""

import re
from dataclasses import dataclass, replace

import polars as pl

from veracity.data.infer.names import words
from veracity.data.infer.quantities import POLLUTANTS, Quantity, quantity_of
from veracity.units import UnknownUnit, conversion

# Spellings, without blanks and in lower case, and their UCUM code: a spelling a word, a unit a line.
_UNITS = """
ug/m3 = ug/m3 ugm3 ug/m^3 ug_m3
mg/m3 = mg/m3 mg_m3 mgm3
ng/m3 = ng/m3
g/m3 = g/m3
[ppb] = ppb
[ppm] = ppm
Cel = degc c cel celsius deg_c
[degF] = degf f fahrenheit deg_f
K = k kelvin
% = % pct percent
hPa = hpa
mbar = mbar mb
kPa = kpa
Pa = pa
mm[Hg] = mmhg
[in_i'Hg] = inhg
bar = bar
[psi] = psi
m/s = m/s mps m_s ms
km/h = km/h kmh kph km_h
[mi_i]/h = mph
[kn_i] = kt knots
mm = mm
cm = cm
m = m
[in_i] = in
[ft_i] = ft
mm/h = mm/h mm_h
V = v volt
mV = mv
A = a
mA = ma
W = w
kW = kw
kW.h = kwh
W/m2 = w/m2 w_m2
uS/cm = us/cm us_cm
mS/cm = ms/cm
{NTU} = ntu
{FNU} = fnu
mg/L = mg/l mg_l
L/min = l/min lpm
L/s = l/s
m3/s = m3/s m3_s cms
[ft_i]3/s = cfs
deg = deg
dB = db dba
lx = lux lx
s = s sec
min = min
h = h
Hz = hz
g = g
"""
_SPELLINGS = {
    spelling: unit
    for unit, spellings in (line.split(" = ") for line in _UNITS.strip().splitlines())
    for spelling in spellings.split()
}
_LONGEST = 3  # words of a name that may be a unit: deg_c, ug_m3
_CONVERTED = {"Cel", "hPa", "m/s"}  # what a city reads these in; other units stay as the source has them
_NO_MEASURE = re.compile(
    r"(^|_)(qual|quality|flag|flags|status|code|id|valid|qc|label|name|raw|response|resistance|ohm|pt\d+|s\d)(_|$)"
)
_PLANT = {"voltage", "electric current"}


@dataclass(frozen=True)
class UnitGuess:
    """What a column measures. ``low`` and ``high`` are in ``unit``; ``sourceUnit`` where that is another."""

    quantity: Quantity | None
    unit: str | None
    source_unit: str | None
    low: float | None
    high: float | None
    why: str


def guess_unit(
    header: str,
    numbers: pl.Series,
    others: frozenset[str] = frozenset(),
    hint: str = "",
    *,
    is_index: bool = False,
) -> UnitGuess:
    """Guess what a column measures, and in which unit.

    Parameters
    ----------
    header, numbers
        Of the column; the numbers as they are in the source.
    others
        Names of the quantities of the file's other columns.
    hint
        Other words that speak of the values, such as the file's name, where the header says nothing.
    is_index
        The values are known to be points of an air quality index.
    """
    name = words(header)
    said = _said_unit(header)
    if _NO_MEASURE.search(name):
        return UnitGuess(None, said, None, None, None, f"unit {said} (sure): in the header" if said else "")
    quantity, source = quantity_of(name), f"the name {header!r}"
    if quantity is None and hint:
        quantity, source = quantity_of(words(hint)), f"the file's name {hint!r}"
    if quantity is None:
        why = f"unit {said} (likely): in the header" if said else ""
        return UnitGuess(None, said, None, None, None, why)
    if is_index and quantity.name in POLLUTANTS:
        why = f"unit {{AQI}} (likely): {quantity.name} by name, but points of an index by value; no ug/m3"
        return UnitGuess(quantity, "{AQI}", None, 0, 500, why)
    if said is not None and (found := _in_header(quantity, said)) is not None:
        return found
    named = f"{quantity.name}, by {source}"
    return _by_values(quantity, numbers, others, named)


def _said_unit(header: str) -> str | None:
    """Return the unit that a header names: in brackets, or as its last words."""
    plain = header.replace("µ", "u").replace("μ", "u").replace("³", "3").replace("²", "2").replace("°", "deg")
    for text in re.findall(r"[(\[]([^()\[\]]{1,16})[)\]]", plain):
        if (unit := _SPELLINGS.get(re.sub(r"\s", "", text.lower()))) is not None:
            return unit
    parts = words(plain).split("_")
    for n in range(min(_LONGEST, len(parts) - 1), 0, -1):
        last = "_".join(parts[-n:])
        if last in _SPELLINGS:
            known = quantity_of("_".join(parts[:-n]))
            if known is not None and (len(last) > 1 or known.unit == _SPELLINGS[last] or _fits(known, last)):
                return _SPELLINGS[last]
    return "%" if plain.strip().endswith("%") else None


def _fits(quantity: Quantity, spelling: str) -> bool:
    return _scale(_SPELLINGS[spelling], quantity.unit) is not None


def _scale(source: str, target: str | None) -> tuple[float, float] | None:
    if target is None:
        return None
    try:
        return conversion(source, target)
    except UnknownUnit:
        return None


def _in_header(quantity: Quantity, said: str) -> UnitGuess | None:
    """Take the unit that the header names, with the quantity's limits where they can be said in it."""
    why = f"unit {said} (sure): in the header; {quantity.name}"
    scale = _scale(said, quantity.unit)
    if scale is None:
        mole = quantity.name in POLLUTANTS and said in ("[ppb]", "[ppm]")
        if quantity.unit is None or mole:
            return UnitGuess(quantity, said, None, quantity.low, None, why)
        return None
    if said == quantity.unit:
        return UnitGuess(quantity, said, None, quantity.low, quantity.high, why)
    if quantity.unit in _CONVERTED:
        return UnitGuess(quantity, quantity.unit, said, quantity.low, quantity.high, why + ", converted")
    low, high = (None if b is None else (b - scale[1]) / scale[0] for b in (quantity.low, quantity.high))
    return UnitGuess(quantity, said, None, low, high, why)


def _by_values(q: Quantity, numbers: pl.Series, others: frozenset[str], named: str) -> UnitGuess:
    """Take the unit that the quantity mostly has, unless the values say otherwise."""
    usual = UnitGuess(q, q.unit, None, q.low, q.high, f"unit {q.unit} (likely): {named}")
    values = numbers.drop_nulls().abs() if q.name == "water level" else numbers.drop_nulls()
    if values.is_empty():
        return replace(usual, why=f"unit {q.unit} (a guess): {named}; no values to compare with")
    middle, high = float(values.median()), float(values.quantile(0.99) or 0)  # type: ignore[arg-type]  # numbers
    seen = f"the middle value is {middle:.4g}"
    none = UnitGuess(q, None, None, None, None, f"no unit guessed: {named}, but {seen}")
    source: str | None = None
    match q.name:
        case "temperature" | "dew point" | "water temperature":
            if 230 < middle < 330:
                source = "K"
            elif middle > 45 and others & _PLANT:
                return replace(none, why=none.why + ": [degF], or a hot machine in Cel")
            elif middle > 45:
                source = "[degF]"
        case "relative humidity" if 0 < high <= 1:
            source = "1"
        case "absolute humidity" if middle < 3:
            return none
        case "pressure":
            return _pressure(usual, none, middle)
        case "carbon monoxide" if middle < 30:
            why = f"unit mg/m3 (a guess): {named}; {seen}, too low for ug/m3; might be [ppm]"
            return UnitGuess(q, "mg/m3", None, 0, 100, why)
        case "battery" if 40 < middle <= 100:
            return UnitGuess(q, "%", None, 0, 100, f"unit % (a guess): {named}; {seen}")
        case "dissolved oxygen" if middle > 30:
            return UnitGuess(q, "%", None, 0, 300, f"unit % (a guess): {named}; {seen}, too high for mg/L")
        case "conductivity" if middle < 5:
            return UnitGuess(q, "mS/cm", None, 0, 100, f"unit mS/cm (a guess): {named}; {seen}")
        case "water level":
            unit = "m" if high <= 30 else "cm" if high <= 2_000 else None
            if unit is None:
                return none
            return UnitGuess(
                q, unit, None, None, None, f"unit {unit} (a guess): {named}; 99 % within {high:.4g}"
            )
        case "wind speed" if high > 30:
            return replace(
                usual, why=f"unit m/s (a guess): {named}; 1 % is above {high:.4g}, so perhaps km/h"
            )
        case _:
            pass
    if source is None:
        return usual
    why = f"sourceUnit {source} (likely): {named}; {seen}; converted to {q.unit}"
    return replace(usual, source_unit=source, why=why)


def _pressure(usual: UnitGuess, none: UnitGuess, middle: float) -> UnitGuess:
    spans = {"hPa": (600, 1100), "kPa": (85, 110), "Pa": (60_000, 110_000), "[in_i'Hg]": (25, 32)}
    for unit, (low, high) in spans.items():
        if low <= middle <= high:
            if unit == "hPa":
                return usual
            why = f"sourceUnit {unit} (likely): the middle value is {middle:.4g}; converted to hPa"
            return replace(usual, source_unit=unit, why=why)
    return replace(none, why=none.why + ", which is no pressure of air")
