"""A TCP proxy on loopback that loses one request, or its answer, and the connection with it.

It knows no protocol. A request begins where a client speaks first or after it was answered; requests
of all connections are counted together, in the order they come in.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Loss = Literal["request", "answer"]


@dataclass
class CuttingProxy:
    """Forwards to ``target``; loses request number ``at`` (from 1; 0: none) before it or its answer after."""

    target: tuple[str, int]
    at: int = 0
    loss: Loss = "request"
    n_requests: int = 0
    was_cut: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(default_factory=socket.socket)

    @contextmanager
    def running(self) -> Iterator[int]:
        """Listen on a free port, which is given; stop afterwards."""
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        accepting = threading.Thread(target=self._accept, daemon=True)
        accepting.start()
        try:
            yield self._listener.getsockname()[1]
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            accepting.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket() as server:
            try:
                server.connect(self.target)
                _Connection(self, client, server).run()
            except OSError:
                pass  # the other side went away: both ends are closed here

    def _begin_request(self) -> bool:
        """Count a request; say whether it is the one to lose."""
        with self._lock:
            self.n_requests += 1
            self.was_cut = self.was_cut or self.n_requests == self.at
            return self.n_requests == self.at


class _Connection:
    """One connection: a thread for what the client says, this one for the answers."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._is_answered = True
        self._loses_answer = False

    def run(self) -> None:
        asking = threading.Thread(target=self._ask, daemon=True)
        asking.start()
        with suppress(OSError):
            while data := self._server.recv(65_536):
                if self._loses_answer:
                    break
                self._is_answered = True
                self._client.sendall(data)
        self._close()
        asking.join()

    def _ask(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(65_536):
                if self._is_answered:
                    self._is_answered = False
                    if self._proxy._begin_request():
                        if self._proxy.loss == "request":
                            break
                        self._loses_answer = True
                self._server.sendall(data)
        self._close()

    def _close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
