"""What every application of ours is wrapped in: few requests at once, each in bounded time."""

import math
import sys
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.problems import ALONE, problem

REQUEST_TIMEOUT_S = 60.0
MAX_WAITING = 10_000  #: requests that wait for a place
_LASTING, _TURN = "veracity.lasting", "veracity.turn"


class Guarded:
    """Answers 503 above ``max_at_once`` requests, ends those that take too long, and 500 for our bugs.

    A request has one of the places only while it is computed: not while its body arrives, nor once its
    answer is being sent. Clients who are slow at either keep nobody out, nor does what waits for a turn of
    another kind, as posts do (``leave_place``).

    Parameters
    ----------
    wait_s
        How long a request waits for a place, in the order of asking, before it is answered 503.
    """

    def __init__(self, app: ASGIApp, max_at_once: int, wait_s: float = 0.0) -> None:
        self._app = app
        self._places = _Places(max_at_once, wait_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        started = False
        turn = _Turn(self._places)
        scope[_TURN] = turn

        async def received() -> Message:
            if started:
                return await receive()
            turn.leave()
            message = await receive()
            await turn.take()
            return message

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            turn.end()
            await send(message)

        try:
            with anyio.fail_after(REQUEST_TIMEOUT_S) as timeout:
                scope[_LASTING] = timeout
                await turn.take()
                await self._app(scope, received, sent)
        except _Busy:
            said = "server: want fewer requests at once; try again"
            busy = problem(503, "busy", said, {**ALONE, "Retry-After": "1"})
            await busy(scope, receive, send)
        except TimeoutError:
            if started:
                raise  # the connection is closed: a client that does not read gets no more
            late = problem(503, "too-slow", "server: want an answer in time, got none", ALONE)
            await late(scope, receive, send)
        except Exception as exc:
            traceback.print_exc(file=sys.stderr)
            if started:
                raise
            bug = problem(500, "bug", f"a bug in veracity: {type(exc).__name__}", ALONE)
            await bug(scope, receive, send)
        finally:
            turn.leave()


def let_last(scope: Scope) -> None:
    """Let this request's answer go on for as long as its client stays: a stream of events."""
    timeout = scope.get(_LASTING)
    if isinstance(timeout, anyio.CancelScope):
        timeout.deadline = float("inf")


def leave_place(scope: Scope) -> None:
    """Let this request wait for something without a place: it computes next to nothing any more."""
    turn = scope.get(_TURN)
    if isinstance(turn, _Turn):
        turn.leave()


@contextmanager
def body_within(scope: Scope, seconds: float) -> Iterator[None]:
    """Raise TimeoutError if a body takes too long to come; time that it waits for a place does not count."""
    turn = scope.get(_TURN)
    with anyio.fail_after(seconds) as limit:
        if isinstance(turn, _Turn):
            turn.limit = limit
        try:
            yield
        finally:
            if isinstance(turn, _Turn):
                turn.limit = None


class _Busy(Exception):
    """Every place is taken."""


class _Places:
    """How many requests may yet be computed beside those that are, and who waits for one of them."""

    def __init__(self, n_free: int, wait_s: float) -> None:
        self._n_free, self._wait_s = n_free, wait_s
        self._waiting: deque[anyio.Event] = deque()

    async def take(self) -> None:
        """Take a place, after those who came before; ``_Busy`` if there is none in time."""
        if self._n_free > 0:
            self._n_free -= 1
            return
        if self._wait_s <= 0 or len(self._waiting) >= MAX_WAITING:
            raise _Busy
        mine = anyio.Event()
        self._waiting.append(mine)
        try:
            with anyio.move_on_after(self._wait_s):
                await mine.wait()
        except BaseException:
            self._give_up(mine)
            raise
        if not mine.is_set():
            self._give_up(mine)
            raise _Busy

    def leave(self) -> None:
        """Hand a place to who waits longest, or keep it free."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._n_free += 1

    def _give_up(self, mine: anyio.Event) -> None:
        """Wait no more; a place that was handed over just now goes on."""
        if mine.is_set():
            self.leave()
        else:
            self._waiting.remove(mine)


class _Turn:
    """One request's hold of a place; leaving it twice is leaving it once.

    ``limit`` is that of its body, while that is read: it stands still while a place is waited for.
    """

    def __init__(self, places: _Places) -> None:
        self._places = places
        self._is_held = self._is_over = False
        self.limit: anyio.CancelScope | None = None

    def end(self) -> None:
        """Leave the place for good: the answer is being sent."""
        self._is_over = True
        self.leave()

    async def take(self) -> None:
        """Take a place; ``_Busy`` if there is none."""
        limit, began = self.limit, anyio.current_time()
        if limit is not None:
            left_s, limit.deadline = limit.deadline - began, math.inf
        try:
            await self._places.take()
        except _Busy:
            if not self._is_over:
                raise
            return
        if limit is not None:
            limit.deadline = anyio.current_time() + left_s
        self._is_held = True
        # Streams ask whether their client has left while their answer begins: then no place is needed.
        if self._is_over:
            self.leave()

    def leave(self) -> None:
        """Give the place back, if it is held."""
        if self._is_held:
            self._is_held = False
            self._places.leave()
