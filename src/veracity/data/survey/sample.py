"""A sample of a stream of numbers: bounded, and the same however the stream was cut."""

import numpy as np

from veracity.data.rules.readings import Floats

SAMPLE = 32_768
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


class Sample:
    """Up to ``limit`` of the values that came, each as likely as any other.

    A value stays by a hash of its place in the stream, so that chance needs no seed and a feed whose
    sensors take turns is sampled from all of them. All values are there until more than ``limit`` came.
    """

    def __init__(self, limit: int = SAMPLE) -> None:
        self.n_seen = 0
        self.share = 1.0
        self._limit = limit
        self._bits = np.uint64(0)
        self._hashes = np.empty(0, np.uint64)
        self._values: Floats = np.empty(0, np.float64)

    @property
    def values(self) -> Floats:
        """(k,) float64, in order of arrival."""
        return self._values

    @property
    def is_whole(self) -> bool:
        """Whether every value that came is in it."""
        return self.share == 1.0

    def add(self, values: Floats) -> None:
        """Take in more values of the stream."""
        hashes = _hashed(self.n_seen, len(values))
        self.n_seen += len(values)
        kept = hashes & self._bits == 0
        self._hashes = np.concatenate([self._hashes, hashes[kept]])
        self._values = np.concatenate([self._values, values[kept]])
        while len(self._values) > self._limit:
            self._bits = self._bits << np.uint64(1) | np.uint64(1)
            self.share /= 2
            kept = self._hashes & self._bits == 0
            self._hashes, self._values = self._hashes[kept], self._values[kept]

    def quantiles(self, *shares: float) -> list[float]:
        """Return quantiles, each a value that came; none where nothing came."""
        if not len(self._values):
            return []
        return [float(v) for v in np.quantile(self._values, shares, method="nearest")]


def _hashed(first: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return a hash of each place in the stream; wrapping around is meant."""
    x = np.arange(first, first + n, dtype=np.uint64) * _GOLDEN
    x ^= x >> np.uint64(31)
    x *= _MIX
    return np.asarray(x >> np.uint64(20), dtype=np.uint64)
