"""Leaf hashes of many entries in 16 bytes each: the first 8 bytes of the hash, sorted, and a position."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from veracity.log.merkle import HASH_BYTES


class SortedPrefixes:
    """Where in the log a leaf hash may be. Entries come in the order of the log."""

    def __init__(self) -> None:
        self._prefixes: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._positions: NDArray[np.int64] = np.empty(0, np.int64)

    def add(self, hashes: Iterable[bytes], positions: Sequence[int]) -> None:
        """Sort in leaf hashes, one or many in each piece, and their positions. One pass over all."""
        prefixes = np.concatenate([self._prefixes, *map(_prefixes, hashes)])
        all_positions = np.concatenate([self._positions, np.fromiter(positions, np.int64, len(positions))])
        order = np.argsort(prefixes, kind="stable")
        self._prefixes, self._positions = prefixes[order], all_positions[order]

    def candidates(self, leaf_hashes: Sequence[bytes]) -> Iterator[tuple[bytes, list[int]]]:
        """Yield each leaf hash of which the prefix is here, with its positions, the earliest first."""
        sought = _prefixes(b"".join(leaf_hashes))
        first = np.searchsorted(self._prefixes, sought, "left")
        last = np.searchsorted(self._prefixes, sought, "right")
        for i in np.flatnonzero(first < last).tolist():
            yield leaf_hashes[i], self._positions[first[i] : last[i]].tolist()


def _prefixes(hashes: bytes) -> NDArray[np.uint64]:
    """Return the first 8 bytes of each hash, as numbers."""
    return np.frombuffer(hashes, ">u8")[:: HASH_BYTES // 8].astype(np.uint64)
