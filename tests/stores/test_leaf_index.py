"""The index of known entries in memory: exact, whatever the sizes, even where prefixes meet."""

from hashlib import sha256

import pytest
from log_fakes import memory_objects, new_log, numbered

from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.edge import Edge
from veracity.log.merkle import leaf_hash
from veracity.stores import leaf_index
from veracity.stores.leaf_index import LeafIndex


@pytest.mark.parametrize("steps", [[1, 1, 1], [255, 1, 1, 256], [300, 0, 700], [1000, 24, 1]])
def test_it_grows_to_any_size(steps: list[int]) -> None:
    """Grown in any steps, it finds every entry up to there and none beyond."""
    objects = memory_objects()
    log, index = new_log(0, objects), LeafIndex(objects)
    for step in steps:
        log.append(numbered(log.size, log.size + step))
        index.grow(log.checkpoint)
        leaves = [leaf_hash(entry) for entry in numbered(0, log.size + 50)]
        assert index.find(log.checkpoint, leaves) == {leaves[i]: i for i in range(log.size)}
    assert index.find(log.checkpoint, []) == {}


def test_new_entries_are_found_before_and_after_they_are_sorted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries added by this process are found without reading, and after they move to the arrays."""
    monkeypatch.setattr(leaf_index, "_RECENT", 100)
    objects = memory_objects()
    log, index = new_log(0, objects), LeafIndex(objects)
    for start in range(0, 360, 40):
        entries = numbered(start, start + 40)
        log.append(entries)
        index.add([(leaf_hash(entry), start + i) for i, entry in enumerate(entries)])
        leaves = [leaf_hash(entry) for entry in numbered(0, log.size)]
        assert index.find(log.checkpoint, leaves) == {leaf: i for i, leaf in enumerate(leaves)}
    assert len(index._recent) < 100


def stored(leaves: list[bytes]) -> tuple[Objects, Checkpoint]:
    """Write the tree of given leaf hashes, which no entry need have."""
    objects = memory_objects()
    edge, writes = Edge().extend([b""] * len(leaves), leaves)
    objects.put_many(writes)
    return objects, Checkpoint("o", edge.size, edge.root())


def test_equal_prefixes_are_told_apart() -> None:
    """Hashes that share their first 8 bytes, in the log or only asked for, are compared whole."""
    leaves = [b"prefix: " + sha256(b"%d" % (i % 3)).digest()[:24] for i in range(3)]
    leaves += [sha256(b"%d" % i).digest() for i in range(300)] + [b"prefix: " + bytes(24)]
    objects, checkpoint = stored(leaves)
    index = LeafIndex(objects)
    index.grow(checkpoint)
    asked = [*leaves, b"prefix: " + b"\x01" * 24]
    assert index.find(checkpoint, asked) == {leaf: i for i, leaf in enumerate(leaves)}
