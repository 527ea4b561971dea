"""A city's home, read by many requests at once: each has an opened home to itself for its time.

What was made of the home is kept while nothing new is in its log: everything that a reader is shown
follows from the log, so the size of the log is the version of every answer.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from veracity.home.clock import Clock, system_clock
from veracity.home.home import Home
from veracity.server.single_flight import SingleFlight

MAX_IDLE = 16  #: opened homes that wait for a request
MAX_KEPT = 512  #: answers that are kept

_T = TypeVar("_T")


class CityReader:
    """Opened homes of one city, and what was made of them; safe to use from many threads.

    Parameters
    ----------
    root
        The home's directory.
    clock
        The city's time: of a simulated city not ours.
    """

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        self.root = root
        self.clock = clock or system_clock()
        self._lock = Lock()
        self._idle: list[tuple[int, Home]] = []
        self._kept: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()
        self._flights = SingleFlight()

    @contextmanager
    def home(self) -> Iterator[Home]:
        """Lend an opened home that has all that was sealed so far; no other request has it meanwhile.

        Raises
        ------
        NoHome, StateBehind
            If there is none, or none that can be read.
        """
        with self._lock:
            size, home = self._idle.pop() if self._idle else (-1, None)
        home = home or Home.open(self.root, self.clock)
        try:
            now = home.index.size
            if size != now:
                home.reopen_tables()
        except BaseException:
            home.close()
            raise
        try:
            yield home
        finally:
            with self._lock:
                is_kept = len(self._idle) < MAX_IDLE
                if is_kept:
                    self._idle.append((now, home))
            if not is_kept:
                home.close()

    def size(self) -> int:
        """How many entries the log has, as far as this home has indexed them."""
        with self.home() as home:
            return home.index.size

    def kept(self, key: Hashable, make: Callable[[Home], _T]) -> _T:
        """Return what ``make`` makes of the home, made once for each size of the log.

        ``key`` must name all that it depends on besides the log; what is made must not be changed. Who asks
        while it is being made waits for it.
        """
        with self.home() as home:
            size = home.index.size
            if (found := self._find(key, size, size)) is not None:
                first: _T = found[0]
                return first
            with self._flights.of(key):
                if (found := self._find(key, size, home.index.size)) is not None:
                    second: _T = found[0]
                    return second
                made = make(home)
                with self._lock:
                    self._kept[key] = (size, made)
                    self._kept.move_to_end(key)
                    while len(self._kept) > MAX_KEPT:
                        self._kept.popitem(last=False)
                return made

    def _find(self, key: Hashable, size: int, now: int) -> tuple[Any] | None:
        """Return what was made since the log had a size, and of no longer one than now: backups come back."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or not size <= found[0] <= now:
                return None
            self._kept.move_to_end(key)
            return (found[1],)

    def close(self) -> None:
        """Close what waits."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, home in idle:
            home.close()
