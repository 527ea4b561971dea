"""Answers that take long to make: made by one reader for all, again only when the log grew, and not often."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from veracity.home.home import Home

MAX_KEPT = 256
AGAIN_S = 30.0  #: an answer of a log that grew since is given for so long yet

_T = TypeVar("_T")


@dataclass
class _Made:
    lock: Lock = field(default_factory=Lock)
    size: int = -1
    until: float = 0.0
    answer: Any = None


class Slowly:
    """What was made, by key; safe to use from many threads.

    Parameters
    ----------
    again_s
        For how long what was made is given while the log grows.
    """

    def __init__(self, again_s: float = AGAIN_S) -> None:
        self._again_s = again_s
        self._lock = Lock()
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()

    def get(self, home: Home, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return what ``make`` makes. ``key`` names all that it depends on besides the log."""
        size = home.index.size
        with self._lock:
            made = self._made.setdefault(key, _Made())
            self._made.move_to_end(key)
            while len(self._made) > MAX_KEPT:
                self._made.popitem(last=False)
        with made.lock:  # who comes while it is being made waits for it
            if made.size < 0 or (made.size != size and made.until < monotonic()):
                made.answer = make()
                made.size, made.until = size, monotonic() + self._again_s
            answer: _T = made.answer
            return answer

    def forget(self, key: Hashable) -> None:
        """Make it anew when it is next asked for: we know that it changed."""
        with self._lock:
            self._made.pop(key, None)
