"""A log with witnesses: entries are safe before they are published, and published only with the quorum."""

from dataclasses import dataclass, field

import pytest
from log_fakes import SIGNER, Fault, FaultyObjects, MemoryState, memory_objects, numbered
from obstore.store import MemoryStore

from veracity.log.append import Log
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.doors import Objects, StoreUnavailable
from veracity.log.errors import ObjectMissing, SigningStopped, StoreBehind
from veracity.log.fsck import fsck
from veracity.log.notes import parse_note
from veracity.log.reader import LogReader
from veracity.stores.objects import StoredObjects

WITNESS = Cosigner("uni.example/witness", bytes(range(32)))


class NoQuorum(StoreUnavailable):
    """Too few witnesses answered."""


@dataclass(frozen=True)
class Published:
    note: bytes


@dataclass
class OneWitness:
    """A publisher that has one witness, which may be away."""

    is_away: bool = False
    seen: list[int] = field(default_factory=list)

    def publish(self, note: bytes, reader: LogReader) -> Published:
        if self.is_away:
            raise NoQuorum("quorum: want one witness, got none")
        reader.prove_consistency(self.seen[-1] if self.seen else 0)
        self.seen.append(reader.size)
        return Published(add_signatures(note, (WITNESS.cosign(parse_note(note).text, len(self.seen)),)))


def published(objects: Objects) -> LogReader:
    return LogReader.open(objects, SIGNER.verifier)


def test_entries_are_published_with_their_cosignature() -> None:
    """Appending answers at once; what readers see moves when the checkpoint is published, cosigned."""
    objects, witness = memory_objects(), OneWitness()
    log = Log.open(objects, MemoryState(), SIGNER, witness)
    with pytest.raises(ObjectMissing):
        published(objects)
    assert log.append(numbered(0, 300)) == list(range(300))
    log.publish()
    assert published(objects).size == 300
    assert log.append(numbered(300, 310)) == list(range(300, 310))
    assert published(objects).size == 300
    log.publish()
    note = parse_note(published(objects).checkpoint_note)
    assert [s.name for s in note.signatures] == [SIGNER.name, WITNESS.name]
    assert log.checkpoint_note == published(objects).checkpoint_note
    assert WITNESS.name in log.prove(5)
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_a_witness_that_is_away_stops_nobody() -> None:
    """While the quorum is missing, the log is opened, grows and keeps every entry; then all is published."""
    objects, state = memory_objects(), MemoryState()
    Log.open(objects, state, SIGNER, OneWitness()).publish()
    for i in range(5):
        log = Log.open(objects, state, SIGNER, OneWitness(is_away=True))
        log.append(numbered(i * 200, (i + 1) * 200))
        with pytest.raises(NoQuorum):
            log.publish()
        assert published(objects).size == 0
    log = Log.open(objects, state, SIGNER, OneWitness())
    log.publish()
    assert list(published(objects).entries()) == numbered(0, 1000)
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_published_again_it_has_new_times() -> None:
    """The same checkpoint published again has the newer cosignature, and one of them."""
    objects, witness = memory_objects(), OneWitness()
    log = Log.open(objects, MemoryState(), SIGNER, witness)
    log.append([b"a"])
    log.publish()
    first = published(objects).checkpoint_note
    log.publish()
    again = published(objects).checkpoint_note
    assert first != again
    assert len(parse_note(again).signatures) == 2


def test_a_writer_that_asked_for_long_publishes_nothing_older() -> None:
    """A writer that gets its cosignature after another went on leaves the newer checkpoint in place."""
    objects, state = memory_objects(), MemoryState()
    slow = Log.open(objects, state, SIGNER, OneWitness())
    slow.append([b"a"])
    quick = Log.open(objects, state, SIGNER, OneWitness())
    quick.append([b"b"])
    quick.publish()
    slow.publish()
    assert published(objects).size == 2
    assert slow.size == 1


@pytest.mark.parametrize("lost", ["tile/0/000", "tile/entries/000", "tile/entries/001", "tile/0/001"])
def test_files_lost_between_published_and_signed_are_missed(lost: str) -> None:
    """What was signed and not yet published is read again in whole before anything more is signed."""
    objects, state = memory_objects(), MemoryState()
    for i in range(4):
        Log.open(objects, state, SIGNER, OneWitness(is_away=True)).append(numbered(i * 200, (i + 1) * 200))
    assert Log.open(objects, state, SIGNER, OneWitness(is_away=True)).size == 800
    data = objects.get(lost)
    objects.delete(lost)
    with pytest.raises(StoreBehind):
        Log.open(objects, state, SIGNER, OneWitness())
    objects.put(lost, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StoreBehind):
        Log.open(objects, state, SIGNER, OneWitness())
    objects.put(lost, data)
    Log.open(objects, state, SIGNER, OneWitness()).publish()
    assert published(objects).size == 800


@pytest.mark.parametrize("after", [False, True])
def test_a_failed_publication_is_made_up_for(after: bool) -> None:
    """Fail any one write of an append and a publication: reopened, all is there and is published."""
    for at in range(100):
        store, state = MemoryStore(), MemoryState()
        Log.open(StoredObjects(store), state, SIGNER, OneWitness()).append(numbered(0, 254))
        fault = Fault(at, after)
        try:
            log = Log.open(FaultyObjects(store, fault), state, SIGNER, OneWitness())
            log.append(numbered(254, 257))
            log.publish()
        except StoreUnavailable:
            pass
        again = Log.open(StoredObjects(store), state, SIGNER, OneWitness())
        assert again.append(numbered(0, 257)) == list(range(257))
        again.publish()
        assert published(StoredObjects(store)).size == 257
        assert fsck(StoredObjects(store), SIGNER.verifier).findings == ()
        if fault.n_writes <= at:
            return
    pytest.fail("want the writes to end, got 100")


def test_a_log_that_stopped_signing_publishes_nothing() -> None:
    """After a failed write, publishing is refused until the log is opened again."""
    store, state = MemoryStore(), MemoryState()
    Log.open(StoredObjects(store), state, SIGNER, OneWitness()).publish()
    log = Log.open(FaultyObjects(store, Fault(0, False)), state, SIGNER, OneWitness())
    with pytest.raises(StoreUnavailable):
        log.append([b"a"])
    with pytest.raises(SigningStopped):
        log.publish()


def test_a_failed_write_of_the_checkpoint_stops_signing() -> None:
    """When the checkpoint cannot be written, nothing more is signed until the log is opened again."""
    store, state, fault = MemoryStore(), MemoryState(), Fault(-1, False)
    log = Log.open(FaultyObjects(store, fault), state, SIGNER, OneWitness())
    log.append([b"a"])
    fault.at = fault.n_writes
    with pytest.raises(StoreUnavailable):
        log.publish()
    for call in (lambda: log.append([b"b"]), log.publish):
        with pytest.raises(SigningStopped):
            call()
    again = Log.open(StoredObjects(store), state, SIGNER, OneWitness())
    again.publish()
    assert published(StoredObjects(store)).size == 1
