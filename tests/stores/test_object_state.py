"""The state on objects alone: what a failed request leaves open is found out, never guessed."""

from collections.abc import Callable

import pytest
from log_fakes import SIGNER
from obstore.store import MemoryStore

from veracity.log.append import Log
from veracity.log.doors import LastSigned, StoreUnavailable
from veracity.stores.conditional import ConditionalObjects, Tagged
from veracity.stores.object_state import MAX_STATE_BYTES, ObjectState, state_path
from veracity.stores.objects import StoredObjects

Fate = str  #: of one request: "ok", "before" (fails, no effect), "after" (fails, took effect)


class Unreliable(ConditionalObjects):
    """Objects whose writes meet their fates in order; when those run out, all is well."""

    def __init__(self, store: MemoryStore, fates: list[Fate]) -> None:
        super().__init__(store, MAX_STATE_BYTES)
        self.fates = fates
        self.meanwhile: Callable[[], object] = lambda: None

    def create(self, path: str, data: bytes) -> str | None:
        return self._met(path, lambda: super(Unreliable, self).create(path, data))

    def replace(self, path: str, data: bytes, tag: str) -> str | None:
        return self._met(path, lambda: super(Unreliable, self).replace(path, data, tag))

    def _met(self, path: str, write: Callable[[], str | None]) -> str | None:
        fate = self.fates.pop(0) if self.fates and path.endswith(".state") else "ok"
        if fate != "before":
            written = write()
        if fate != "ok":
            self.meanwhile()
            raise StoreUnavailable("write: connection reset")
        return written


def plain(store: MemoryStore) -> ObjectState:
    return ObjectState(ConditionalObjects(store, MAX_STATE_BYTES))


def unreliable(store: MemoryStore, fates: list[Fate]) -> tuple[ObjectState, Unreliable, list[float]]:
    waits: list[float] = []
    objects = Unreliable(store, fates)
    return ObjectState(objects, sleep=waits.append), objects, waits


@pytest.mark.parametrize("old", [None, b"0"])
@pytest.mark.parametrize(
    "fates", [["after"], ["before"], ["before", "after"], ["before", "before", "before"]]
)
def test_a_lost_answer_is_found_out(old: bytes | None, fates: list[Fate]) -> None:
    """A write whose answer was lost, or that never came, is done once and answered with yes."""
    store = MemoryStore()
    if old is not None:
        assert plain(store).compare_and_swap("o", None, old, b"")
    state, _, waits = unreliable(store, list(fates))
    assert state.compare_and_swap("o", old, b"1", b"p")
    assert plain(store).last("o") == LastSigned(b"1", old, b"p")
    assert waits == [0.0, 0.2, 1.0, 4.0][: len(fates) + 1]
    assert state.compare_and_swap("o", b"1", b"2", b"")


def test_a_store_that_stays_away_is_unavailable() -> None:
    """When no request comes through, the writer is told that nothing is known, and reads afterwards."""
    store = MemoryStore()
    state, _, _ = unreliable(store, ["before"] * 4)
    with pytest.raises(StoreUnavailable, match="not known whether"):
        state.compare_and_swap("o", None, b"1", b"")
    assert state.last("o") is None
    assert state.compare_and_swap("o", None, b"1", b"")


@pytest.mark.parametrize("fate", ["before", "after"])
def test_another_writer_in_the_doubt_is_no_yes(fate: Fate) -> None:
    """Where another writer goes on before the answer is found out, nobody is told that all went well."""
    store = MemoryStore()
    assert plain(store).compare_and_swap("o", None, b"0", b"")
    state, objects, _ = unreliable(store, [fate])
    standing = b"0" if fate == "before" else b"1"
    objects.meanwhile = lambda: plain(store).compare_and_swap("o", standing, b"other", b"")
    with pytest.raises(StoreUnavailable, match="not known whether"):
        state.compare_and_swap("o", b"0", b"1", b"")
    assert plain(store).last("o") == LastSigned(b"other", standing, b"")


def test_the_same_note_of_another_writer_is_another() -> None:
    """Two writers that sign the very same note: the nonce says whose it is, and one of them lost."""
    store = MemoryStore()
    first, second = plain(store), plain(store)
    assert first.last("o") is second.last("o") is None
    assert first.compare_and_swap("o", None, b"1", b"")
    assert not second.compare_and_swap("o", None, b"1", b"")


def test_a_paused_writer_loses() -> None:
    """A writer that wakes up after others went on, even back to the note it knows, swaps by what is there."""
    store = MemoryStore()
    paused = plain(store)
    assert paused.compare_and_swap("o", None, b"1", b"")
    other = plain(store)
    assert other.compare_and_swap("o", b"1", b"2", b"")
    assert not paused.compare_and_swap("o", b"1", b"3", b"")
    assert not paused.compare_and_swap("o", None, b"3", b"")
    assert paused.last("o") == LastSigned(b"2", b"1", b"")


class Careless(ConditionalObjects):
    """A store that takes conditional writes and does not look at the condition, as some do."""

    def create(self, path: str, data: bytes) -> str | None:
        return self._put(path, data, "overwrite")

    def replace(self, path: str, data: bytes, tag: str) -> str | None:
        return self._put(path, data, "overwrite")


def test_a_store_that_ignores_conditions_is_refused() -> None:
    """Nothing is signed on a store where two writers would both win."""
    objects = StoredObjects(MemoryStore())
    state = ObjectState(Careless(MemoryStore(), MAX_STATE_BYTES))
    with pytest.raises(StoreUnavailable, match="If-None-Match"):
        Log.open(objects, state, SIGNER)
    assert list(objects.list("")) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:40],
        lambda data: data.replace(b"log-state/v1", b"log-state/v2"),
        lambda data: data.replace(b'"o"', b'"x"'),
        lambda data: data.replace(b'"nonce":"', b'"nonce":7,"x":"'),
        lambda data: b"[" * 100_000,
    ],
)
def test_a_damaged_state_is_unavailable(damage: Callable[[bytes], bytes]) -> None:
    """What is not the state of this log is one line of ours, and is not written over."""
    store = MemoryStore()
    assert plain(store).compare_and_swap("o", None, b"1", b"p")
    raw = StoredObjects(store)
    damaged = damage(raw.get(state_path("o")))
    raw.put(state_path("o"), damaged)
    for call in (
        lambda: plain(store).last("o"),
        lambda: plain(store).compare_and_swap("o", None, b"2", b""),
    ):
        with pytest.raises(StoreUnavailable, match="state of o") as caught:
            call()
        assert "\n" not in str(caught.value)
    assert raw.get(state_path("o")) == damaged


def test_a_read_says_its_tag() -> None:
    """What is not there has no tag; what is there has one that changes with its content."""
    objects = ConditionalObjects(MemoryStore(), 10)
    assert objects.read("a") is None
    tag = objects.create("a", b"1")
    assert tag is not None
    assert objects.read("a") == Tagged(b"1", tag)
    assert objects.replace("a", b"2", tag) not in (None, tag)
    assert objects.replace("a", b"3", tag) is None
    assert objects.replace("b", b"3", tag) is None
    StoredObjects(objects._store).put("a", bytes(11))
    with pytest.raises(StoreUnavailable, match="at most 10 bytes"):
        objects.read("a")
