"""The continuous ranked probability score of a forecast that is given by quantiles."""

from collections.abc import Sequence

import numpy as np

from veracity.models.panel_array import Floats


def crps_of_quantiles(values: Floats, levels: Sequence[float], y: Floats) -> Floats:
    """Return the CRPS of quantile forecasts: twice the pinball loss, averaged over the levels.

    Each level stands for the levels nearer to it than to another. In the unit of ``y``, smaller is better;
    of a single value it is the absolute error.

    Parameters
    ----------
    values
        (…, q) quantiles at ``levels``; NaN where nothing is said.
    levels
        (q,) ascending, between 0 and 1.
    y
        (…) what came; NaN where unknown.

    Returns
    -------
    (…) float64
        NaN where either is.

    References
    ----------
    Gneiting and Raftery (2007), Strictly proper scoring rules, JASA 102, section 4.2.

    Examples
    --------
    >>> crps_of_quantiles(np.array([[2.0, 2.0, 2.0]]), (0.1, 0.5, 0.9), np.array([5.0])).round(9)
    array([3.])
    """
    at = np.asarray(levels, np.float64)
    edges = np.concatenate([[0.0], (at[1:] + at[:-1]) / 2, [1.0]])
    weights, total = np.diff(edges), np.zeros(np.broadcast_shapes(values.shape[:-1], np.shape(y)))
    for i, level in enumerate(at):  # in this order, so that the last digit is always the same
        gap = y - values[..., i]
        total += 2 * weights[i] * np.maximum(level * gap, (level - 1) * gap)
    return total
