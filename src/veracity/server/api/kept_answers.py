"""Bodies of answers kept while nothing new is in the log, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from pydantic import BaseModel

from veracity.home.home import Home
from veracity.server.city_reader import CityReader
from veracity.server.single_flight import SingleFlight

MAX_BYTES = 64 * 1024 * 1024  #: of bodies and of what they are kept by
_HELD_BYTES = 1_000  # of objects around what is kept


class KeptAnswers:
    """JSON bodies by what they depend on besides the log; safe to use from many threads."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[int, bytes]] = OrderedDict()
        self._n_bytes = 0
        self._flights = SingleFlight()

    def get(self, city: CityReader, key: Hashable, make: Callable[[Home], BaseModel]) -> bytes:
        """Return what ``make`` makes of the city's home as JSON, made once for each size of the log.

        Who asks while it is being made waits for it.
        """
        with city.home() as home:
            size = home.index.size
            if (body := self._find(key, size, size)) is not None:
                return body
            with self._flights.of(key):  # who waited finds what the first has made
                if (body := self._find(key, size, home.index.size)) is not None:
                    return body
                body = make(home).model_dump_json(by_alias=True).encode()
                self._keep(key, size, body)
                return body

    def _find(self, key: Hashable, size: int, now: int) -> bytes | None:
        """Return what was made since the log had a size, and of no longer one than now: backups come back."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or not size <= found[0] <= now:
                return None
            self._kept.move_to_end(key)
            return found[1]

    def _keep(self, key: Hashable, size: int, body: bytes) -> None:
        with self._lock:
            if key in self._kept:
                self._n_bytes -= _size(key, self._kept.pop(key)[1])
            self._kept[key] = size, body
            self._n_bytes += _size(key, body)
            while self._n_bytes > self._max_bytes:
                first, (_, gone) = self._kept.popitem(last=False)
                self._n_bytes -= _size(first, gone)


def _size(key: Hashable, body: bytes) -> int:
    """Return the bytes that a body takes with its key: a query that strangers write may be long."""
    return len(body) + 4 * len(repr(key)) + _HELD_BYTES
