"""The chance that a value is at or above a threshold, read from its quantiles."""

import numpy as np

from veracity.models.panel_array import Floats


def exceedance(values: Floats, levels: tuple[float, ...], threshold: float) -> Floats:
    """Return (...) the probability that the outcome is at or above ``threshold``; NaN where nothing is known.

    Between quantiles the distribution runs on straight lines. Beyond the outer ones it falls off as an
    exponential does, at the rate of the two outer quantiles: so a threshold far above all of them gets a
    chance near nothing rather than the 2.5 % that the last quantile leaves.

    Parameters
    ----------
    values
        (..., q) quantiles, not falling along q.
    levels
        (q,) at least two, ascending.

    Examples
    --------
    >>> float(exceedance(np.array([10.0, 20.0, 30.0]), (0.1, 0.5, 0.9), 25.0).round(3))
    0.3
    """
    level = np.asarray(levels)
    first, last = values[..., 0], values[..., -1]
    with np.errstate(invalid="ignore"):  # an infinite quantile has no gap to the next
        over = (1 - level[-1]) * _tail(threshold - last, last - values[..., -2], level[-1], level[-2])
        under = level[0] * _tail(first - threshold, values[..., 1] - first, 1 - level[0], 1 - level[1])
        out = np.where(threshold > last, over, 1 - _level_of(threshold, values, level))
    out = np.where(threshold < first, 1 - under, out)
    return np.where(np.isnan(values).any(axis=-1), np.nan, out)


def _level_of(threshold: float, values: Floats, level: Floats) -> Floats:
    """Return (...) the level at a threshold, on straight lines between the quantiles around it."""
    at = np.clip((values <= threshold).sum(axis=-1) - 1, 0, len(level) - 2)
    low, high = (np.take_along_axis(values, at[..., None] + i, axis=-1)[..., 0] for i in (0, 1))
    gap = high - low
    slope = np.divide(level[at + 1] - level[at], gap, out=np.zeros_like(gap), where=gap > 0)
    out: Floats = np.where(threshold >= high, level[at + 1], slope * (threshold - low) + level[at])
    return out


def _tail(beyond: Floats, gap: Floats, outer: float, inner: float) -> Floats:
    """Return (...) the share of an exponential tail that lies beyond ``beyond``; 0 without a gap."""
    scale = gap / np.log((1 - inner) / (1 - outer))
    far = np.divide(np.maximum(beyond, 0.0), scale, out=np.full_like(scale, np.inf), where=scale > 0)
    share: Floats = np.exp(-far)
    return share
