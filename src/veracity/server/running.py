"""Running an application until it is told to stop, on a socket of its own."""

import asyncio
import ipaddress
import signal
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp

from veracity.server.bad_heads import MAX_HEAD_BYTES, RefusingProtocol
from veracity.server.errors import CannotListen
from veracity.server.guard import Guarded
from veracity.server.no_descriptors import tell_seldom
from veracity.server.open_files import allow_files

MAX_AT_ONCE = 64  #: requests computed at once
MAX_THREADS = 40
MAX_CONNECTIONS = 512
MAX_PER_ADDRESS = 32  #: connections of one address at once; a reader of ours opens 16
KEEP_ALIVE_S = 30
HEAD_TIMEOUT_S = 10  #: from connecting, or from its first byte, to the end of a request's head
READ_TIMEOUT_S = 60  #: for a client to take anything of what it asked for
STOP_TIMEOUT_S = 5  #: for the requests under way when told to stop
_SPARE_FILES = 512  # that a server opens beside its connections


@dataclass(frozen=True)
class Limits:
    """How much of a server its clients may take.

    Attributes
    ----------
    at_once
        Requests computed at once.
    wait_s
        How long the next wait for their turn before they are answered 503; 0 not at all.
    connections
        Of all clients.
    per_address
        Connections of one address; of IPv6 of one /64.
    threads
        That compute; each may hold an opened home.
    """

    at_once: int = MAX_AT_ONCE
    wait_s: float = 0.0
    connections: int = MAX_CONNECTIONS
    per_address: int = MAX_PER_ADDRESS
    threads: int = MAX_THREADS


DEFAULTS = Limits()
PUBLIC = Limits(wait_s=30.0, connections=4_096, per_address=64, threads=16)  #: of a city that many look at


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. CannotListen if there is none to have."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=2_048)
        # asyncio sends at once (TCP_NODELAY) only from a socket that names its protocol; else each answer
        # may wait 40 ms for an acknowledgement.
        return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())
    except (OSError, OverflowError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise CannotListen(f"listen: want {host} port {port}, got {reason}") from exc


def inherited(number: int) -> socket.socket:
    """Return the listening socket that the process which started this one has under a number."""
    return socket.socket(fileno=number)


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    app: ASGIApp,
    listening: socket.socket,
    limits: Limits = DEFAULTS,
    on_stop: Callable[[], None] | None = None,
    on_start: Callable[[], Coroutine[Any, Any, object]] | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what is under way and return.

    ``on_stop`` is called when told to stop: to end answers that would go on for ever. ``on_start`` is run
    beside the requests once they are listened for, until it ends or the server stops.
    """
    with listening:
        _Server(_config(app, limits), limits.threads, on_stop, on_start).run(sockets=[listening])


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    stop: asyncio.Event,
    limits: Limits = DEFAULTS,
    on_stop: Callable[[], None] | None = None,
    on_start: Callable[[], Coroutine[Any, Any, object]] | None = None,
) -> None:
    """Serve in a loop that runs, until told to stop; then finish what is under way and return."""
    server = _Guest(_config(app, limits), limits.threads, on_stop, on_start)

    async def told() -> None:
        await stop.wait()
        server.should_exit = True

    telling = asyncio.create_task(told())
    try:
        with listening:
            await server.serve(sockets=[listening])
    finally:
        telling.cancel()


def _config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    allow_files(limits.connections + _SPARE_FILES)
    protocol = type("_LimitedProtocol", (_PatientProtocol,), {"max_per_address": limits.per_address})
    return uvicorn.Config(
        Guarded(app, limits.at_once, limits.wait_s),
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=limits.connections,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )


class _Stopping(uvicorn.Server):
    """uvicorn that says when it has begun, and when it is told to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        threads: int,
        on_stop: Callable[[], None] | None,
        on_start: Callable[[], Coroutine[Any, Any, object]] | None,
    ) -> None:
        super().__init__(config)
        self._threads, self._on_stop, self._on_start = threads, on_stop, on_start
        self._beside: asyncio.Task[object] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say how many threads may compute in this loop, then begin."""
        current_default_thread_limiter().total_tokens = self._threads
        tell_seldom(asyncio.get_running_loop())
        await super().startup(sockets)
        if self._on_start is not None:
            self._beside = asyncio.create_task(self._on_start())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would not end by itself, then the rest."""
        if self._beside is not None:
            self._beside.cancel()
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)


class _Server(_Stopping):
    """uvicorn, for which being told to stop is the normal end."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop at SIGTERM and SIGINT; uvicorn's own raises them once more at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals go to the main thread alone
            return
        before = {s: signal.signal(s, self.handle_exit) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Guest(_Stopping):
    """uvicorn in somebody else's loop, whose signals it leaves alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them."""
        yield


class _PatientProtocol(RefusingProtocol):
    """HTTP/1.1 that closes a connection too many, and one whose client neither asks nor reads."""

    max_per_address = MAX_PER_ADDRESS
    network: str | bytes = ""  #: whose connection it is
    _stuck_at: Any = ()
    _unread: tuple[float, int] | None = None  # since when, and how many bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch, unless its client has as many as it may have."""
        super().connection_made(transport)
        self.network = network_of(self.client)
        if sum(getattr(c, "network", None) == self.network for c in self.connections) > self.max_per_address:
            transport.write(_TOO_MANY)
            transport.close()
        self.loop.call_later(HEAD_TIMEOUT_S / 2, self._look)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        super().resume_writing()
        self._unread = None

    def _reset(self) -> None:
        """Drop the connection with all that waits for its client; to close it would wait for the client."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _is_unread(self) -> bool:
        """Say whether the client took nothing of what waits for it, for ``READ_TIMEOUT_S``."""
        now, n_bytes = self.loop.time(), self.transport.get_write_buffer_size()
        if n_bytes == 0 or self._unread is None or n_bytes < self._unread[1]:
            self._unread = (now, n_bytes)
        return now - self._unread[0] > READ_TIMEOUT_S

    def _look(self) -> None:
        """Close if no request was under way, nor awaited, at this look and at the last; or none is read."""
        if self._is_unread():
            self._reset()
            return
        if self.transport.is_closing():
            if self in self.connections:  # what is left is being sent
                self.loop.call_later(HEAD_TIMEOUT_S / 2, self._look)
            return
        awaited = self.timeout_keep_alive_task is not None
        under_way = self.cycle is not None and not self.cycle.response_complete
        if not awaited and not under_way:
            if self._stuck_at is self.cycle:
                self.transport.close()
                return
            self._stuck_at = self.cycle
        else:
            self._stuck_at = ()
        self.loop.call_later(HEAD_TIMEOUT_S / 2, self._look)


_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
)


def network_of(client: tuple[str, int] | None) -> str | bytes:
    """Return what one client cannot choose of its address: of IPv6 the first half."""
    host = "" if client is None else client[0].partition("%")[0]
    return ipaddress.IPv6Address(host).packed[:8] if ":" in host else host
