"""Quantiles of many groups at once: sorted once, then read off between the two nearest."""

from collections.abc import Sequence

import numpy as np

from veracity.models.panel_array import Floats, Ints


def group_quantiles(
    values: Floats, groups: Ints, n_groups: int, levels: Sequence[float]
) -> tuple[Floats, Ints]:
    """Return (g, q): each group's quantiles of what is known, NaN for none; and (g,): how many that are.

    A quantile lies on the straight line between the two nearest values, as ``numpy.quantile`` draws it by
    default: the results are the same to the bit.

    Parameters
    ----------
    values
        (n, …): all of a row belongs to its group; what is not finite is left out.
    groups
        (n,): each row's group, from 0 up to ``n_groups``.
    levels
        q of them, from 0 to 1.

    Notes
    -----
    Takes memory for as many values in each group that occurs as the largest has: meant for hours of the day
    and the like, of about one size.

    Examples
    --------
    >>> found, n = group_quantiles(np.array([1.0, 9.0, 3.0, np.nan]), np.array([0, 1, 0, 1]), 3, (0.0, 0.5))
    >>> found.tolist(), n.tolist()
    ([[1.0, 2.0], [9.0, 9.0], [nan, nan]], [2, 1, 0])
    """
    out, n_known = np.full((n_groups, len(levels)), np.nan), np.zeros(n_groups, np.int64)
    if values.size == 0:
        return out, n_known
    occurs, rows = _rows_of(groups)
    wide = values.reshape(len(values), -1)
    padded = np.concatenate([np.where(np.isfinite(wide), wide, np.nan), np.full((1, wide.shape[1]), np.nan)])
    ascending = np.sort(padded[rows].reshape(len(rows), -1), axis=1)
    n_known[occurs] = np.isfinite(ascending).sum(axis=1)
    some = n_known[occurs] > 0
    out[occurs[some]] = _read_off(ascending[some], n_known[occurs[some]], levels)
    return out, n_known


def _rows_of(groups: Ints) -> tuple[Ints, Ints]:
    """Return (o,) groups that occur, and (o, m) their rows, filled up with the number after the last row."""
    counts = np.bincount(groups)
    occurs = np.flatnonzero(counts)
    counts, order = counts[occurs], np.append(np.argsort(groups, kind="stable"), len(groups))
    place = np.arange(counts.max())
    at = (np.cumsum(counts) - counts)[:, None] + place
    return occurs, order[np.where(place < counts[:, None], at, -1)]


def _read_off(ascending: Floats, n_known: Ints, levels: Sequence[float]) -> Floats:
    """Return (g, q) quantiles of (g, m) values, of which the first ``n_known`` (g,) of each are known."""
    last = (n_known - 1)[:, None]
    exact = last * np.asarray(levels, np.float64)
    below = np.floor(exact).astype(np.int64)
    share = exact - below
    row = np.arange(len(ascending))[:, None]
    low, high = ascending[row, below], ascending[row, np.minimum(below + 1, last)]
    step = high - low
    return np.where(share >= 0.5, high - step * (1 - share), low + step * share)  # as numpy: exact at both
