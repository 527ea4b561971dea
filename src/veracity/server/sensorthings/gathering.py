"""What comes while others are being done waits, and is done with all that waits beside it: group commit.

Nobody waits for company: who comes alone is done at once, by a thread that ends when nothing waits.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar

from veracity.server.sensorthings.errors import PostsWaiting

MAX_WAIT_S = 30.0  #: before its turn has begun
MAX_WAITING = 1_000  #: requests
MAX_WAITING_BYTES = 33_554_432
MAX_TURN = 20_000  #: records done together, beside the first request's
MAX_TURN_BYTES = 16_777_216

_LOGGER = logging.getLogger(__name__)


class Job(Protocol):
    """What waits: how large it is, and where its answer goes."""

    @property
    def n_records(self) -> int:
        """Records in it."""

    @property
    def n_bytes(self) -> int:
        """Their bytes."""

    @property
    def answer(self) -> Future[Any]:
        """Who waits for it waits here."""


_J = TypeVar("_J", bound=Job)
Take = Callable[[], list[_J]]


class Gathering(Generic[_J]):
    """Jobs of many threads, done by one at a time; safe to use from many threads.

    Parameters
    ----------
    turn
        Does what the function that it is given returns, once it can: that takes the jobs which wait, as many
        as are done together. An error before that is the answer to all who waited when the turn began.
    """

    def __init__(self, turn: Callable[[Take[_J]], None], now: Callable[[], float] = time.monotonic) -> None:
        self._turn, self._now = turn, now
        self._lock = threading.Lock()
        self._waiting: deque[tuple[float, _J]] = deque()
        self._n_bytes = 0
        self._is_running = False

    @property
    def n_waiting(self) -> int:
        """How many jobs wait for their turn."""
        with self._lock:
            return len(self._waiting)

    def put(self, job: _J) -> None:
        """Let a job wait for its turn; PostsWaiting if too many do, or no thread can be had to do it."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING or self._n_bytes + job.n_bytes > MAX_WAITING_BYTES:
                raise PostsWaiting("posts: want fewer that wait to be sealed, got as many as may: come again")
            if not self._is_running:
                self._begin()
            self._waiting.append((self._now(), job))
            self._n_bytes += job.n_bytes

    def _begin(self) -> None:
        """Start the thread, which goes on when the lock is let go; it is waited for when the process ends."""
        try:
            threading.Thread(target=self._run, name="posts").start()
        except RuntimeError as exc:  # this process, or its user, has as many as it may
            raise PostsWaiting("posts: want a thread to seal them, got none: come again") from exc
        self._is_running = True

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return
                begun = self._now()
            try:
                self._turn(self._take)
            except Exception as exc:
                self._fail(begun, exc)

    def _take(self) -> list[_J]:
        """Return the jobs of one turn, in the order in which they came; none whose client has gone."""
        taken: list[_J] = []
        n_records = n_bytes = 0
        too_late = self._now() - MAX_WAIT_S
        with self._lock:
            while self._waiting:
                since, job = self._waiting[0]
                n_records, n_bytes = n_records + job.n_records, n_bytes + job.n_bytes
                if taken and (n_records > MAX_TURN or n_bytes > MAX_TURN_BYTES):
                    break
                self._pop()
                if not job.answer.set_running_or_notify_cancel():
                    continue
                if since < too_late:
                    said = f"posts: want a turn within {MAX_WAIT_S:.0f} s, got none: come again"
                    job.answer.set_exception(PostsWaiting(said))
                else:
                    taken.append(job)
        return taken

    def _pop(self) -> _J:
        _, job = self._waiting.popleft()
        self._n_bytes -= job.n_bytes
        return job

    def _fail(self, begun: float, error: Exception) -> None:
        """Answer all who waited at a time with an error."""
        _LOGGER.warning("posts: %s", error)
        with self._lock:
            while self._waiting and self._waiting[0][0] <= begun:
                job = self._pop()
                if job.answer.set_running_or_notify_cancel():
                    job.answer.set_exception(error)
