"""Which entries a log already has, in memory, read from its level-0 tiles when it is first asked.

About 16 bytes an entry: the first 8 bytes of each leaf hash, sorted, and its position. Every tile
is checked against the signed root as it is read, and every answer once more, whole hash and all.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.merkle import HASH_BYTES, root_from_leaf_hashes
from veracity.log.proofs import Tree
from veracity.log.reader import ObjectTiles
from veracity.log.tile_cache import TileCache
from veracity.log.tiles import TILE_WIDTH, Tile, split_tile, tile_at

_N_PARALLEL = 16
_TILES_AT_ONCE = 256
_RECENT = 65_536  #: entries kept whole before they are sorted in: one pass for many appends

Prefixes = NDArray[np.uint64]
Positions = NDArray[np.int64]


class LeafIndex:
    """The leaf hashes of one log up to ``size``. Not safe to share between threads."""

    def __init__(self, objects: Objects) -> None:
        self._tiles = ObjectTiles(objects)
        self._cache = TileCache(self._tiles)
        self._prefixes: Prefixes = np.empty(0, np.uint64)
        self._positions: Positions = np.empty(0, np.int64)
        self._recent: dict[bytes, int] = {}
        self.size = 0

    def grow(self, checkpoint: Checkpoint) -> None:
        """Read what the log of ``checkpoint`` has beyond ``size``: 8 KiB for 256 entries.

        Raises
        ------
        TileMismatch, MalformedTile
            If tiles do not lead to the checkpoint's root: damage is found before the next signature.
        ObjectMissing, StoreUnavailable
            If they cannot be read.
        """
        if checkpoint.size <= self.size:
            return
        prefixes: list[Prefixes] = []
        for tile, data in self._read(checkpoint.size):
            self._check(tile, data, checkpoint)
            skip = max(self.size - tile.index * TILE_WIDTH, 0)
            prefixes.append(_prefixes(data)[skip:])
        self._sort_in(np.concatenate(prefixes), np.arange(self.size, checkpoint.size, dtype=np.int64))
        self.size = checkpoint.size

    def add(self, entries: Sequence[tuple[bytes, int]]) -> None:
        """Take new entries, leaf hash and position; they follow those already here."""
        self._recent.update(entries)
        self.size += len(entries)
        if len(self._recent) >= _RECENT:
            self._sort_in(
                _prefixes(b"".join(self._recent)),
                np.fromiter(self._recent.values(), np.int64, len(self._recent)),
            )
            self._recent = {}

    def find(self, checkpoint: Checkpoint, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Return the position of each leaf hash that the log of ``checkpoint`` has; errors as ``grow``.

        ``grow`` to it first.
        """
        # A log that another program began may hold an entry twice: the earlier position wins, below.
        found = {leaf: self._recent[leaf] for leaf in leaf_hashes if leaf in self._recent}
        sought = _prefixes(b"".join(leaf_hashes))
        first = np.searchsorted(self._prefixes, sought, "left")
        last = np.searchsorted(self._prefixes, sought, "right")
        for i in np.flatnonzero(first < last).tolist():
            for position in self._positions[first[i] : last[i]].tolist():
                if self._leaf_at(position, checkpoint) == leaf_hashes[i]:
                    found[leaf_hashes[i]] = position
                    break
        return found

    def _read(self, size: int) -> Iterator[tuple[Tile, bytes]]:
        """Yield the level-0 tiles from ``self.size`` on, several requests under way at once."""
        tiles = [
            tile_at(0, index, size)
            for index in range(self.size // TILE_WIDTH, (size + TILE_WIDTH - 1) // TILE_WIDTH)
        ]
        with ThreadPoolExecutor(min(_N_PARALLEL, len(tiles))) as pool:
            for i in range(0, len(tiles), _TILES_AT_ONCE):
                some = tiles[i : i + _TILES_AT_ONCE]
                yield from zip(some, pool.map(self._read_one, some), strict=True)

    def _read_one(self, tile: Tile) -> bytes:
        return self._tiles.read_tiles([tile])[0]

    def _check(self, tile: Tile, data: bytes, checkpoint: Checkpoint) -> None:
        tree = Tree(checkpoint.size, checkpoint.root, self._cache)
        tree.verify_bundle(tile.index, root_from_leaf_hashes(split_tile(tile, data)))

    def _leaf_at(self, position: int, checkpoint: Checkpoint) -> bytes:
        """Return the leaf hash at a position, checked against the root."""
        tile = tile_at(0, position // TILE_WIDTH, checkpoint.size)
        hashes = self._cache.load([tile])[tile][0]
        self._check(tile, b"".join(hashes), checkpoint)
        return hashes[position % TILE_WIDTH]

    def _sort_in(self, prefixes: Prefixes, positions: Positions) -> None:
        prefixes = np.concatenate([self._prefixes, prefixes])
        positions = np.concatenate([self._positions, positions])
        order = np.argsort(prefixes, kind="stable")
        self._prefixes, self._positions = prefixes[order], positions[order]


def _prefixes(hashes: bytes) -> Prefixes:
    """Return the first 8 bytes of each hash, as numbers."""
    return np.frombuffer(hashes, ">u8")[:: HASH_BYTES // 8].astype(np.uint64)
