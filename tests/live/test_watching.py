"""What a running city counts, says and traces."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import urllib3

from brokers import in_loop
from run_up import wait
from veracity.live.health import Answer, health_app
from veracity.live.logs import MAX_MESSAGE_CHARS, JsonLines, PlainLines, fields
from veracity.live.metrics import MAX_LABELS, Metrics
from veracity.server.running import address, listen, serve


def test_labels_are_bounded() -> None:
    """A million different reasons are some hundred series, and none of their counts is lost."""
    metrics = Metrics()
    for i in range(MAX_LABELS + 1_000):
        metrics.refused(f"reason-{i}")
    samples = [
        s
        for family in metrics.registry.collect()
        for s in family.samples
        if s.name == "veracity_messages_refused_total"
    ]
    assert len(samples) == MAX_LABELS + 1
    assert sum(s.value for s in samples) == MAX_LABELS + 1_000


def record(message: str, **given: object) -> logging.LogRecord:
    made = logging.LogRecord("veracity.live.up", logging.WARNING, "", 0, message, (), None)
    made.__dict__.update(fields(**given) if given else {})
    return made


def test_a_line_is_one_json_object_whatever_is_in_it() -> None:
    line = JsonLines().format(record("a\nb\x1b[2J\u202e", feed="air", path=Path("x")))
    assert "\n" not in line
    assert line.isascii()
    told = json.loads(line)
    assert (told["level"], told["area"], told["message"]) == ("warning", "live.up", "a\nb\x1b[2J\u202e")
    assert told["fields"] == {"feed": "air", "path": "x"}
    assert len(json.loads(JsonLines().format(record("x" * 99_999)))["message"]) == MAX_MESSAGE_CHARS


def test_a_line_for_people_moves_no_cursor() -> None:
    line = PlainLines().format(record("a\nb\x1b[2J Đà Nẵng", feed="air"))
    assert "a\\u000ab\\u001b[2J Đà Nẵng  feed=air" in line
    assert "\n" not in line


@pytest.mark.parametrize(("said", "code"), [("ok", 200), ("not running", 503)])
@in_loop
async def test_health_and_readiness_are_answers_and_codes(said: str, code: int) -> None:
    async def ready() -> Answer:
        return Answer({"broker": said})

    stop, listening, http = asyncio.Event(), listen("127.0.0.1", 0), urllib3.PoolManager(retries=False)
    where = address(listening)
    app = health_app(lambda: Answer({"worker-0": said}), ready, lambda: b"x 1\n")
    serving = asyncio.create_task(serve(app, listening, stop))
    health, is_ready, counted, posted = [
        await asyncio.to_thread(http.request, method, where + path)
        for method, path in (("GET", "/health"), ("GET", "/ready"), ("GET", "/metrics"), ("POST", "/health"))
    ]
    assert (health.status, is_ready.status, posted.status) == (code, code, 405)
    assert is_ready.json() == {"ok": code == 200, "checks": {"broker": said}}
    assert counted.data == b"x 1\n"
    stop.set()
    await serving
    http.clear()


class Collector(BaseHTTPRequestHandler):
    """Takes traces as OTLP sends them, and keeps their bytes."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
        pass


@pytest.fixture
def collector() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


_SEAL = "from veracity.live.metrics import Metrics; Metrics().sealed('air', 7, 70, 0.25); import sys; {}"


def test_a_seal_is_a_span_where_traces_are_asked_for(collector: str) -> None:
    """The environment names a collector: it gets a span with the feed and the counts."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "PYTHONPATH": ":".join(p for p in sys.path if p)}
    subprocess.run([sys.executable, "-c", _SEAL.format("")], env=environment, check=True)
    wait(lambda: bool(Collector.bodies))
    body = b"".join(Collector.bodies)
    assert all(word in body for word in (b"seal", b"feed", b"air", b"n_messages", b"n_records", b"veracity"))


def test_nothing_of_traces_is_loaded_where_none_are_asked_for() -> None:
    look = "assert not [m for m in sys.modules if m.startswith('opentelemetry')]"
    environment = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
    subprocess.run([sys.executable, "-c", _SEAL.format(look)], env=environment, check=True)


def test_lines_go_where_they_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """``configure`` writes each line once, and leaves the loggers of the tests as they were."""
    from veracity.live.logs import configure

    root, ours = logging.getLogger(), logging.getLogger("veracity")
    before = (list(root.handlers), root.level, ours.level)
    out = io.StringIO()
    try:
        configure(as_json=True, stream=out)
        logging.getLogger("veracity.live.test").info("told", extra=fields(n=1))
        logging.getLogger("veracity.live.test").debug("not told")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
    assert [json.loads(line)["fields"] for line in out.getvalue().splitlines()] == [{"n": 1}]
