"""Factors that follow outcomes: the online part of conformal calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veracity.models.panel_array import Floats

FURTHEST = 3.0  #: logarithm of a factor: up to twenty times, down to a twentieth
NARROWEST = 1e-9


@dataclass(frozen=True)
class Tracker:
    """Follows, by horizon, key and level, the factor beyond which as many outcomes fall as the level says.

    Attributes
    ----------
    horizons, levels
        h and q of them.
    rate
        The step after a miss one row ahead, in logarithms; ``h`` rows ahead it is ``rate / sqrt(h)``, since
        outcomes then come late and many at once.
    together
        How much of a step comes from all keys, 0 to 1.
    """

    horizons: tuple[int, ...]
    levels: tuple[float, ...]
    rate: float
    together: float

    def run(self, said: Floats, came: Floats, past: Floats) -> Floats:
        """Return the factors in force at each row, outcomes up to it taken in.

        An outcome counts as missed by the factor with which it was forecast, not by that of today: only so
        do misses add up to their share.

        Parameters
        ----------
        said
            (n, k, h, q): quantiles said at each row before any factor.
        came
            (n, k): what was measured at each row, NaN where nothing was.
        past
            (p, h, k, q): factors that were in force at the first rows, one at least; none is learned there.

        Returns
        -------
        Floats
            (n, h, k, q): logarithms.
        """
        scores = log_scores(said, came, self.horizons, self.levels)
        known = ~np.isnan(scores)
        share = np.where(known, np.minimum(self.levels, 1 - np.asarray(self.levels)), 0.0)
        n_known = np.maximum(known.sum(axis=2, keepdims=True), 1)
        rate = self.rate / np.sqrt(self.horizons)[:, None, None]
        back, each = np.array(self.horizons), np.arange(len(self.horizons))
        out, n_past = np.empty_like(scores), len(past)
        out[:n_past] = past
        for i in range(n_past, len(scores)):
            issued = out[np.maximum(i - back, 0), each]
            missed = (scores[i] > issued) - share[i]  # by how much more often than its share; 0 if not known
            of_all = missed.sum(axis=1, keepdims=True) / n_known[i]
            step = (1 - self.together) * missed + self.together * of_all
            np.clip(out[i - 1] + rate * step, -FURTHEST, FURTHEST, out=out[i])
        return out


def log_scores(said: Floats, came: Floats, horizons: Sequence[int], levels: Sequence[float]) -> Floats:
    """Return (n, h, k, q): the logarithm of the factor that each outcome would have needed, by when it came.

    Minus infinity for an outcome on the other side of the median; NaN where it or the forecast is not
    known, and for the median itself.
    """
    n, k, _, _ = said.shape
    middle_at = list(levels).index(0.5)
    out = np.full((n, len(horizons), k, len(levels)), np.nan)
    side = np.sign(np.asarray(levels) - 0.5)
    for j, h in enumerate(horizons):
        if h >= n:
            continue
        issued = said[: n - h, :, j]
        middle = issued[..., middle_at, None]
        needed = side * (came[h:, :, None] - middle)
        width = np.maximum(side * (issued - middle), NARROWEST)
        with np.errstate(divide="ignore"):
            np.log(np.maximum(needed, 0.0, out=needed) / width, out=out[h:, j])
        out[:, j, :, middle_at] = np.nan
    return out


def conformity(said: Floats, came: Floats, horizons: Sequence[int], levels: Sequence[float]) -> Floats:
    """Return (h, q): logarithms of the factors with which the levels had held, all keys together."""
    scores = log_scores(said, came, horizons, levels)
    out = np.zeros((len(horizons), len(levels)))
    for j in range(len(horizons)):
        for i, level in enumerate(levels):
            known = scores[:, j, :, i]
            known = known[~np.isnan(known)]
            if level != 0.5 and len(known):
                out[j, i] = np.quantile(known, max(level, 1 - level), method="higher")
    return np.clip(out, -FURTHEST, FURTHEST)
