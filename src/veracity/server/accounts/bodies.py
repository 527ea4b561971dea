"""Bodies of requests: refused unread where they say that they are too large, and cut where they are.

A body comes within ``BODY_TIMEOUT_S`` or not at all. Who sends one slowly takes nobody's place (``Guarded``).
"""

import time

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.problems import problem
from veracity.server.settings import ServerSettings

BODY_TIMEOUT_S = 30.0


class BoundedBodies:
    """Answers 413 to a body that is too large and 408 to one that is too slow."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app, self._max_bytes = app, settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = Request(scope).headers.get("content-length", "0")
        if not (said.isascii() and said.isdecimal()):
            await problem(400, "malformed-request", "content-length: want a number, got another text")(
                scope, receive, send
            )
            return
        if len(said) > 12 or int(said) > self._max_bytes:
            await problem(413, "request-too-large", self._too_large, {"Connection": "close"})(
                scope, receive, send
            )
            return
        n_bytes, until, started = 0, time.monotonic() + BODY_TIMEOUT_S, False

        async def received() -> Message:
            nonlocal n_bytes
            if started:
                return await receive()  # what is awaited now is that the client goes away
            try:
                with anyio.fail_after(max(0.0, until - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                late = f"body: want it within {BODY_TIMEOUT_S:.0f} s, got {n_bytes} bytes"
                raise HTTPException(408, late, {"Connection": "close"}) from None
            n_bytes += len(message.get("body", b""))
            if n_bytes > self._max_bytes:
                raise HTTPException(413, self._too_large, {"Connection": "close"})
            return message

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, received, sent)
        except HTTPException as exc:  # from a part that is no FastAPI, which answers it itself
            if started:
                raise
            code = "request-too-large" if exc.status_code == 413 else "request-too-slow"
            await problem(exc.status_code, code, exc.detail, exc.headers)(scope, receive, send)

    @property
    def _too_large(self) -> str:
        return f"body: want at most {self._max_bytes} bytes, got more"
