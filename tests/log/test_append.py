"""The writer: what it answers is durable, found again, and never forked."""

from collections import Counter
from collections.abc import Callable

import pytest
from log_fakes import (
    SIGNER,
    Fault,
    FaultyObjects,
    FaultyState,
    MemoryState,
    memory_objects,
    new_log,
    numbered,
)
from obstore.store import MemoryStore

from veracity.log import append as append_module
from veracity.log.append import Log
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import StoreUnavailable
from veracity.log.errors import (
    EntryTooLarge,
    IndexOutOfRange,
    LogError,
    LogMoved,
    SignatureRejected,
    SigningStopped,
    StoreBehind,
    TileMismatch,
)
from veracity.log.fsck import fsck
from veracity.log.merkle import leaf_hash, root_from_leaf_hashes
from veracity.log.notes import Signer, sign_note
from veracity.log.pending import format_pending, parse_pending
from veracity.log.policy import policy_for
from veracity.log.reader import LogReader
from veracity.log.tlog_proof import TlogProof
from veracity.stores.objects import StoredObjects

POLICY = policy_for(SIGNER.verifier)


def test_a_new_log_is_empty_and_published() -> None:
    """Opening a log that is nowhere makes an empty one that anyone can read."""
    objects, state = memory_objects(), MemoryState()
    log = Log.open(objects, state, SIGNER)
    assert log.size == 0
    assert LogReader.open(objects, SIGNER.verifier).checkpoint == log.checkpoint
    assert log.append([]) == []
    assert fsck(objects, SIGNER.verifier).is_sound


@pytest.mark.parametrize("steps", [[1] * 20, [255, 1, 1], [256, 256], [257, 300, 1], [1000], [600, 65_000]])
def test_entries_come_back_in_order_and_are_proven(steps: list[int]) -> None:
    """Whatever the batches, entries get consecutive indices, read back the same, and prove."""
    objects, state = memory_objects(), MemoryState()
    log = Log.open(objects, state, SIGNER)
    total = sum(steps)
    entries, at = numbered(0, total), 0
    for step in steps:
        assert log.append(entries[at : at + step]) == list(range(at, at + step))
        at += step
        assert log.size == at
    assert log.checkpoint.root == root_from_leaf_hashes(list(map(leaf_hash, entries)))
    assert list(log.entries()) == entries
    assert list(log.entries(total // 2, total - 1)) == entries[total // 2 : total - 1]
    for index in {0, 1, total // 2, total - 1} & set(range(total)):
        assert log.entry(index) == entries[index]
        TlogProof.parse(log.prove(index)).verify(entries[index], POLICY)
    again = Log.open(objects, state, SIGNER)
    assert again.checkpoint_note == log.checkpoint_note
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_an_entry_keeps_its_first_index() -> None:
    """The same entry twice in a batch, or again later, has one index and one place."""
    log = new_log()
    assert log.append([b"a", b"b", b"a"]) == [0, 1, 0]
    note = log.checkpoint_note
    assert log.append([b"b", b"a"]) == [1, 0]
    assert log.checkpoint_note == note
    assert log.append([b"c", b"a"]) == [2, 0]


def test_an_entry_too_large_appends_nothing() -> None:
    """One entry over 65,535 bytes refuses the call, and the log goes on."""
    log = new_log(3)
    with pytest.raises(EntryTooLarge):
        log.append([b"x", bytes(65_536)])
    assert log.size == 3
    assert log.append([bytes(65_535)]) == [3]


def test_long_appends_take_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """An append larger than one step is signed in several, and answered once."""
    monkeypatch.setattr(append_module, "MAX_STEP_BYTES", 1000)
    objects = memory_objects()
    log = Log.open(objects, MemoryState(), SIGNER)
    assert log.append(numbered(0, 700)) == list(range(700))
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_partial_files_go_when_the_full_one_is_there() -> None:
    """Partial tiles stay until their full tile exists, then they are deleted."""
    objects = memory_objects()
    log = Log.open(objects, MemoryState(), SIGNER)
    for i in range(255):
        log.append([b"%d" % i])
    assert sum(".p/" in path for path in objects.list("")) == 2 * 255
    log.append([b"255"])
    assert sorted(objects.list("")) == [
        "checkpoint",
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/entries/000",
    ]


def test_no_entry_outside_the_log() -> None:
    """An index the log does not have is an error of ours."""
    log = new_log(5)
    for call in (log.entry, log.prove, log.prove_consistency):
        for index in (-1, 6):
            with pytest.raises(IndexOutOfRange):
                call(index)
    with pytest.raises(IndexOutOfRange):
        list(log.entries(3, 2))


def test_two_writers_one_wins() -> None:
    """Of two writers at one size one signs; the other signs nothing, and the log stays one log."""
    objects, state = memory_objects(), MemoryState()
    first, second = (Log.open(objects, state, SIGNER) for _ in range(2))
    assert first.append([b"from the first"]) == [0]
    with pytest.raises(LogMoved):
        second.append([b"from the second"])
    with pytest.raises(SigningStopped):
        second.append([b"from the second"])
    assert fsck(objects, SIGNER.verifier).findings == ()
    second = Log.open(objects, state, SIGNER)
    assert second.append([b"from the second", b"from the first"]) == [1, 0]
    with pytest.raises(LogMoved):
        first.append([b"from the second"])
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_a_slow_writer_may_publish_late() -> None:
    """A writer that publishes after others went on does not stop the log: the next open repairs it."""
    objects, state = memory_objects(), MemoryState()
    late = b""
    for i in range(4):
        log = Log.open(objects, state, SIGNER)
        log.append([b"%d" % i])
        late = late or log.checkpoint_note
    objects.put("checkpoint", late)
    assert Log.open(objects, state, SIGNER).append([b"more"]) == [4]
    assert fsck(objects, SIGNER.verifier).findings == ()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("n_before", [0, 3, 254, 255, 511])
def test_a_failed_write_loses_nothing_answered(n_before: int, after: bool) -> None:
    """Fail any one write before or after it took effect: reopened, the log is whole and goes on."""
    new = numbered(n_before, n_before + 3)
    for at in range(100):
        store, kept = MemoryStore(), MemoryState()
        new_log(n_before, StoredObjects(store), kept)
        fault = Fault(at, after)
        objects, state = FaultyObjects(store, fault), FaultyState(kept, fault)
        answered: list[int] = []
        log: Log | None = None
        try:
            log = Log.open(objects, state, SIGNER)
            answered = log.append(new)
        except StoreUnavailable:
            if log is not None:
                with pytest.raises(SigningStopped):
                    log.append([b"one more"])
        again = Log.open(StoredObjects(store), kept, SIGNER)
        assert fsck(StoredObjects(store), SIGNER.verifier).findings == ()
        assert list(again.entries(0, n_before)) == numbered(0, n_before)
        assert again.size in (n_before, n_before + 3)
        assert answered in ([], [n_before, n_before + 1, n_before + 2])
        if answered:
            assert again.size == n_before + 3
        assert again.append(new) == [n_before, n_before + 1, n_before + 2]
        assert list(again.entries()) == numbered(0, n_before + 3)
        assert fsck(StoredObjects(store), SIGNER.verifier).findings == ()
        if fault.n_writes <= at:
            return
    pytest.fail("want the writes of one append to end, got 100")


def copied(objects: StoredObjects) -> StoredObjects:
    copy = memory_objects()
    copy.put_many([(path, objects.get(path)) for path in objects.list("")])
    return copy


@pytest.mark.parametrize("later", [[300, 1], [300, 300], [1, 300, 1]])
def test_a_restored_backup_of_the_tiles_is_refused(later: list[int]) -> None:
    """Tiles from before the last steps do not open; one step behind is finished from the state."""
    objects, state = memory_objects(), MemoryState()
    log = new_log(10, objects, state)
    backups = [copied(objects)]
    for step in later:
        log.append(numbered(log.size, log.size + step))
        backups.append(copied(objects))
    with pytest.raises(StoreBehind):
        Log.open(backups[0], state, SIGNER)
    with pytest.raises(StoreBehind):
        Log.open(memory_objects(), state, SIGNER)
    assert Log.open(backups[-2], state, SIGNER).size == log.size
    assert fsck(backups[-2], SIGNER.verifier).findings == ()


def test_a_backup_that_lacks_nothing_is_finished() -> None:
    """Tiles several steps behind open if the last step holds all that they lack, checked in whole."""
    objects, state = memory_objects(), MemoryState()
    log = new_log(10, objects, state)
    backup = copied(objects)
    for i in range(3):
        log.append([b"%d" % i])
    assert list(Log.open(backup, state, SIGNER).entries()) == list(log.entries())
    assert fsck(backup, SIGNER.verifier).findings == ()


def test_a_restored_backup_of_the_state_is_refused() -> None:
    """A state older than what is published may not sign: it would fork the log."""
    objects, old = memory_objects(), MemoryState()
    new_log(10, objects, old)
    state = MemoryState()
    state.signed = dict(old.signed)
    Log.open(objects, state, SIGNER).append([b"more"])
    with pytest.raises(StoreBehind):
        Log.open(objects, old, SIGNER)
    with pytest.raises(StoreBehind):
        Log.open(objects, MemoryState(), SIGNER)


def test_a_fork_of_the_same_size_is_refused() -> None:
    """A published checkpoint of the size last signed with another root stops the log."""
    objects, state = memory_objects(), MemoryState()
    new_log(10, objects, state)
    objects.put("checkpoint", sign_note(Checkpoint(SIGNER.name, 10, bytes(32)).format(), [SIGNER]))
    with pytest.raises(StoreBehind):
        Log.open(objects, state, SIGNER)


def test_another_key_does_not_open_the_log() -> None:
    """A log signed by one key cannot be opened for writing by another of the same name."""
    objects, state = memory_objects(), MemoryState()
    new_log(3, objects, state)
    with pytest.raises(SignatureRejected):
        Log.open(objects, state, Signer(SIGNER.name, bytes(32)))


def edge_paths(objects: StoredObjects, n: int) -> list[str]:
    return [p for p in objects.list("") if p.endswith((f".p/{n % 256}", ".p/1"))]


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: bytes([d[-1] ^ 1]).join([d[:-1], b""]), None])
def test_a_damaged_edge_is_found_before_signing(damage: Callable[[bytes], bytes] | None) -> None:
    """A bit flip, a cut or a loss in the last tiles or entries stops the log from opening."""
    source, state = memory_objects(), MemoryState()
    new_log(300, source, state)
    paths = edge_paths(source, 300)
    assert len(paths) == 3
    for path in paths:
        objects = copied(source)
        if damage is None:
            objects.delete(path)
        else:
            objects.put(path, damage(source.get(path)))
        with pytest.raises(StoreBehind):
            Log.open(objects, state, SIGNER)


def test_a_damaged_entry_is_not_returned() -> None:
    """A flipped byte in a bundle is found when it is read, and proofs of it do not exist."""
    objects = memory_objects()
    log = new_log(300, objects)
    data = objects.get("tile/entries/000")
    objects.put("tile/entries/000", data[:5] + bytes([data[5] ^ 1]) + data[6:])
    with pytest.raises(TileMismatch):
        log.entry(0)
    with pytest.raises(TileMismatch):
        next(log.entries())
    assert log.entry(299) == numbered(299, 300)[0]


def test_a_reader_stays_at_its_checkpoint() -> None:
    """A reader opened before an append still proves against its own checkpoint, partial tiles gone or not."""
    objects = memory_objects()
    log = new_log(250, objects)
    reader = LogReader.open(objects, SIGNER.verifier)
    log.append(numbered(250, 600))
    assert reader.size == 250
    TlogProof.parse(reader.prove(249)).verify(reader.entry(249), POLICY)


def test_a_reader_needs_the_right_key() -> None:
    """A reader opens only what its key signed."""
    objects = memory_objects()
    new_log(3, objects)
    with pytest.raises(SignatureRejected):
        LogReader.open(objects, Signer(SIGNER.name, bytes(32)).verifier)
    with pytest.raises(LogError):
        LogReader.open(memory_objects(), SIGNER.verifier)


def test_pending_writes_round_trip() -> None:
    """What a step will write is read back, and a cut blob is refused."""
    writes = [("tile/0/000.p/1", b"\0" * 32), ("tile/entries/000.p/1", b"")]
    blob = format_pending(writes)
    assert parse_pending(blob) == writes
    for n in (1, 3, 20, len(blob) - 1):
        with pytest.raises(StoreBehind):
            parse_pending(blob[:n])


def test_what_a_writer_knew_is_not_read_again() -> None:
    """A log opened again with what was known finds old and foreign entries, reading new tiles alone."""
    store, state = MemoryStore(), MemoryState()
    objects = CountedObjects(store)
    first = Log.open(objects, state, SIGNER)
    entries = numbered(0, 700)
    first.append(entries[:600])
    Log.open(StoredObjects(store), state, SIGNER).append(entries[600:])
    again = Log.open(objects, state, SIGNER, known=first.known)
    objects.n_read.clear()
    assert again.append([b"new", entries[650], entries[600]]) == [700, 650, 600]
    assert objects.n_read["tile/0/000"] == 0
    assert again.append([entries[0], entries[599], b"new"]) == [0, 599, 700]
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_what_is_known_of_a_longer_log_is_left() -> None:
    """What was known is not believed of a log that is shorter than that: another, or a restored one."""
    again = Log.open(memory_objects(), MemoryState(), SIGNER, known=new_log(20).known)
    assert again.append(numbered(5, 8)) == [0, 1, 2]


class CountedObjects(StoredObjects):
    """Objects that count how often each is read."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.n_read = Counter[str]()

    def get(self, path: str) -> bytes:
        self.n_read[path] += 1
        return super().get(path)
