"""The state of logs: one behaviour, whatever keeps it. Above all, only one of many can swap."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from obstore.store import MemoryStore

from places import NewStates
from veracity.log.doors import LastSigned
from veracity.stores.objects import StoredObjects


def test_the_swap_compares(new_states: NewStates) -> None:
    """Only who knows the present note may replace it; each origin has its own."""
    opens, objects = new_states(), StoredObjects(MemoryStore())
    state, other = opens(objects), opens(objects)
    assert state.last("o") is None
    assert not state.compare_and_swap("o", b"0", b"1", b"")
    assert state.compare_and_swap("o", None, b"1", b"p")
    for handle in (state, other, opens(objects)):
        assert not handle.compare_and_swap("o", None, b"2", b"")
        assert not handle.compare_and_swap("o", b"2", b"3", b"")
        assert handle.last("o") == LastSigned(b"1", None, b"p")
    assert other.compare_and_swap("o", b"1", b"2", b"q")
    assert not state.compare_and_swap("o", b"1", b"3", b"r")
    assert state.last("o") == LastSigned(b"2", b"1", b"q")
    assert state.compare_and_swap("o", b"2", b"1", b"")
    assert other.last("o") == LastSigned(b"1", b"2", b"")
    assert state.compare_and_swap("another/log+x", None, b"1", b"")
    assert state.last("o") == LastSigned(b"1", b"2", b"")


def test_large_pending_writes_are_kept(new_states: NewStates) -> None:
    """The largest step of a log, over 16 MiB, goes in and comes back whole."""
    opens, objects = new_states(), StoredObjects(MemoryStore())
    pending = bytes(range(256)) * 70_000
    assert opens(objects).compare_and_swap("o", None, b"1", pending)
    assert opens(objects).last("o") == LastSigned(b"1", None, pending)


@pytest.mark.parametrize("n_before", [0, 1])
def test_of_many_at_once_one_wins(new_states: NewStates, n_before: int) -> None:
    """Writers that begin or go on from one note at the same moment: exactly one is told that it did."""
    opens, objects = new_states(), StoredObjects(MemoryStore())
    handles = [opens(objects) for _ in range(4)]
    for turn in range(3):
        origin, old = f"log {turn}", b"old" if n_before else None
        if old is not None:
            assert handles[0].compare_and_swap(origin, None, old, b"")
        together = Barrier(len(handles))

        def swap(i: int, origin: str = origin, old: bytes | None = old, together: Barrier = together) -> bool:
            handles[i].last(origin)
            together.wait()
            return handles[i].compare_and_swap(origin, old, b"new %d" % i, b"")

        with ThreadPoolExecutor(len(handles)) as pool:
            won = list(pool.map(swap, range(len(handles))))
        assert sum(won) == 1
        assert handles[0].last(origin) == LastSigned(b"new %d" % won.index(True), old, b"")
