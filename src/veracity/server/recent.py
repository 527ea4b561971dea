"""What is dear to make and need not be of this very second: kept for a few seconds, whatever the log does."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from veracity.server.single_flight import SingleFlight

MAX_KEPT = 256

_T = TypeVar("_T")


class Recent:
    """Answers of the last few seconds; safe to use from many threads."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._flights = SingleFlight()

    def kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return what was made for ``key`` not long ago, else make it, one for all who ask.

        What is made must not be changed.
        """
        if (found := self._find(key)) is not None:
            first: _T = found[0]
            return first
        with self._flights.of(key):
            if (found := self._find(key)) is not None:
                second: _T = found[0]
                return second
            made = make()
            with self._lock:
                self._kept[key] = self._clock(), made
                self._kept.move_to_end(key)
                while len(self._kept) > MAX_KEPT:
                    self._kept.popitem(last=False)
            return made

    def _find(self, key: Hashable) -> tuple[Any] | None:
        now = self._clock()
        with self._lock:
            found = self._kept.get(key)
            return (found[1],) if found is not None and now - found[0] <= self._seconds else None
