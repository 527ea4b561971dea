"""A small HTTP server of one function, on loopback and a free port: what sources are tested against."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request: its path, its query, headers with names in lower case, and its body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered. With ``cut`` the connection ends after so many bytes of the body.

    With ``wait`` half of the body is sent, and the rest when the event is set.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    wait: threading.Event | None = None


@dataclass
class Answering:
    """A running server: its address, and what it was asked."""

    url: str
    asked: list[Asked]


@contextmanager
def answering(answer: Callable[[Asked], Reply]) -> Iterator[Answering]:
    """Serve ``answer`` until the block ends."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            one = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            asked.append(one)
            self.send(answer(one))

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        def send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            try:
                half = len(reply.body) // 2 if reply.wait else 0
                self.wfile.write(reply.body[:half])
                if reply.wait:
                    reply.wait.wait(60)
                self.wfile.write(reply.body[half : reply.cut])
            except OSError:  # whoever asked went away
                self.close_connection = True
            self.close_connection |= reply.cut is not None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of its base
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Answering(f"http://127.0.0.1:{server.server_address[1]}", asked)
        finally:
            server.shutdown()
            thread.join()
