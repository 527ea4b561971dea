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
    flat = values.reshape(-1, len(level))
    out = np.array([_one(row, level, threshold) for row in flat])
    return out.reshape(values.shape[:-1])


def _one(row: Floats, level: Floats, threshold: float) -> float:
    if np.isnan(row).any():
        return np.nan
    if threshold > row[-1]:
        return float((1 - level[-1]) * _tail(threshold - row[-1], row[-1] - row[-2], level[-1], level[-2]))
    if threshold < row[0]:
        below = level[0] * _tail(row[0] - threshold, row[1] - row[0], 1 - level[0], 1 - level[1])
        return float(1 - below)
    return float(1 - np.interp(threshold, row, level))


def _tail(beyond: float, gap: float, outer: float, inner: float) -> float:
    """Return the share of an exponential tail that lies further out than ``beyond``."""
    scale = gap / np.log((1 - inner) / (1 - outer))
    return float(np.exp(-beyond / scale)) if scale > 0 else 0.0
