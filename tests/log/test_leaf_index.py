"""The index of known entries in memory: exact, whatever the sizes, even where prefixes meet."""

from hashlib import sha256

import pytest
from log_fakes import SIGNER, MemoryState, memory_objects, new_log, numbered
from obstore.store import MemoryStore

from veracity.log import leaf_index
from veracity.log.append import Log
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.edge import Edge
from veracity.log.errors import LogMoved, ObjectMissing, TileMismatch
from veracity.log.fsck import fsck
from veracity.log.leaf_index import LeafIndex
from veracity.log.merkle import leaf_hash
from veracity.stores.objects import StoredObjects


@pytest.fixture(params=["small", "large"])
def _size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs count as small, and are kept whole, or as large, and are sorted."""
    monkeypatch.setattr(leaf_index, "_RECENT", {"small": 65_536, "large": 2}[request.param])


@pytest.mark.usefixtures("_size")
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


@pytest.mark.usefixtures("_size")
def test_an_entry_that_a_log_holds_twice_has_its_first_place() -> None:
    """Whoever wrote it twice: what is found is where it was first."""
    leaves = [sha256(b"%d" % (i % 200)).digest() for i in range(300)]
    objects, checkpoint = stored(leaves)
    index = LeafIndex(objects)
    index.grow(checkpoint)
    assert index.find(checkpoint, leaves) == {leaf: i for i, leaf in enumerate(leaves[:200])}


@pytest.mark.usefixtures("_size")
def test_equal_prefixes_are_told_apart() -> None:
    """Hashes that share their first 8 bytes, in the log or only asked for, are compared whole."""
    leaves = [b"prefix: " + sha256(b"%d" % (i % 3)).digest()[:24] for i in range(3)]
    leaves += [sha256(b"%d" % i).digest() for i in range(300)] + [b"prefix: " + bytes(24)]
    objects, checkpoint = stored(leaves)
    index = LeafIndex(objects)
    index.grow(checkpoint)
    asked = [*leaves, b"prefix: " + b"\x01" * 24]
    assert index.find(checkpoint, asked) == {leaf: i for i, leaf in enumerate(leaves)}


class Counting(StoredObjects):
    """Objects that count what is read."""

    n_reads = 0

    def get(self, path: str) -> bytes:
        self.n_reads += path.startswith("tile/0/")
        return super().get(path)


def test_tiles_are_read_once_and_only_to_append() -> None:
    """Reading a log loads no index; the first append reads each tile once, later ones none."""
    objects, state = Counting(MemoryStore()), MemoryState()
    Log.open(objects, state, SIGNER).append(numbered(0, 3000))
    objects.n_reads = 0
    log = Log.open(objects, state, SIGNER)
    n_open = objects.n_reads
    assert n_open <= 2
    assert log.append([b"new"]) == [3000]
    assert objects.n_reads <= n_open + 12 + 1  # the last one also for the proofs of the others
    objects.n_reads = 0
    log.append(numbered(5000, 5300))
    assert objects.n_reads == 0


def test_what_others_appended_is_found() -> None:
    """After opening again, entries of another writer are known, and only their tiles are read."""
    objects, state = memory_objects(), MemoryState()
    logs = [Log.open(objects, state, SIGNER) for _ in range(2)]
    logs[0].append(numbered(0, 1000))
    with pytest.raises(LogMoved):
        logs[1].append([b"x"])
    log = Log.open(objects, state, SIGNER)
    assert log.append(numbered(990, 1010)) == list(range(990, 1010))
    log = Log.open(objects, state, SIGNER)
    assert log.append(numbered(0, 1020)) == list(range(1020))
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_a_changed_tile_answers_nothing() -> None:
    """A tile changed in the store cannot pass off an entry as known, nor hide one."""
    objects, state = memory_objects(), MemoryState()
    log = Log.open(objects, state, SIGNER)
    log.append(numbered(0, 600))
    tile = objects.get("tile/0/001")
    objects.put("tile/0/001", tile[32:64] + tile[:32] + tile[64:])
    with pytest.raises(TileMismatch):
        Log.open(objects, state, SIGNER).append([b"new"])
    objects.delete("tile/0/001")
    with pytest.raises(ObjectMissing):
        Log.open(objects, state, SIGNER).append([b"new"])
    objects.put("tile/0/001", tile)
    assert Log.open(objects, state, SIGNER).append([b"new"]) == [600]
