"""Enrolment over HTTP: ``POST join`` with a one-time code's request, as ``provenance.joining`` says.

Mounted beside the city's other applications. One request at a time is worked on, and an address that
asks wrongly too often waits: a code cannot be guessed, but the home need not be bothered either.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError
from veracity.home.clock import Clock, system_clock
from veracity.home.directory import Directory, open_directory
from veracity.home.home import open_writer
from veracity.home.invitations import Credentials, Enrol, enrol_gateway, redeem
from veracity.provenance.joining import MAX_REQUEST_BYTES
from veracity.provenance.keys import PublicKey
from veracity.server.paths import asked_path
from veracity.server.problems import problem, status_of, wrong_method
from veracity.server.request_body import read_body
from veracity.server.running import network_of

PATH = "join"
BODY_TIMEOUT_S = 5.0
MAX_WRONG = 10  #: requests an address may get wrong within ``WINDOW_S``
WINDOW_S = 600
_MAX_NETWORKS = 10_000
_LOGGER = logging.getLogger(__name__)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class EnrolmentApp:
    """An ASGI application that answers ``join``, and leaves every other path to ``inner``.

    Parameters
    ----------
    enrol
        Enrols a key in the log of the home.
    credentials
        What a gateway needs to come to the broker; None from it where the operator configures that.
    """

    def __init__(
        self, inner: ASGIApp, directory: Directory, enrol: Enrol, credentials: Credentials, clock: Clock
    ) -> None:
        self._inner, self._directory = inner, directory
        self._enrol, self._credentials, self._clock = enrol, credentials, clock
        self._lock = threading.Lock()
        self._wrong = _Wrong()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or asked_path(scope) != PATH:
            await self._inner(scope, receive, send)
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return wrong_method(request.method, "POST")
        client = request.scope.get("client")
        who = network_of((client[0], client[1])) if client else ""
        wait_s = self._wrong.wait_s(who, self._clock())
        if wait_s:
            detail = "join: want fewer wrong requests, got too many"
            return problem(429, "too-many-wrong-codes", detail, {"Retry-After": str(wait_s)})
        body = await read_body(request, MAX_REQUEST_BYTES, BODY_TIMEOUT_S)
        if isinstance(body, Response):
            return body
        try:
            answer = await run_in_threadpool(self._redeemed, body)
        except (Malformed, Rejected) as exc:
            self._wrong.add(who, self._clock())
            return problem(status_of(exc), exc.code, str(exc))
        except Unavailable as exc:  # of the city's own files: its words may name their places
            _LOGGER.warning("join: %s", exc)
            busy = "join: want a city that can be written, got one that cannot now"
            return problem(503, exc.code, busy, {"Retry-After": "5"})
        except VeracityError as exc:
            _LOGGER.warning("join: %s", exc)
            return problem(503, exc.code, "join: want a city that can be read, got an error")
        return Response(answer, headers=_HEADERS, media_type="application/json")

    def _redeemed(self, body: bytes) -> bytes:
        with self._lock:
            return redeem(self._directory, body, self._clock(), self._enrol, self._credentials)


def enrolment_app(
    inner: ASGIApp,
    root: Path,
    credentials: Credentials = lambda _name, _feeds: None,
    enrol: Enrol | None = None,
    clock: Callable[[], datetime] | None = None,
) -> EnrolmentApp:
    """Return the application for the home at ``root``.

    Without ``enrol`` the home is opened for writing at each enrolment, alone: whoever holds its lock
    gives a function that enrols with the home it has open.
    """

    def alone(name: str, key: PublicKey) -> int:
        with open_writer(root, clock) as home:
            return enrol_gateway(home, name, key)

    return EnrolmentApp(inner, open_directory(root), enrol or alone, credentials, clock or system_clock())


class _Wrong:
    """Who asked wrongly, and when; a bounded number of addresses."""

    def __init__(self) -> None:
        self._times: OrderedDict[str | bytes, list[datetime]] = OrderedDict()

    def add(self, who: str | bytes, now: datetime) -> None:
        self._times.setdefault(who, []).append(now)
        self._times.move_to_end(who)
        if len(self._times) > _MAX_NETWORKS:
            self._times.popitem(last=False)

    def wait_s(self, who: str | bytes, now: datetime) -> int:
        """Return how long an address has to wait, 0 if it need not."""
        recent = [t for t in self._times.get(who, []) if (now - t).total_seconds() < WINDOW_S]
        if not recent:
            self._times.pop(who, None)
            return 0
        self._times[who] = recent
        if len(recent) < MAX_WRONG:
            return 0
        return max(1, int(WINDOW_S - (now - recent[0]).total_seconds()))
