"""What every application of ours is wrapped in: few requests at once, each in bounded time."""

import sys
import traceback

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.problems import problem

REQUEST_TIMEOUT_S = 60.0


class Guarded:
    """Answers 503 above ``max_at_once`` requests, ends those that take too long, and 500 for our bugs.

    A request has one of the places only while it is computed: not while its body arrives, nor once its
    answer is being sent. Clients who are slow at either keep nobody out.
    """

    def __init__(self, app: ASGIApp, max_at_once: int) -> None:
        self._app = app
        self._places = _Places(max_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        started = False
        turn = _Turn(self._places)

        async def received() -> Message:
            if started:
                return await receive()
            turn.leave()
            message = await receive()
            turn.take()
            return message

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            turn.leave()
            await send(message)

        try:
            with anyio.fail_after(REQUEST_TIMEOUT_S):
                turn.take()
                await self._app(scope, received, sent)
        except _Busy:
            busy = problem(
                503, "busy", "server: want fewer requests at once; try again", {"Retry-After": "1"}
            )
            await busy(scope, receive, send)
        except TimeoutError:
            if started:
                raise  # the connection is closed: a client that does not read gets no more
            await problem(503, "too-slow", "server: want an answer in time, got none")(scope, receive, send)
        except Exception as exc:
            traceback.print_exc(file=sys.stderr)
            if started:
                raise
            bug = problem(500, "bug", f"a bug in veracity: {type(exc).__name__}")
            await bug(scope, receive, send)
        finally:
            turn.leave()


class _Busy(Exception):
    """Every place is taken."""


class _Places:
    """How many requests may yet be computed beside those that are."""

    def __init__(self, n_free: int) -> None:
        self.n_free = n_free


class _Turn:
    """One request's hold of a place; leaving it twice is leaving it once."""

    def __init__(self, places: _Places) -> None:
        self._places = places
        self._is_held = False

    def take(self) -> None:
        """Take a place; ``_Busy`` if there is none."""
        if self._places.n_free == 0:
            raise _Busy
        self._places.n_free -= 1
        self._is_held = True

    def leave(self) -> None:
        """Give the place back, if it is held."""
        self._places.n_free += self._is_held
        self._is_held = False
