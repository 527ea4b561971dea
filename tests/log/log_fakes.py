"""A log's two doors in memory, and the same doors failing at a chosen write."""

from collections.abc import Iterator, Sequence

from obstore.store import MemoryStore

from veracity.log.append import Log
from veracity.log.doors import LastSigned, LogState, Objects, StoreUnavailable
from veracity.log.notes import Signer
from veracity.stores.objects import StoredObjects

SIGNER = Signer("example.org/city", bytes(range(32)))


class MemoryState:
    """``LogState`` in a dictionary."""

    def __init__(self) -> None:
        self.signed: dict[str, LastSigned] = {}

    def compare_and_swap(self, origin: str, old_note: bytes | None, new_note: bytes, pending: bytes) -> bool:
        last = self.signed.get(origin)
        if (last.note if last else None) != old_note:
            return False
        self.signed[origin] = LastSigned(new_note, old_note, pending)
        return True

    def last(self, origin: str) -> LastSigned | None:
        return self.signed.get(origin)


class Fault:
    """Counts writes and fails number ``at``, before or after it took effect."""

    def __init__(self, at: int, after: bool) -> None:
        self.at = at
        self.after = after
        self.n_writes = 0

    def around(self) -> Iterator[None]:
        fails = self.n_writes == self.at
        self.n_writes += 1
        if fails and not self.after:
            raise StoreUnavailable("write: no space left on device")
        yield
        if fails:
            raise StoreUnavailable("write: input/output error")


class FaultyObjects(StoredObjects):
    """Objects in memory of which one write fails; each object of ``put_many`` is a write."""

    def __init__(self, store: MemoryStore, fault: Fault) -> None:
        super().__init__(store)
        self.fault = fault

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        for item in items:
            for _ in self.fault.around():
                super().put_many([item])

    def delete(self, path: str) -> None:
        for _ in self.fault.around():
            super().delete(path)


class FaultyState(MemoryState):
    """A state in memory of which one swap fails."""

    def __init__(self, state: MemoryState, fault: Fault) -> None:
        self.signed, self.fault = state.signed, fault

    def compare_and_swap(self, origin: str, old_note: bytes | None, new_note: bytes, pending: bytes) -> bool:
        for _ in self.fault.around():
            swapped = super().compare_and_swap(origin, old_note, new_note, pending)
        return swapped


def numbered(start: int, stop: int) -> list[bytes]:
    """Entries that differ in content and length."""
    return [b"entry %d " % i + b"." * (i % 7) for i in range(start, stop)]


def memory_objects() -> StoredObjects:
    return StoredObjects(MemoryStore())


def new_log(n_entries: int = 0, objects: Objects | None = None, state: LogState | None = None) -> Log:
    log = Log.open(objects or memory_objects(), state or MemoryState(), SIGNER)
    log.append(numbered(0, n_entries))
    return log
