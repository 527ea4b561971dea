"""Running an application until it is told to stop, on a socket of its own."""

import asyncio
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from veracity.server.errors import CannotListen
from veracity.server.guard import Guarded

MAX_AT_ONCE = 64  #: requests answered at once
MAX_CONNECTIONS = 512
KEEP_ALIVE_S = 30
HEAD_TIMEOUT_S = 10  #: from connecting, or from its first byte, to the end of a request's head
STOP_TIMEOUT_S = 5  #: for the requests under way when told to stop


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. CannotListen if there is none to have."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=256)
        # asyncio sends at once (TCP_NODELAY) only from a socket that names its protocol; else each answer
        # may wait 40 ms for an acknowledgement.
        return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())
    except (OSError, OverflowError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise CannotListen(f"listen: want {host} port {port}, got {reason}") from exc


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what is under way and return."""
    config = uvicorn.Config(
        Guarded(app, MAX_AT_ONCE),
        http=_PatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
        h11_max_incomplete_event_size=16_384,
    )
    with listening:
        _Server(config).run(sockets=[listening])


class _Server(uvicorn.Server):
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


class _PatientProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose request never gets past its head."""

    _stuck_at: Any = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch."""
        super().connection_made(transport)
        self.loop.call_later(HEAD_TIMEOUT_S / 2, self._look)

    def _look(self) -> None:
        """Close if no request was under way, nor awaited, at this look and at the last."""
        if self.transport.is_closing():
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
