"""The air of wards, most of which have no station: interpolated, with how sure, and what it means.

A ward's value is what a sound sensor would read at its point, or in the mean over its area where its outline
is given. Sensors are listened to by their trust; the further they are, the wider the interval. Where that
spans more than one category of the index, it is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from veracity.apps.environment.aqi import vn_part
from veracity.apps.environment.categories import VN_CATEGORIES, Category, category_of
from veracity.apps.environment.readings import rounded
from veracity.models.errors import BadParameter
from veracity.models.forecast import Forecast
from veracity.models.panel_array import Bools, Floats, Ints, PanelArray
from veracity.models.spatial import Points, SpatialModel

Outlines = Mapping[str, Sequence[Floats]]  #: rings of (m, 2) longitude and latitude, by ward

SIDE = 5  #: points along the longer side of an outline's box, at least
MOST_POINTS = 36  #: within one outline


@dataclass(frozen=True)
class WardAir:
    """One pollutant in one ward.

    Attributes
    ----------
    ward
        Its code.
    median, low, high
        In the target's unit: as likely passed as not, and the ends of the 80 % interval; None where too few
        sensors report.
    category
        Of VN_AQI for this pollutant alone, were the hour's value to last; None as above.
    could_be
        The other categories that the interval spans, the best air first.
    """

    ward: str
    median: float | None
    low: float | None
    high: float | None
    category: Category | None
    could_be: tuple[Category, ...] = ()


def ward_forecast(
    model: SpatialModel,
    panel: PanelArray,
    points: Points,
    outlines: Outlines | None = None,
    at: Ints | None = None,
) -> Forecast:
    """Return quantiles for wards at some times of a panel, by default its last.

    With outlines, those of a ward are the means of its points' quantiles: the interval is that of a place in
    the ward, and so not too narrow for its mean.

    Raises
    ------
    NotFitted, BadParameter, BadPanel
        As the model's.
    """
    spread = {ward: _within(ward, points[ward], (outlines or {}).get(ward, ())) for ward in points}
    named = {f"{ward}/{i}": (x, y) for ward, inner in spread.items() for i, (x, y) in enumerate(inner)}
    said = model.at(named, panel, at)
    ends = np.cumsum([len(inner) for inner in spread.values()])
    parts = np.split(said.values, ends[:-1], axis=1)
    values = np.stack([part.mean(axis=1) for part in parts], axis=1)
    return replace(said, keys=tuple(spread), values=values)


def ward_air(said: Forecast, pollutant: str) -> list[WardAir]:
    """Return what the last time of a forecast of wards means, ward by ward.

    ``pollutant``: as ``aqi`` names it, such as ``pm25``; the forecast is in µg/m³.
    """
    low, median, high = (said.quantile(level)[-1, :, 0] for level in (0.1, 0.5, 0.9))
    out = []
    for ward, *three in zip(said.keys, low, median, high, strict=True):
        if not np.isfinite(three).all():
            out.append(WardAir(ward, None, None, None, None))
            continue
        best, likely, worst = (_category(pollutant, float(v)) for v in three)
        others = tuple(
            c for c in VN_CATEGORIES if best.level <= c.level <= worst.level and c.level != likely.level
        )
        a, b, c = (float(v) for v in three)
        out.append(WardAir(ward, b, a, c, likely, others))
    return out


def _category(pollutant: str, ug_m3: float) -> Category:
    return category_of(rounded(float(vn_part(pollutant, ug_m3))), VN_CATEGORIES)


def _within(ward: str, point: tuple[float, float], rings: Sequence[Floats]) -> list[tuple[float, float]]:
    """Return points of a grid inside rings (holes are left out), or the ward's own point."""
    if not rings:
        return [point]
    corners = np.concatenate([np.asarray(r, np.float64) for r in rings])
    if corners.ndim != 2 or corners.shape[1] != 2 or not np.isfinite(corners).all():
        raise BadParameter(f"ward {ward[:40]}: want rings of longitude and latitude, got others")
    low, high = corners.min(0), corners.max(0)
    step = max(float((high - low).max()) / SIDE, 1e-6)
    x, y = np.meshgrid(*(np.arange(a + step / 2, b, step) for a, b in zip(low, high, strict=True)))
    inside = _is_inside(x.ravel(), y.ravel(), rings)
    found = list(zip(x.ravel()[inside].tolist(), y.ravel()[inside].tolist(), strict=True))
    return found[:MOST_POINTS] or [point]


def _is_inside(x: Floats, y: Floats, rings: Sequence[Floats]) -> Bools:
    """Return whether points are within rings, by the parity of crossings to the east."""
    odd = np.zeros(len(x), bool)
    for ring in rings:
        closed = np.asarray(ring, np.float64)
        for (xa, ya), (xb, yb) in zip(closed, np.roll(closed, -1, axis=0), strict=True):
            if ya == yb:
                continue
            crosses = (ya > y) != (yb > y)
            odd ^= crosses & (x < (xb - xa) * (y - ya) / (yb - ya) + xa)
    return odd
