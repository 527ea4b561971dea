"""Inclusion and consistency proofs computed from tiles.

A proof is verified against the root before it is returned: that authenticates every hash it
was made of for a few node hashes, so a damaged tile shows up here and not at the verifier.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from veracity.log.errors import ConsistencyRejected, InclusionRejected, TileMismatch
from veracity.log.merkle import (
    EMPTY_ROOT,
    consistency_ranges,
    inclusion_ranges,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from veracity.log.tile_cache import TileCache
from veracity.log.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, tile_at

Subtree = tuple[int, int]  #: level k, index i: the complete subtree over leaves i * 2**k to (i + 1) * 2**k


@dataclass(frozen=True)
class Tree:
    """A tree of known ``size`` and ``root``, its hashes read from tiles through ``cache``."""

    size: int
    root: bytes
    cache: TileCache

    def leaf_hash(self, index: int) -> bytes:
        """Return the leaf hash of an entry, as the level-0 tile says it."""
        return self._roots([(index, index + 1)])[0]

    def prove_inclusion(self, index: int) -> list[bytes]:
        """Return the inclusion path of entry ``index``, leaf's sibling first.

        Raises
        ------
        IndexOutOfRange
            If the tree has no such entry.
        TileMismatch
            If the stored hashes do not lead to the root.
        """
        ranges = list(inclusion_ranges(index, self.size))
        leaf, *path = self._roots([(index, index + 1), *ranges])
        self._verify(leaf, index, self.size, path, f"entry {index}")
        return path

    def prove_consistency(self, old_size: int) -> list[bytes]:
        """Return the path from the tree of the first ``old_size`` entries to this one.

        Raises
        ------
        IndexOutOfRange
            If ``old_size`` is larger than the tree.
        TileMismatch
            If the stored hashes do not lead to the root.
        """
        path = self._roots(consistency_ranges(old_size, self.size))
        old_root = self.root_at(old_size)
        try:
            verify_consistency(old_size, self.size, path, old_root, self.root)
        except ConsistencyRejected as exc:
            raise TileMismatch(f"tiles between sizes {old_size} and {self.size}: {exc}") from exc
        return path

    def root_at(self, size: int) -> bytes:
        """Return the root over the first ``size`` entries. Not checked: a consistency proof does that."""
        return self._roots([(0, size)])[0] if size else EMPTY_ROOT

    def verify_bundle(self, bundle_index: int, bundle_root: bytes) -> None:
        """Check the root over all leaf hashes of one bundle; TileMismatch if it is not in this tree.

        Above bundles the tree has the shape of a tree whose leaves are the bundles' roots.
        """
        n_bundles = (self.size + TILE_WIDTH - 1) // TILE_WIDTH
        ranges = inclusion_ranges(bundle_index, n_bundles)
        path = self._roots((a * TILE_WIDTH, min(b * TILE_WIDTH, self.size)) for a, b in ranges)
        self._verify(bundle_root, bundle_index, n_bundles, path, f"bundle {bundle_index}")

    def _verify(self, leaf: bytes, index: int, size: int, path: list[bytes], what: str) -> None:
        try:
            verify_inclusion(leaf, index, size, path, self.root)
        except InclusionRejected as exc:
            raise TileMismatch(f"{what}: want stored hashes that lead to the signed root: {exc}") from exc

    def _roots(self, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
        """Return the root over each leaf range, reading all tiles it takes in one call."""
        cut = [_subtrees(start, stop) for start, stop in ranges]
        where = {subtree: self._locate(subtree) for subtrees in cut for subtree in subtrees}
        rows = self.cache.load([tile for tile, _, _ in where.values()])
        roots = []
        for subtrees in cut:
            hashes = [rows[tile][row][at] for tile, row, at in map(where.__getitem__, subtrees)]
            root = hashes.pop()
            while hashes:
                root = node_hash(hashes.pop(), root)
            roots.append(root)
        return roots

    def _locate(self, subtree: Subtree) -> tuple[Tile, int, int]:
        """Say in which tile a subtree's root is, in which row of it and where in the row."""
        level, row = divmod(subtree[0], TILE_HEIGHT)
        first = subtree[1] << row
        tile = tile_at(level, first // TILE_WIDTH, self.size)
        return tile, row, (first % TILE_WIDTH) >> row


def _subtrees(start: int, stop: int) -> list[Subtree]:
    """Cut a range of a proof into complete subtrees, largest (leftmost) first."""
    subtrees = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        subtrees.append((level, start >> level))
        start += 1 << level
    return subtrees
