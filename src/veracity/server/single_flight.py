"""What many ask for at the same moment is made by the first of them; the others wait, and look again."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class _Flight:
    lock: Lock = field(default_factory=Lock)
    n: int = 0


class SingleFlight:
    """One turn a key; safe to use from many threads. Keys that nobody makes or waits for are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flights: dict[Hashable, _Flight] = {}

    @contextmanager
    def of(self, key: Hashable) -> Iterator[None]:
        """Wait until nobody else is about this key. Whoever gets in looks first whether it was made."""
        with self._lock:
            flight = self._flights.setdefault(key, _Flight())
            flight.n += 1
        try:
            with flight.lock:
                yield
        finally:
            with self._lock:
                flight.n -= 1
                if not flight.n:
                    del self._flights[key]
