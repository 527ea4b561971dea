"""Which entries a log already has, in memory, read from its level-0 tiles when it is first asked.

The newest, or all of a small log, are kept as they are; the others in about 16 bytes an entry, see
``SortedPrefixes``. Every tile is checked against the signed root as it is read, and what is found among the
sorted once more, whole hash and all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.merkle import HASH_BYTES, root_from_leaf_hashes
from veracity.log.proofs import Tree
from veracity.log.reader import ObjectTiles
from veracity.log.tile_cache import TileCache
from veracity.log.tiles import TILE_WIDTH, Tile, split_tile, tile_at

if TYPE_CHECKING:
    from veracity.log.sorted_prefixes import SortedPrefixes

_N_PARALLEL = 16
_TILES_AT_ONCE = 256
_RECENT = 65_536  #: entries kept whole before they are sorted in: one pass for many appends


class LeafIndex:
    """The leaf hashes of one log up to ``size``. Not safe to share between threads."""

    def __init__(self, objects: Objects) -> None:
        self._tiles = ObjectTiles(objects)
        self._cache = TileCache(self._tiles)
        self._sorted: SortedPrefixes | None = None  # until there are too many to keep whole
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
        if len(self._recent) + checkpoint.size - self.size < _RECENT:
            hashes = b"".join(self._new(checkpoint))
            for position, leaf in enumerate(_split(hashes), self.size):
                self._recent.setdefault(leaf, position)
        else:
            self._sort_recent()
            self._sorting().add(self._new(checkpoint), range(self.size, checkpoint.size))
        self.size = checkpoint.size

    def add(self, entries: Sequence[tuple[bytes, int]]) -> None:
        """Take new entries, leaf hash and position; they follow those already here."""
        self._recent.update(entries)
        self.size += len(entries)
        if len(self._recent) >= _RECENT:
            self._sort_recent()

    def find(self, checkpoint: Checkpoint, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Return the position of each leaf hash that the log of ``checkpoint`` has; errors as ``grow``.

        ``grow`` to it first.
        """
        # A log that another program began may hold an entry twice: the earlier position wins, below.
        found = {leaf: self._recent[leaf] for leaf in leaf_hashes if leaf in self._recent}
        if self._sorted is None:
            return found
        for leaf, positions in self._sorted.candidates(leaf_hashes):
            for position in positions:
                if self._leaf_at(position, checkpoint) == leaf:
                    found[leaf] = position
                    break
        return found

    def _sorting(self) -> SortedPrefixes:
        """Return the sorted ones; only a log too large to be kept whole brings numpy in."""
        if self._sorted is None:
            from veracity.log.sorted_prefixes import SortedPrefixes

            self._sorted = SortedPrefixes()
        return self._sorted

    def _sort_recent(self) -> None:
        if self._recent:
            self._sorting().add(self._recent, list(self._recent.values()))
            self._recent = {}

    def _new(self, checkpoint: Checkpoint) -> Iterator[bytes]:
        """Yield the leaf hashes from ``self.size`` on, many at once, each checked."""
        for tile, data in self._read(checkpoint.size):
            self._check(tile, data, checkpoint)
            yield data[max(self.size - tile.index * TILE_WIDTH, 0) * HASH_BYTES :]

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


def _split(hashes: bytes) -> Iterator[bytes]:
    return (hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES))
