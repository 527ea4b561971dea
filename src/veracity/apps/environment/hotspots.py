"""Hot spots: places that stay above what their neighbours say, and how sure that is.

At each hour every sensor is left out and estimated from the others. Where a place lies in that estimate's
distribution is turned into a normal score; a hot spot is one whose mean score over a window is too high for
chance. Scores of one hour and the next are alike, so that fewer hours count than there are; and many places
are looked at, so that the false discovery rate is held, whatever their dependence (Benjamini and Yekutieli,
Ann. Stat. 29, 2001).

A sensor that is wrong looks like a hot spot. One that the model does not believe is said to be suspect.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from veracity.models.errors import BadParameter
from veracity.models.forecast import Forecast
from veracity.models.panel_array import Bools, Floats, PanelArray
from veracity.models.spatial import SpatialModel

SURE = 3.0  #: a score is at most that far out: one hour alone proves little
LEAST_HOURS = 6
_NORMAL = NormalDist()


@dataclass(frozen=True)
class HotSpot:
    """A place above its neighbours.

    Attributes
    ----------
    key
        The place.
    excess
        Median of measured less estimated over the window, in the target's unit.
    share_above
        Of the hours: how many were above the estimate's 90 % quantile. By chance: one in ten.
    hours
        How many hours were known.
    p_value
        Chance of a mean score as high, were the place like its neighbours.
    suspect
        The sensor differs from its neighbours so much, or so erratically, that it may be the sensor.
    """

    key: str
    excess: float
    share_above: float
    hours: int
    p_value: float
    suspect: bool


def hot_spots(
    model: SpatialModel, panel: PanelArray, hours: int = 24, false_discovery: float = 0.05
) -> list[HotSpot]:
    """Return the hot spots of the last ``hours`` steps of a panel, the surest first.

    Parameters
    ----------
    model
        Fitted on an earlier stretch of the same sensors.
    panel
        Its last steps are looked at.
    false_discovery
        Of the places returned, at most this share is expected to be there by chance.

    Raises
    ------
    BadParameter
        If the window or the rate is outside of what they can be.
    NotFitted, BadPanel
        As the model's.
    """
    if not (LEAST_HOURS <= hours <= panel.n_times and 0 < false_discovery < 1):
        raise BadParameter(
            f"hours, rate: want {LEAST_HOURS} to {panel.n_times} and 0 to 1, got {hours}, {false_discovery}"
        )
    at = np.arange(panel.n_times - hours, panel.n_times)
    column = panel.index(model.target)
    values = np.where(panel.measured[at, :, column], panel.values[at, :, column], np.nan)
    said = model.without_each(panel, at)
    scores = _scores(values, said)
    p_values, counts = _p_values(scores)
    bad = set(model.bad_sensors())
    found = []
    for k in np.flatnonzero(_discovered(p_values, false_discovery)):
        known = np.isfinite(scores[:, k])
        excess = float(np.median(values[known, k] - said.median[known, k, 0]))
        above = float(np.mean(values[known, k] > said.quantile(0.9)[known, k, 0]))
        key = panel.keys[k]
        found.append(HotSpot(key, excess, above, int(counts[k]), float(p_values[k]), key in bad))
    return sorted(found, key=lambda h: (h.p_value, -h.excess, h.key))


def _scores(values: Floats, said: Forecast) -> Floats:
    """Return (n, k) normal scores of values in estimates; NaN where either is unknown.

    Between quantiles on straight lines of the score, beyond them on the outer lines.
    """
    quantiles = said.values[:, :, 0, :]
    at = np.array([_NORMAL.inv_cdf(level) for level in said.levels])
    out = np.full(values.shape, np.nan)
    known = np.isfinite(values) & np.isfinite(quantiles).all(-1)
    q, y = quantiles[known], values[known]
    place = np.clip((q < y[:, None]).sum(1), 1, q.shape[1] - 1)
    row = np.arange(len(y))
    low, high = q[row, place - 1], q[row, place]
    step = np.maximum(high - low, 1e-9)
    out[known] = np.clip(at[place - 1] + (y - low) / step * (at[place] - at[place - 1]), -SURE, SURE)
    return out


def _p_values(scores: Floats) -> tuple[Floats, Floats]:
    """Return (k,) chances of means as high, NaN for places known in too few hours; and (k,) known hours."""
    known = np.isfinite(scores)
    counts = known.sum(0).astype(np.float64)
    means = np.nansum(scores, 0) / np.maximum(counts, 1)
    alike = _likeness(scores, means)
    effective = np.maximum(counts * (1 - alike) / (1 + alike), 1.0)
    p_values = 1.0 - np.array([_NORMAL.cdf(z) for z in means * np.sqrt(effective)])
    return np.where(counts >= LEAST_HOURS, p_values, np.nan), counts


def _likeness(scores: Floats, means: Floats) -> float:
    """Return how alike scores are one hour apart, over all places: 0 to 0.95."""
    rest = scores - means[None, :]
    both = np.isfinite(rest[1:]) & np.isfinite(rest[:-1])
    product = np.where(both, rest[1:] * rest[:-1], 0.0).sum()
    square = np.where(both, np.square(rest[1:]) + np.square(rest[:-1]), 0.0).sum() / 2
    return float(np.clip(product / square if square > 0 else 0.0, 0.0, 0.95))


def _discovered(p_values: Floats, rate: float) -> Bools:
    """Return (k,) bool: which are discoveries at a false discovery rate under any dependence."""
    known = np.flatnonzero(np.isfinite(p_values))
    out = np.zeros(len(p_values), bool)
    if not len(known):
        return out
    order = known[np.argsort(p_values[known], kind="stable")]
    m = len(order)
    bound = rate * np.arange(1, m + 1) / (m * np.sum(1.0 / np.arange(1, m + 1)))
    passed = np.flatnonzero(p_values[order] <= bound)
    if len(passed):
        out[order[: passed[-1] + 1]] = True
    return out
