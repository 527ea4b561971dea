"""Air-quality indices: VN_AQI of Vietnam and the US AQI, by the hour and by the day. Readings in µg/m³.

VN_AQI: Decision 1459/QĐ-TCMT of 12 November 2019 of the Vietnam Environment Administration, table 2 and
section 2.2. Break points and worked examples were checked against a public transcription of the signed PDF
(made from images of its pages), not against the PDF itself. Where the Decision is silent: the index is
rounded halves up; a mean needs three quarters of its hours; above the last break point the index is 500.
One of its examples (NO2 of 118.7 µg/m³) gives 60 where its own formula gives 59.35; the formula is followed.

US AQI: 40 CFR 58 appendix G as of 6 May 2024, and EPA-454/B-24-002 (May 2024), table 6. That document's text
could not be opened here; its break points were checked against several programs that cite it, and they agree
but for one: a single program has 500.4 µg/m³ of PM2.5 for 500, as before 2024, where the others have 325.4.
Above 500 the line of the last range goes on. AirNow's NowCast of ozone is a regression that is not done
here: by the hour, the mean of the last eight hours stands for it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from veracity.apps.environment.categories import US_CATEGORIES, VN_CATEGORIES, Category, category_of
from veracity.apps.environment.errors import BadReadings
from veracity.apps.environment.readings import (
    POLLUTANTS,
    highest_hour,
    highest_mean,
    hours_of,
    mean_of,
    nowcast,
    parts_per_billion,
    rounded,
    truncated,
)
from veracity.models.panel_array import Floats

Scale = Literal["vn", "us"]
Hours = Mapping[str, npt.ArrayLike]  #: hourly means in µg/m³ by pollutant, oldest first, NaN for none

VN_INDEX = (0, 50, 100, 150, 200, 300, 400, 500)
#: µg/m³ at each of ``VN_INDEX``. Ozone over 8 hours ends at an index of 300.
VN_BREAKS: Mapping[str, tuple[float, ...]] = {
    "o3": (0, 160, 200, 300, 400, 800, 1_000, 1_200),
    "o3_8h": (0, 100, 120, 170, 210, 400),
    "co": (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
    "so2": (0, 125, 350, 550, 800, 1_600, 2_100, 2_630),
    "no2": (0, 100, 200, 700, 1_200, 2_350, 3_100, 3_850),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
    "pm25": (0, 25, 50, 80, 150, 250, 350, 500),
}

_US_INDEX = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500))
Ranges = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class UsTable:
    """One column of the US table: ranges of concentration, from that of an index of ``first`` on.

    ``digits`` are those that a concentration is cut to, ``unit`` is of its ranges.
    """

    ranges: Ranges
    digits: int
    unit: Literal["µg/m³", "ppb", "ppm"]
    first: int = 0


US_TABLES: Mapping[str, UsTable] = {
    "pm25": UsTable(
        ((0, 9), (9.1, 35.4), (35.5, 55.4), (55.5, 125.4), (125.5, 225.4), (225.5, 325.4)), 1, "µg/m³"
    ),
    "pm10": UsTable(((0, 54), (55, 154), (155, 254), (255, 354), (355, 424), (425, 604)), 0, "µg/m³"),
    "o3_8h": UsTable(((0, 0.054), (0.055, 0.070), (0.071, 0.085), (0.086, 0.105), (0.106, 0.200)), 3, "ppm"),
    "o3": UsTable(((0.125, 0.164), (0.165, 0.204), (0.205, 0.404), (0.405, 0.604)), 3, "ppm", first=2),
    "no2": UsTable(((0, 53), (54, 100), (101, 360), (361, 649), (650, 1249), (1250, 2049)), 0, "ppb"),
    "so2": UsTable(((0, 35), (36, 75), (76, 185), (186, 304)), 0, "ppb"),
    "so2_24h": UsTable(((305, 604), (605, 1004)), 0, "ppb", first=4),
    "co": UsTable(((0, 4.4), (4.5, 9.4), (9.5, 12.4), (12.5, 15.4), (15.5, 30.4), (30.5, 50.4)), 1, "ppm"),
}


@dataclass(frozen=True)
class Index:
    """An air-quality index.

    Attributes
    ----------
    value
        A whole number; None where too little is known.
    pollutant
        The one that decides it.
    category
        What it means.
    parts
        The index of each pollutant that has one.
    """

    value: int | None
    pollutant: str | None
    category: Category | None
    parts: Mapping[str, int] = field(default_factory=dict)


def vn_part(name: str, ug_m3: npt.ArrayLike) -> Floats:
    """Return the index of one pollutant, not rounded: straight lines between break points, at most 500.

    ``name``: a pollutant, or ``o3_8h``, whose index is NaN above 400 µg/m³. NaN for NaN.

    Examples
    --------
    >>> vn_part("pm25", [25, 55.7, 600]).round(1).tolist()
    [50.0, 109.5, 500.0]
    """
    if name not in VN_BREAKS:
        raise BadReadings(f"pollutant: want one of {', '.join(VN_BREAKS)}, got {name[:40]!r}")
    breaks = VN_BREAKS[name]
    values = np.asarray(ug_m3, np.float64)
    on_lines = np.interp(values, breaks, VN_INDEX[: len(breaks)])
    beyond = (values > breaks[-1]) if name == "o3_8h" else np.zeros(values.shape, bool)
    out: Floats = np.where(np.isnan(values) | beyond, np.nan, on_lines)
    return out


def vn_concentration(name: str, index: float) -> float:
    """Return the µg/m³ at which a pollutant reaches an index: the threshold of an exceedance.

    Examples
    --------
    >>> vn_concentration("pm25", 100), vn_concentration("o3_8h", 150)
    (50.0, 170.0)
    """
    breaks = VN_BREAKS[name]
    return float(np.interp(index, VN_INDEX[: len(breaks)], breaks))


def vn_hour(hours: Hours) -> Index:
    """Return VN_AQI of an hour: NowCast of particles, that hour's mean of each gas.

    ``hours``: the last twelve of particles, the last one of gases. No index without PM2.5 or PM10.
    """
    found = _read(hours)
    parts: dict[str, float] = {}
    for name, values in found.items():
        particles = name in ("pm25", "pm10")
        now = nowcast(values, normalised_at_half=False) if particles else float(values[-1])
        parts[name] = float(vn_part(name, now))
    return _index(parts, VN_CATEGORIES, needs=("pm25", "pm10"))


def vn_day(hours: Hours) -> Index:
    """Return VN_AQI of a day: the mean of particles, the highest hour of gases, of ozone also of 8 hours.

    ``hours``: the 24 that end with the day, 01:00 to 00:00; of ozone 31, so that the first means of eight
    hours have theirs. Above 400 µg/m³ over eight hours, ozone counts by its highest hour alone.
    """
    found = _read(hours)
    parts: dict[str, float] = {}
    for name, values in found.items():
        of_day = mean_of(values, 24) if name in ("pm25", "pm10") else highest_hour(values)
        parts[name] = float(vn_part(name, of_day))
        if name == "o3":
            parts["o3"] = _most(parts["o3"], float(vn_part("o3_8h", highest_mean(values, 8))))
    return _index(parts, VN_CATEGORIES, needs=("pm25", "pm10"))


def us_part(name: str, amount: float) -> float:
    """Return the US index of one column of its table, not rounded; NaN outside of the column's ranges.

    ``amount`` is in the column's own unit (``US_TABLES``) and is cut to its digits first.

    Examples
    --------
    >>> round(us_part("pm25", 35.92431999), 2), round(us_part("o3_8h", 0.07853333), 2)
    (101.98, 125.5)
    """
    if name not in US_TABLES:
        raise BadReadings(f"pollutant: want one of {', '.join(US_TABLES)}, got {name[:40]!r}")
    table = US_TABLES[name]
    if math.isnan(amount):
        return math.nan
    cut = truncated(amount, table.digits)
    if cut < table.ranges[0][0]:
        return math.nan
    place = next((i for i, (_, high) in enumerate(table.ranges) if cut <= high), None)
    goes_on = table.first + len(table.ranges) == len(_US_INDEX)
    if place is None and not goes_on:
        return math.nan
    low, high = table.ranges[-1 if place is None else place]
    index_low, index_high = _US_INDEX[table.first + (len(table.ranges) - 1 if place is None else place)]
    return index_low + (index_high - index_low) * (cut - low) / (high - low)


def us_hour(hours: Hours) -> Index:
    """Return the US AQI of an hour: NowCast of particles, 8 hours of O3 and CO, the hour's NO2 and SO2."""
    return _us(hours, nowcast, lambda v: float(v[-1]), lambda v: mean_of(v, 8))


def us_day(hours: Hours) -> Index:
    """Return the US AQI of a day: means of particles, highest hours of NO2 and SO2, 8 hours of O3 and CO.

    ``hours``: the 24 of the day; of O3 and CO also the seven before, for the first means of eight hours.
    """
    return _us(hours, lambda v: mean_of(v, 24), highest_hour, lambda v: highest_mean(v, 8))


def _us(
    hours: Hours,
    particles: Callable[[Floats], float],
    hour: Callable[[Floats], float],
    eight: Callable[[Floats], float],
) -> Index:
    found = _read(hours)
    parts: dict[str, float] = {}
    for name in {"pm25", "pm10"} & set(found):
        parts[name] = us_part(name, particles(found[name]))
    if "no2" in found:
        parts["no2"] = us_part("no2", parts_per_billion("no2", hour(found["no2"])))
    if "co" in found:
        parts["co"] = us_part("co", parts_per_billion("co", eight(found["co"])) / 1_000)
    if "o3" in found:
        over_8h = us_part("o3_8h", parts_per_billion("o3", eight(found["o3"])) / 1_000)
        parts["o3"] = _most(over_8h, us_part("o3", parts_per_billion("o3", hour(found["o3"])) / 1_000))
    if "so2" in found:
        parts["so2"] = _so2(found["so2"], hour)
    return _index(parts, US_CATEGORIES)


def _so2(values: Floats, hour: Callable[[Floats], float]) -> float:
    """Return the index of SO2: above 304 ppb that of the day's mean, or 200 where that is not so high."""
    highest = parts_per_billion("so2", hour(values))
    if math.isnan(highest) or truncated(highest, 0) <= US_TABLES["so2"].ranges[-1][1]:
        return us_part("so2", highest)
    return _most(200.0, us_part("so2_24h", parts_per_billion("so2", mean_of(values, 24))))


def _read(hours: Hours) -> dict[str, Floats]:
    if unknown := set(hours) - set(POLLUTANTS):
        raise BadReadings(f"pollutant: want one of {', '.join(POLLUTANTS)}, got {sorted(unknown)[0][:40]!r}")
    return {name: hours_of(hours[name], name) for name in POLLUTANTS if name in hours}


def _index(
    parts: Mapping[str, float], categories: tuple[Category, ...], needs: tuple[str, ...] = ()
) -> Index:
    known = {name: rounded(value) for name, value in parts.items() if not math.isnan(value)}
    if not known or (needs and not set(needs) & set(known)):
        return Index(None, None, None, known)
    deciding = max(known, key=lambda name: known[name])
    value = known[deciding]
    return Index(value, deciding, category_of(value, categories), known)


def _most(a: float, b: float) -> float:
    return b if math.isnan(a) else a if math.isnan(b) else max(a, b)


def index_of(scale: Scale, hours: Hours, *, of_day: bool = False) -> Index:
    """Return an index of either scale, of the last hour or of the day."""
    if scale not in get_args(Scale):
        raise BadReadings(f"scale: want vn or us, got {scale!r}")
    if scale == "vn":
        return vn_day(hours) if of_day else vn_hour(hours)
    return us_day(hours) if of_day else us_hour(hours)
