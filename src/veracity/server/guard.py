"""What every application of ours is wrapped in: few requests at once, each in bounded time."""

import sys
import traceback

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.problems import problem

REQUEST_TIMEOUT_S = 60.0


class Guarded:
    """Answers 503 above ``max_at_once`` requests, ends those that take too long, and 500 for our bugs."""

    def __init__(self, app: ASGIApp, max_at_once: int) -> None:
        self._app = app
        self._max_at_once = max_at_once
        self._n_running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        if self._n_running >= self._max_at_once:
            busy = problem(
                503, "busy", "server: want fewer requests at once; try again", {"Retry-After": "1"}
            )
            await busy(scope, receive, send)
            return
        started = False

        async def noticed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        self._n_running += 1
        try:
            with anyio.fail_after(REQUEST_TIMEOUT_S):
                await self._app(scope, receive, noticed)
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
            self._n_running -= 1
