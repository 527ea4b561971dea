"""Edge, tiles and proofs against the plain tree, at every small size and around every tile border."""

from collections.abc import Sequence

import pytest
from log_fakes import new_log, numbered

from veracity.log.append import Log
from veracity.log.edge import Edge
from veracity.log.errors import IndexOutOfRange, LogError, TileMismatch
from veracity.log.merkle import (
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_from_leaf_hashes,
    verify_consistency,
)
from veracity.log.proofs import Tree
from veracity.log.tile_cache import TileCache
from veracity.log.tiles import Tile, tiles_for_size

BORDERS = [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_793]
LEAVES = [leaf_hash(entry) for entry in numbered(0, 66_000)]


class WrittenTiles:
    """Tiles kept in a dictionary as an edge writes them."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.n_reads = 0

    def read_tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        self.n_reads += 1
        return [self.data[tile.path] for tile in tiles]


def grow(sizes: list[int]) -> dict[int, Tree]:
    """Append up to each size in turn; return the tree at each."""
    tiles, edge, trees = WrittenTiles(), Edge(), {}
    for size in sizes:
        leaves = LEAVES[edge.size : size]
        edge, writes = edge.extend([b""] * len(leaves), leaves)
        tiles.data.update(writes)
        trees[size] = Tree(size, edge.root(), TileCache(tiles))
        assert {t.path for t in tiles_for_size(size)} <= tiles.data.keys()
    return trees


def test_every_small_tree() -> None:
    """To size 130, every root, inclusion and consistency proof from tiles is that of the plain tree."""
    for size, tree in grow(list(range(1, 131))).items():
        leaves = LEAVES[:size]
        assert tree.root == root_from_leaf_hashes(leaves)
        for index in range(size):
            assert tree.prove_inclusion(index) == inclusion_path(leaves, index)
            assert tree.leaf_hash(index) == leaves[index]
        for old in range(size + 1):
            assert tree.prove_consistency(old) == consistency_path(leaves, old)


def test_trees_around_tile_borders() -> None:
    """Around 256, 512 and 65,536 entries proofs from tiles are those of the plain tree."""
    for size, tree in grow(BORDERS).items():
        leaves = LEAVES[:size]
        assert tree.root == root_from_leaf_hashes(leaves)
        for index in {0, 1, 254, size // 2, size - 2, size - 1}:
            assert tree.prove_inclusion(index) == inclusion_path(leaves, index)
        for old in {1, 255, 256, size // 3, size - 1, size}:
            if old <= size:
                assert tree.prove_consistency(old) == consistency_path(leaves, old)
                verify_consistency(old, size, tree.prove_consistency(old), tree.root_at(old), tree.root)


def test_any_steps_lead_to_the_same_tree() -> None:
    """One large append and many small ones write the same full tiles and the same root."""
    once = grow([1300])[1300]
    steps = grow([1, 2, 250, 255, 256, 300, 512, 1299, 1300])[1300]
    assert once.root == steps.root
    assert once.prove_inclusion(700) == steps.prove_inclusion(700)


def test_proofs_read_in_one_call_and_then_from_memory() -> None:
    """A cold proof asks its reader once, a warm one not at all; the cache stays within its bound."""
    tiles, edge = WrittenTiles(), Edge()
    edge, writes = edge.extend([b""] * 66_000, LEAVES)
    tiles.data.update(writes)
    cache = TileCache(tiles, max_tiles=8)
    tree = Tree(66_000, edge.root(), cache)
    tree.prove_inclusion(40_000)
    tree.prove_inclusion(40_001)
    assert tiles.n_reads == 1
    for index in range(0, 66_000, 1000):
        tree.prove_inclusion(index)
    assert len(cache._rows) == 8


def test_a_damaged_tile_gives_no_proof() -> None:
    """A flipped or missing hash in any tile that a proof needs is found before the proof leaves."""
    tiles, edge = WrittenTiles(), Edge()
    edge, writes = edge.extend([b""] * 600, LEAVES[:600])
    for path, data in writes:
        if "entries" in path:
            continue
        tiles.data = dict(writes)
        tiles.data[path] = bytes([data[0] ^ 1]) + data[1:]
        tree = Tree(600, edge.root(), TileCache(tiles))
        failed = 0
        for index in (0, 1, 256, 512, 513):
            try:
                tree.prove_inclusion(index)
            except TileMismatch:
                failed += 1
        assert failed > 0, path
        tiles.data[path] = data[:-1]
        with pytest.raises(LogError):
            [Tree(600, edge.root(), TileCache(tiles)).prove_inclusion(i) for i in (0, 256, 512)]


def test_no_proof_outside_the_tree() -> None:
    """An index or old size that the tree does not have is an error of ours."""
    tree = grow([10])[10]
    for index in (-1, 10, 2**70):
        with pytest.raises(IndexOutOfRange):
            tree.prove_inclusion(index)
    with pytest.raises(IndexOutOfRange):
        tree.prove_consistency(11)


def test_the_log_proves_consistency() -> None:
    """A writer's consistency path leads from each earlier root to the present one."""
    log: Log = new_log(300)
    for old in (0, 1, 255, 256, 299, 300):
        root = log.reader.root_at(old)
        verify_consistency(old, 300, log.prove_consistency(old), root, log.checkpoint.root)
