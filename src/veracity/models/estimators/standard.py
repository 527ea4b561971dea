"""Features on one footing: their means taken away, by their spreads, unknown ones at the mean."""

import numpy as np

from veracity.models.features import Float32s
from veracity.models.panel_array import Floats

FLAT = 1e-12  #: a spread below is none: such a feature stays as it is


def means_and_scales(rows: Float32s) -> tuple[Floats, Floats]:
    """Return the mean and the spread of each of f features, from (n, f), of what is known."""
    known = np.isfinite(rows)
    n_known = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, rows, 0.0).sum(axis=0, dtype=np.float64) / n_known
    spread = np.sqrt(np.where(known, (rows - means) ** 2, 0.0).sum(axis=0) / n_known)
    return means, np.where(spread > FLAT, spread, 1.0)


def standardised(rows: Float32s, means: Floats, scales: Floats) -> Floats:
    """Return (n, f) features in spreads from their means, 0 where unknown."""
    scaled = (rows - means) / scales
    return np.where(np.isfinite(scaled), scaled, 0.0)
