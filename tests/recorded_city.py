"""A server that answers as a city's did when it was recorded, and goes wrong when a test says so."""

import copy
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RECORDED = Path(__file__).parent / "browser" / "recorded.json"
# What the server sends with every page: nothing inline, nothing from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
EVENTS = "/api/v1/events"


class RecordedCity:
    """What it answers, which a test may change while it runs.

    Attributes
    ----------
    answers
        Path, without its query, to document.
    receipts
        Path, with its query, to document.
    failing
        Path to the status that it answers instead.
    slow
        Paths that wait until they are taken out.
    asked
        All that was asked for, in order.
    """

    def __init__(self, portal: Path) -> None:
        recorded = json.loads(RECORDED.read_bytes())
        self.answers: dict[str, Any] = copy.deepcopy(recorded["answers"])
        self.receipts: dict[str, Any] = copy.deepcopy(recorded["receipts"])
        self.failing: dict[str, int] = {}
        self.slow: set[str] = set()
        self.asked: list[str] = []
        self.is_open = True
        self._portal = portal
        self._news: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self.url = ""

    def grow(self) -> int:
        """Add a statement to the log, and tell all who listen; return its entry."""
        log, statements = self.answers["/api/v1/log"], self.answers["/api/v1/log/statements"]["items"]
        entry = log["size"]
        log["size"] += 1
        statement = {**statements[0], "entry": entry, "about": f"told just now, as entry {entry}"}
        statements.insert(0, statement)
        with self._changed:
            self._news.append({"size": log["size"], "root": log["root"], "statements": [statement]})
            self._changed.notify_all()
        return int(entry)

    def close(self) -> None:
        """Let those go who listen or wait."""
        self.is_open = False
        self.slow.clear()
        with self._changed:
            self._changed.notify_all()

    def file(self, path: str) -> tuple[str, bytes] | None:
        """Return the media type and content of a file of the portal."""
        place = self._portal / (path.lstrip("/") or "index.html")
        if not place.is_file() or not place.resolve().is_relative_to(self._portal):
            return None
        return TYPES.get(place.suffix, "application/octet-stream"), place.read_bytes()

    def document(self, target: str) -> Any:
        """Return what it answers to a path and its query; None for nothing."""
        return self.receipts.get(target, self.answers.get(urlsplit(target).path))

    def news(self) -> Iterator[dict[str, Any]]:
        """Yield the log as it is, then as it grows."""
        log, n_told = self.answers["/api/v1/log"], len(self._news)
        yield {"size": log["size"], "root": log["root"], "statements": []}
        while self.is_open:
            with self._changed:
                self._changed.wait(timeout=1)
                fresh = self._news[n_told:]
            n_told += len(fresh)
            yield from fresh


@contextmanager
def serving_recorded(portal: Path) -> Iterator[RecordedCity]:
    """Serve a recorded city on a port of loopback."""
    city = RecordedCity(portal)

    class Handler(_Handler):
        recorded = city

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    city.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield city
    finally:
        city.close()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    recorded: RecordedCity
    protocol_version = "HTTP/1.0"  # a connection a request: none is left open at the end

    def do_GET(self) -> None:
        """Answer one request."""
        city, path = self.recorded, urlsplit(self.path).path
        city.asked.append(self.path)
        while path in city.slow and city.is_open:
            time.sleep(0.02)
        if path in city.failing:
            self._problem(city.failing[path])
        elif path == EVENTS:
            self._tell()
        elif (document := city.document(self.path)) is not None:
            self._send(200, "application/json", json.dumps(document).encode())
        elif (file := city.file(path)) is not None:
            self._send(200, *file)
        else:
            self._problem(404)

    def _problem(self, status: int) -> None:
        body = {
            "type": "/problems/test",
            "title": "A test",
            "status": status,
            "code": "a-test",
            "detail": "as asked",
        }
        self._send(status, "application/problem+json", json.dumps(body).encode())

    def _send(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self._write(body)

    def _tell(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for news in self.recorded.news():
            if not self._write(f"event: log\ndata: {json.dumps(news)}\n\n".encode()):
                return

    def _write(self, body: bytes) -> bool:
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:  # the browser went on to another page
            return False
        return True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
