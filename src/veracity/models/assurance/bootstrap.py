"""Confidence intervals for errors that hang together in time: the circular block bootstrap.

Errors of forecasts are not independent: those made an hour apart see the same weather, and so do those of
neighbouring wards. Sampling single errors would make intervals several times too narrow and find unfairness
in noise. So whole blocks of origins are drawn, with all wards and horizons in each: what hangs together stays
together.

References
----------
Politis and Romano (1992), "A circular block-resampling procedure for stationary data". Intervals are normal
ones with the bootstrap's standard error; for several cells at once their level is Bonferroni's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from veracity.models.assurance.result import Number
from veracity.models.panel_array import Floats, Ints


@dataclass(frozen=True)
class Interval:
    """(g,) estimates, and the ends of their intervals."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Bootstrap:
    """Samples of origins.

    Attributes
    ----------
    weights
        (b + 1, o) float64: how often each origin is in each sample; the first row is the data itself.
    confidence
        Of the intervals.
    """

    weights: Floats
    confidence: float = 0.95

    @classmethod
    def of(
        cls, origins_us: Ints, block_us: int, repeats: int, confidence: float, rng: np.random.Generator
    ) -> "Bootstrap":
        """Draw samples of blocks that are at least ``block_us`` long, of origins in order of time."""
        n = len(origins_us)
        step = int(np.median(np.diff(origins_us))) if n > 1 else block_us
        length = int(np.clip(-(-block_us // max(step, 1)), 1, max(n // 4, 1)))
        starts = rng.integers(0, n, (repeats, -(-n // length)))
        drawn = (starts[:, :, None] + np.arange(length)) % n
        drawn = drawn.reshape(repeats, -1)[:, :n]
        weights = np.ones((repeats + 1, n))
        for row, at in zip(weights[1:], drawn, strict=True):
            row[:] = np.bincount(at, minlength=n)
        return cls(weights, confidence)

    def sums(self, values: Floats) -> Floats:
        """Return (b + 1, …): the sums over origins of (o, …) values, in each sample."""
        out: Floats = np.tensordot(self.weights, values, axes=1)
        return out

    def ratio(self, over: Floats, under: Floats) -> Floats:
        """Return (b + 1, g) samples of ``sum(over) / sum(under)``; NaN where there is nothing under."""
        above, below = self.sums(over), self.sums(under)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(below > 0, above / below, np.nan)

    def interval(self, samples: Floats, n_cells: int | None = None) -> Interval:
        """Return the interval of (b + 1, g) samples, held for all ``n_cells`` (by default g) at once."""
        value, drawn = samples[0], samples[1:]
        cells = max(n_cells if n_cells is not None else int(np.isfinite(value).sum()), 1)
        z = NormalDist().inv_cdf(1 - (1 - self.confidence) / 2 / cells)
        known = np.isfinite(drawn)
        n = known.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known, drawn, 0).sum(axis=0) / n
            spread = np.sqrt((np.where(known, drawn - mean, 0) ** 2).sum(axis=0) / np.maximum(n - 1, 1))
        spread = np.where(n > 1, spread, np.nan)
        return Interval(value, value - z * spread, value + z * spread)

    def numbers(
        self,
        name: str,
        samples: Floats,
        counts: Floats,
        labels: Sequence[Mapping[str, str]],
        n_least: int,
        n_cells: int | None = None,
    ) -> tuple[Number, ...]:
        """Return a number for each of g cells; those of fewer than ``n_least`` cases are not judged."""
        enough = [bool(n >= n_least) for n in counts]
        cells = n_cells if n_cells is not None else sum(enough)
        i = self.interval(samples, cells)
        return tuple(
            Number(name, float(i.value[g]), float(i.low[g]), float(i.high[g]), int(counts[g]), of, enough[g])
            for g, of in enumerate(labels)
            if np.isfinite(i.value[g])
        )
