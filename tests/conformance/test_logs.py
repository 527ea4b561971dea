"""A whole log: one behaviour over every place for its files and every place for its state."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from log_fakes import SIGNER, numbered

from places import NewStates, OpenFiles, OpenStates
from veracity.log.append import Log
from veracity.log.doors import Objects
from veracity.log.errors import LogMoved, SignatureRejected, SigningStopped, StoreBehind, StoreUnavailable
from veracity.log.fsck import fsck
from veracity.log.notes import Signer
from veracity.log.policy import policy_for
from veracity.log.tlog_proof import TlogProof

POLICY = policy_for(SIGNER.verifier)


def opened(files: OpenFiles, states: OpenStates) -> Log:
    """Open the log with handles of its own, as another process would."""
    objects = files()
    return Log.open(objects, states(objects), SIGNER)


def test_entries_go_in_and_are_proven(files: OpenFiles, new_states: NewStates) -> None:
    """Entries get consecutive indices over openings, read back the same, prove, and the log is sound."""
    states, entries = new_states(), numbered(0, 1000)
    for start, stop in ((0, 0), (0, 1), (1, 255), (255, 257), (257, 1000)):
        log = opened(files, states)
        assert log.append(entries[start:stop]) == list(range(start, stop))
        assert log.size == stop
    log = opened(files, states)
    assert list(log.entries()) == entries
    for index in (0, 255, 256, 999):
        TlogProof.parse(log.prove(index)).verify(entries[index], POLICY)
    assert fsck(files(), SIGNER.verifier).findings == ()


def test_an_entry_keeps_its_first_index(files: OpenFiles, new_states: NewStates) -> None:
    """The same entry twice in a batch, later, or after opening again has one index and one place."""
    states = new_states()
    log = opened(files, states)
    assert log.append([b"a", b"b", b"a"]) == [0, 1, 0]
    assert log.append([b"c", b"a"]) == [2, 0]
    assert log.append(numbered(0, 600)) == list(range(3, 603))
    for _ in range(2):
        log = opened(files, states)
        assert log.append([b"b", *numbered(100, 400), b"d", b"c"]) == [1, *range(103, 403), 603, 2]
        assert log.append(numbered(598, 600)) == [601, 602]
        assert log.size == 604
    assert fsck(files(), SIGNER.verifier).findings == ()


def test_two_writers_one_wins(files: OpenFiles, new_states: NewStates) -> None:
    """Of two writers at one size one signs; the other signs nothing until it opens the log again."""
    states = new_states()
    first, second = opened(files, states), opened(files, states)
    assert first.append([b"from the first"]) == [0]
    for error in (LogMoved, SigningStopped):
        with pytest.raises(error):
            second.append([b"from the second"])
    second = opened(files, states)
    assert second.append([b"from the second", b"from the first"]) == [1, 0]
    with pytest.raises(LogMoved):
        first.append([b"from the second"])
    assert fsck(files(), SIGNER.verifier).findings == ()


def test_writers_that_try_again_lose_nothing(files: OpenFiles, new_states: NewStates) -> None:
    """Three writers at once, each opening again when another was first: every entry is in, once."""
    states = new_states()
    opened(files, states)

    def write(name: int) -> list[int]:
        places: list[int] = []
        for entry in [b"%d from %d" % (i, name) for i in range(4)]:
            for _ in range(100):
                try:
                    places += opened(files, states).append([entry, b"of all"])[:1]
                    break
                except (LogMoved, StoreBehind, StoreUnavailable):
                    continue
        return places

    with ThreadPoolExecutor(3) as pool:
        answered = list(pool.map(write, range(3)))
    log = opened(files, states)
    entries = list(log.entries())
    assert len(entries) == len(set(entries)) == 13
    for name, places in enumerate(answered):
        assert [entries[i] for i in places] == [b"%d from %d" % (i, name) for i in range(4)]
    assert fsck(files(), SIGNER.verifier).findings == ()


class Losing:
    """Objects that lose every write from now on, as a process that is killed does."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> object:
        if name in ("put", "put_many", "delete"):
            raise StoreUnavailable("write: killed")
        return getattr(self._objects, name)


def test_what_was_signed_is_published_by_the_next(
    files: OpenFiles, new_states: NewStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that ends between its swap and its tiles leaves a log that the next one completes."""
    states = new_states()
    log = opened(files, states)
    log.append(numbered(0, 300))
    monkeypatch.setattr(log, "_objects", Losing(files()))
    with pytest.raises(StoreUnavailable):
        log.append(numbered(300, 600))
    assert opened(files, states).append(numbered(290, 610)) == list(range(290, 610))
    assert fsck(files(), SIGNER.verifier).findings == ()


def test_restored_backups_are_refused(files: OpenFiles, new_states: NewStates) -> None:
    """A state or files older than what was signed since sign nothing: that would fork the log."""
    states, old_states = new_states(), new_states()
    objects = files()
    log = opened(files, states)
    log.append(numbered(0, 300))
    note = log.checkpoint_note
    assert old_states(objects).compare_and_swap(SIGNER.name, None, note, b"")
    backup = {path: objects.get(path) for path in objects.list("")}
    for i in range(2):
        log.append(numbered(300 + i, 301 + i))
    for wrong in (old_states, new_states()):
        with pytest.raises(StoreBehind):
            opened(files, wrong)
    assert opened(files, states).size == 302
    for stop in (700, 1300):
        log.append(numbered(log.size, stop))
    for path in list(objects.list("")):
        objects.delete(path)
    objects.put_many(list(backup.items()))
    with pytest.raises(StoreBehind):
        opened(files, states)


def test_another_key_does_not_open_the_log(files: OpenFiles, new_states: NewStates) -> None:
    """A log signed by one key cannot be opened for writing by another of the same name."""
    states = new_states()
    opened(files, states).append([b"a"])
    objects = files()
    with pytest.raises(SignatureRejected):
        Log.open(objects, states(objects), Signer(SIGNER.name, bytes(32)))
