"""Factors that follow outcomes: the online part of conformal calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veracity.models.panel_array import Bools, Floats

NARROWEST_SHARE = 0.25  #: intervals that leave out less than this on each side are held as such
MIDDLE = 0.5
FURTHEST = 3.0  #: logarithm of a factor: up to twenty times, down to a twentieth
NARROWEST = 1e-9


@dataclass(frozen=True)
class Tracker:
    """Follows, by horizon, key and level, the factor beyond which as many outcomes fall as the level says.

    Each side follows its own misses slowly; both sides of an interval follow those of the interval, of all
    keys together, fast. An episode that passes above misses none below, so that of the two sides together
    fewer or more are missed than should be far less often than of one: fast steps on both cost little.

    Attributes
    ----------
    horizons, levels
        h and q of them.
    rate
        The step of a side after a miss one row ahead, in logarithms; ``h`` rows ahead it is
        ``rate / sqrt(h)``, since outcomes then come late and many at once.
    together
        How much of such a step comes from all keys, 0 to 1.
    interval_rate
        The same of an interval's two sides, of levels that leave out less than a quarter on each side; at
        most ``1 / h``. What acts on outcomes ``h`` rows late overshoots from ``1 / (e h s)`` on, ``s`` being
        by how much the misses change with the logarithm: about a third for 80 %.
    """

    horizons: tuple[int, ...]
    levels: tuple[float, ...]
    rate: float
    together: float
    interval_rate: float = 0.0

    def run(self, said: Floats, came: Floats, past: Floats) -> Floats:
        """Return the factors in force at each row, outcomes up to it taken in.

        An outcome counts as missed by what was said of it with the factors of then, not with those of
        today: only so do misses add up to their share.

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
        far = np.array(self.horizons, dtype=np.float64)[:, None, None]
        rate, of_intervals = self.rate / np.sqrt(far), np.minimum(self.interval_rate / np.sqrt(far), 1 / far)
        known, two_sides = self._known(said, came), self._two_sides()
        share = np.where(known, np.minimum(self.levels, 1 - np.asarray(self.levels)), 0.0)
        n_known = np.maximum(known.sum(axis=2, keepdims=True), 1)
        side = np.sign(np.asarray(self.levels) - MIDDLE)
        back, each = np.array(self.horizons), np.arange(len(self.horizons))
        by_horizon, n_past = said.transpose(0, 2, 1, 3), len(past)
        out, issued = np.empty_like(by_horizon), np.empty_like(by_horizon)
        out[:n_past] = past
        issued[:n_past] = stretched(by_horizon[:n_past], past, self.levels)
        for i in range(n_past, len(out)):
            beyond = side * (came[i][:, None] - issued[np.maximum(i - back, 0), each]) > 0
            missed = (beyond & known[i]) - share[i]  # by how much more often than its share; 0 if not known
            of_all = missed.sum(axis=1, keepdims=True) / n_known[i]
            step = rate * ((1 - self.together) * missed + self.together * of_all)
            np.clip(out[i - 1] + step + of_intervals * (of_all @ two_sides), -FURTHEST, FURTHEST, out=out[i])
            issued[i] = stretched(by_horizon[i], out[i], self.levels)
        return out

    def _known(self, said: Floats, came: Floats) -> Bools:
        """Return (n, h, k, q): whether at a row both what came and what had been said of it are known."""
        n, k, _, q = said.shape
        out = np.zeros((n, len(self.horizons), k, q), dtype=np.bool_)
        for j, h in enumerate(self.horizons):
            if h < n:
                out[h:, j] = np.isfinite(said[: n - h, :, j]) & np.isfinite(came[h:, :, None])
        out[..., list(self.levels).index(MIDDLE)] = False
        return out

    def _two_sides(self) -> Floats:
        """Return (q, q): 1 where two levels are the two sides of an interval that is held as such."""
        levels = np.asarray(self.levels)
        wide = np.minimum(levels, 1 - levels) < NARROWEST_SHARE
        opposite = np.isclose(levels[:, None] + levels[None, :], 1.0) & wide
        paired = np.diag(opposite.any(axis=1)) | opposite
        out: Floats = paired.astype(np.float64)
        return out


def stretched(said: Floats, log_factors: Floats, levels: Sequence[float]) -> Floats:
    """Return (..., q): quantiles stretched around the median, none nearer to it than one of a level between.

    The inner ones lead: an outer one may have a factor with which it would lie within. Misses count by what
    comes out here, so that such a factor grows until it tells.

    Examples
    --------
    >>> said = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    >>> stretched(said, np.log([1.0, 3.0, 1.0, 3.0, 2.0]), (0.1, 0.25, 0.5, 0.75, 0.9)).round(6).tolist()
    [-3.0, -3.0, 0.0, 3.0, 4.0]
    """
    middle_at = list(levels).index(MIDDLE)
    middle = said[..., middle_at, None]
    out: Floats = middle + (said - middle) * np.exp(log_factors)
    out[..., middle_at] = said[..., middle_at]
    low = out[..., middle_at::-1]
    out[..., : middle_at + 1] = np.minimum.accumulate(low, axis=-1)[..., ::-1]
    out[..., middle_at:] = np.maximum.accumulate(out[..., middle_at:], axis=-1)
    return out


def log_scores(said: Floats, came: Floats, horizons: Sequence[int], levels: Sequence[float]) -> Floats:
    """Return (n, h, k, q): the logarithm of the factor that each outcome would have needed, by when it came.

    Minus infinity for an outcome on the other side of the median; NaN where it or the forecast is not
    known, and for the median itself.
    """
    n, k, _, _ = said.shape
    middle_at = list(levels).index(MIDDLE)
    out = np.full((n, len(horizons), k, len(levels)), np.nan)
    side = np.sign(np.asarray(levels) - MIDDLE)
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
            if level != MIDDLE and len(known):
                out[j, i] = np.quantile(known, max(level, 1 - level), method="higher")
    return np.clip(out, -FURTHEST, FURTHEST)
