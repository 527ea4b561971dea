"""News of the log as it grows: ``GET /events``, server-sent events; one poller for all who listen."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from time import monotonic

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from veracity.errors import VeracityError
from veracity.home.accounts.standing import check_standing
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.doors import account_of
from veracity.server.api.ledger import Ledger
from veracity.server.api.routing import ReadingRoute
from veracity.server.city_reader import CityReader
from veracity.server.errors import TooManyListeners
from veracity.server.guard import let_last

POLL_S = 1.0
HEARTBEAT_S = 15.0
RETRY_MS = 3_000  #: after which a browser asks again when it lost us
N_STATEMENTS = 20  #: of the newest, told with each event
_MAX_BEHIND = 8  #: events that a listener may leave waiting before it is let go

logger = logging.getLogger(__name__)
ROUTER = APIRouter(tags=["log"], route_class=ReadingRoute)

_Listener = asyncio.Queue[bytes | None]


class Events:
    """Who listens to the log of a city, and the one task that looks at it for all of them.

    It looks only while somebody listens. Everything happens in one event loop, but for ``close``.
    """

    def __init__(self, city: CityReader, ledger: Ledger, max_listeners: int) -> None:
        self._city, self._ledger, self._max = city, ledger, max_listeners
        self._listeners: set[_Listener] = set()
        self._poller: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last: bytes | None = None
        self._is_closed = False

    @property
    def n_listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def join(self) -> _Listener:
        """Return a new listener's queue; ``TooManyListeners`` if there is no place.

        ``None`` in it is the end.
        """
        if self._is_closed or len(self._listeners) >= self._max:
            raise TooManyListeners(f"events: want at most {self._max} listeners, got another")
        listener: _Listener = asyncio.Queue(_MAX_BEHIND)
        if self._last is not None:
            listener.put_nowait(self._last)
        self._listeners.add(listener)
        if self._poller is None:
            self._loop = asyncio.get_running_loop()
            self._poller = self._loop.create_task(self._poll())
        return listener

    def leave(self, listener: _Listener) -> None:
        """Forget a listener; the last one ends the poller."""
        self._listeners.discard(listener)
        if not self._listeners and self._poller is not None:
            self._poller.cancel()
            self._poller = None
            self._last = None

    def close(self) -> None:
        """End every stream: the server stops. May be called from any thread."""
        self._is_closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for listener in list(self._listeners):
            self._let_go(listener)

    def _let_go(self, listener: _Listener) -> None:
        while not listener.empty():
            listener.get_nowait()
        listener.put_nowait(None)

    async def _poll(self) -> None:
        size = -1
        while True:
            try:
                size, event = await run_in_threadpool(self._look, size)
            except VeracityError as exc:
                logger.warning("events: %s", exc)
                event = None
            if event is not None:
                self._last = event
                for listener in list(self._listeners):
                    if listener.full():
                        self._let_go(listener)  # it reads too slowly; it may come again
                    else:
                        listener.put_nowait(event)
            await asyncio.sleep(POLL_S)

    def _look(self, size: int) -> tuple[int, bytes | None]:
        """Return the size of the log, and what to tell if it is another than it was."""
        with self._city.home() as home:
            reader = home.reader()
            if reader.size == size:
                return size, None
            self._ledger.catch_up(home)
            published = home.published_size()
        lines = self._ledger.newest(None, N_STATEMENTS, None)
        told = {
            "size": reader.size,
            "root": b64encode(reader.checkpoint.root).decode(),
            "published": published,
            "statements": [
                {"entry": n.entry, "kind": n.kind, "about": n.about, "at": n.at, "simulated": n.simulated}
                for n in lines
                if n.entry >= size or size < 0
            ],
        }
        return reader.size, b"event: log\nid: %d\ndata: %s\n\n" % (reader.size, orjson.dumps(told))


class _EventStream(StreamingResponse):
    """What OpenAPI says of the answer, and what it is."""

    media_type = "text/event-stream"


@ROUTER.get(
    "/events", response_class=_EventStream, responses={200: {"description": "`event: log` as the log grows."}}
)
async def listen(request: Request) -> StreamingResponse:
    """The log's size and its newest statements, at once and whenever it has grown; comments in between.

    In a city that is closed to others it ends soon after the token or the session that asked.
    """
    events: Events = request.app.state.events
    listener = events.join()
    let_last(request.scope)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return _EventStream(_told(events, listener, _right(request)), headers=headers)


def _right(request: Request) -> Callable[[], None] | None:
    """Return what raises when who listens may not any more; None where everybody may."""
    account = account_of(request)
    if account is None or request.app.state.settings.is_open:
        return None
    accounts: Accounts = request.app.state.accounts
    return lambda: check_standing(accounts.store, account)


async def _told(
    events: Events, listener: _Listener, right: Callable[[], None] | None = None
) -> AsyncIterator[bytes]:
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        looked_at = monotonic()
        while True:
            try:
                event = await asyncio.wait_for(listener.get(), HEARTBEAT_S)
            except TimeoutError:
                event = b": still here\n\n"
            if right is not None and monotonic() - looked_at >= HEARTBEAT_S:
                await run_in_threadpool(right)
                looked_at = monotonic()
            if event is None:
                return
            yield event
    except VeracityError as exc:
        logger.info("events: %s", exc)  # it may ask again, and is told why not
    finally:
        events.leave(listener)
