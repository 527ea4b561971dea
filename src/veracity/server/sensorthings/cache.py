"""What was decoded of data files, kept while there is room: least recently used goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Protocol, TypeVar

DEFAULT_BYTES = 1 << 30


class Sized(Protocol):
    """What says how many bytes it takes: series and frames."""

    def estimated_size(self) -> int | float:
        """Return bytes."""


_T = TypeVar("_T", bound=Sized)


class ByteCache:
    """Series and frames by key, of ``max_bytes`` together; safe to use from many threads.

    A key must name what can never change. Two who ask for the same at once may both make it.
    """

    def __init__(self, max_bytes: int = DEFAULT_BYTES) -> None:
        self.max_bytes = max_bytes
        self._held: OrderedDict[Hashable, tuple[Sized, int]] = OrderedDict()
        self._n_bytes = 0
        self._lock = Lock()

    @property
    def n_bytes(self) -> int:
        """How many bytes are held."""
        return self._n_bytes

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return what is held under a key, made if there is nothing."""
        found = self.peek(key)
        if found is not None:
            return found  # type: ignore[return-value]
        made = make()
        self.put(key, made)
        return made

    def peek(self, key: Hashable) -> Sized | None:
        """Return what is held under a key, or None."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: Sized) -> None:
        """Hold a value; what is larger than all the room is not held."""
        n_bytes = int(value.estimated_size()) + 200
        if n_bytes > self.max_bytes:
            return
        with self._lock:
            self._drop(key)
            self._held[key] = value, n_bytes
            self._n_bytes += n_bytes
            while self._n_bytes > self.max_bytes:
                self._drop(next(iter(self._held)))

    def drop(self, key: Hashable) -> None:
        """Hold a key no longer."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        found = self._held.pop(key, None)
        if found is not None:
            self._n_bytes -= found[1]
