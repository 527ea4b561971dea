"""The continuous ranked probability score of quantiles: how far, and how unsure, a forecast was."""

from collections.abc import Sequence

import numpy as np

from veracity.models.errors import BadParameter
from veracity.models.panel_array import Floats


def pinball(values: Floats, levels: Sequence[float], y: Floats) -> Floats:
    """Return the loss of each quantile, least on average where it is the true one.

    Parameters
    ----------
    values
        (…, q): quantiles, in the unit of ``y``.
    levels
        q of them, from 0 to 1.
    y
        (…): what came; NaN gives NaN.

    Returns
    -------
    Floats
        (…, q), in the unit of ``y``.

    Examples
    --------
    >>> pinball(np.array([[10.0, 20.0]]), (0.1, 0.9), np.array([22.0])).round(2).tolist()
    [[1.2, 1.8]]
    """
    if values.shape[-1] != len(levels) or values.shape[:-1] != y.shape:
        raise BadParameter(f"quantiles: want {len(levels)} for each of {y.shape}, got {values.shape}")
    error = y[..., None] - values
    level = np.asarray(levels, np.float64)
    out: Floats = np.where(error >= 0, level, level - 1) * error
    return out


def crps_of_quantiles(values: Floats, levels: Sequence[float], y: Floats) -> Floats:
    """Return the score from the losses of quantiles, as an integral over levels.

    Twice the loss is integrated from level 0 to 1, each quantile standing for the levels nearest to it. Few
    quantiles give an approximation: compare only scores of the same levels. One alone, the median, gives the
    absolute error.

    Parameters
    ----------
    values
        (…, q): quantiles, in the unit of ``y``.
    levels
        q of them, from 0 to 1, ascending.
    y
        (…): what came; NaN gives NaN.

    Returns
    -------
    Floats
        (…), in the unit of ``y``.

    References
    ----------
    Gneiting and Ranjan (2011), Comparing density forecasts using threshold- and quantile-weighted scoring
    rules, section 3.

    Examples
    --------
    >>> crps_of_quantiles(np.array([[10.0]]), (0.5,), np.array([13.0])).tolist()
    [3.0]
    """
    if list(levels) != sorted(set(levels)) or not levels:
        raise BadParameter(f"levels: want them ascending, got {levels}")
    out: Floats = 2 * pinball(values, levels, y) @ level_weights(levels)
    return out


def level_weights(levels: Sequence[float]) -> Floats:
    """Return how much of the range from 0 to 1 is nearest to each level; they sum to 1.

    Examples
    --------
    >>> level_weights((0.1, 0.5, 0.9)).round(2).tolist()
    [0.3, 0.4, 0.3]
    """
    at = np.asarray(levels, np.float64)
    return np.diff(np.concatenate([[0.0], (at[1:] + at[:-1]) / 2, [1.0]]))
