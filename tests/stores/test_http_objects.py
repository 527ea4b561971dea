"""Reading a log over HTTP: bounded, patient within limits, and nothing but our own errors."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from log_fakes import SIGNER, memory_objects, new_log, numbered

from veracity.log.doors import ObjectMissing, StoreUnavailable
from veracity.log.reader import LogReader
from veracity.stores.errors import BadLocation
from veracity.stores.http_objects import MAX_BUNDLE_BYTES, MAX_NOTE_BYTES, MAX_TILE_BYTES, HttpObjects


@dataclass
class Answer:
    """One answer of the server; ``length`` as it says, if that is not the truth."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


class Site(ThreadingHTTPServer):
    """A web server whose every answer is chosen by the test."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.answers: Callable[[str], Answer] = lambda _: Answer(status=404)
        self.asked: list[tuple[str, str]] = []

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients here leave in the middle."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/log"


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Accept-Encoding", "")))
        answer = self.server.answers(self.path.removeprefix("/log/"))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = answer.length is not None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def objects(site: Site, waits: list[float]) -> Iterator[HttpObjects]:
    opened = HttpObjects(site.url + "/", sleep=waits.append)
    yield opened
    opened.close()


GZIP = {"Content-Encoding": "gzip"}


def test_a_served_log_is_read(site: Site, objects: HttpObjects) -> None:
    """A log behind a web server, some of it compressed, is read and checked as from a directory."""
    source = memory_objects()
    log = new_log(700, source)

    def answer(path: str) -> Answer:
        try:
            body = source.get(path)
        except ObjectMissing:
            return Answer(status=404)
        return Answer(gzip.compress(body, mtime=0), headers=GZIP) if "entries" in path else Answer(body)

    site.answers = answer
    reader = LogReader.open(objects, SIGNER.verifier)
    assert reader.checkpoint == log.checkpoint
    assert list(reader.entries()) == numbered(0, 700)
    assert reader.prove(3) == log.prove(3)
    assert objects.size("checkpoint") == len(source.get("checkpoint"))
    assert objects.get_range("checkpoint", 1, 3) == source.get("checkpoint")[1:4]
    assert objects.exists("tile/0/000")
    assert not objects.exists("tile/0/777")
    assert site.asked[0] == ("/log/checkpoint", "gzip, identity")


def test_what_is_not_there_is_missing(objects: HttpObjects) -> None:
    """404 is ObjectMissing; a range beyond the end is an error."""
    with pytest.raises(ObjectMissing):
        objects.get("checkpoint")


@pytest.mark.parametrize("status", [204, 206, 301, 302, 400, 403, 410, 500, 502])
def test_other_answers_are_unavailable(
    site: Site, objects: HttpObjects, waits: list[float], status: int
) -> None:
    """Any other status, a redirect above all, is one line of ours, at once."""
    site.answers = lambda _: Answer(status=status, headers={"Location": "/log/elsewhere"})
    with pytest.raises(StoreUnavailable, match=str(status)) as caught:
        objects.get("checkpoint")
    assert "\n" not in str(caught.value)
    assert len(site.asked) == 1
    assert waits == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(
    site: Site, objects: HttpObjects, waits: list[float], status: int
) -> None:
    """After the time that it says, at most half a minute, and three times at most."""
    said = iter(["2", "99999", "Wed, 21 Oct 2026 07:28:00 GMT"])
    site.answers = lambda _: Answer(status=status, headers={"Retry-After": next(said, "0")})
    with pytest.raises(StoreUnavailable, match="busy"):
        objects.get("checkpoint")
    assert waits == [2.0, 30.0, 1.0]
    assert len(site.asked) == 4
    later = iter([Answer(status=status), Answer(b"note")])
    site.answers = lambda _: next(later)
    assert objects.get("checkpoint") == b"note"


def test_a_server_that_is_gone_is_unavailable(waits: list[float]) -> None:
    """Nobody listening: asked again a few times, then one line of ours."""
    with Site() as gone:
        url = gone.url
    objects = HttpObjects(url, sleep=waits.append)
    with pytest.raises(StoreUnavailable) as caught:
        objects.get("checkpoint")
    assert "\n" not in str(caught.value)
    assert waits == [0.5, 1.0, 2.0]


def test_a_cut_answer_is_asked_for_again(site: Site, objects: HttpObjects) -> None:
    """A connection that ends before the body does gives no short content."""
    answers = iter([Answer(b"no", length=4), Answer(b"note")])
    site.answers = lambda _: next(answers)
    assert objects.get("checkpoint") == b"note"


LIMITS = {
    "checkpoint": MAX_NOTE_BYTES,
    "tile/0/000": MAX_TILE_BYTES,
    "tile/3/000.p/7": MAX_TILE_BYTES,
    "tile/entries/000": MAX_BUNDLE_BYTES,
}


@pytest.mark.parametrize("path", list(LIMITS))
def test_sizes_are_bounded(site: Site, objects: HttpObjects, path: str) -> None:
    """The largest object comes through, plain or compressed; one byte more does not."""
    whole = bytes(LIMITS[path])
    for body in (whole, whole + b"x"):
        for answer in (Answer(body), Answer(gzip.compress(body, 1, mtime=0), headers=GZIP)):
            site.answers = lambda _, answer=answer: answer  # type: ignore[misc]
            if body is whole:
                assert objects.get(path) == whole
            else:
                with pytest.raises(StoreUnavailable, match="at most"):
                    objects.get(path)


def bomb(n_bytes: int) -> bytes:
    """Compress a very long run of zeros in pieces."""
    compressing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    parts = [compressing.compress(bytes(2**20)) for _ in range(n_bytes // 2**20)]
    return b"".join(parts) + compressing.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (partial(bomb, 2**28), "gzip"),
        (gzip.compress(b"note", mtime=0)[:-3], "gzip"),
        (gzip.compress(b"note", mtime=0) + b"more", "gzip"),
        (b"note", "gzip"),
        (b"note", "br"),
        (gzip.compress(gzip.compress(b"note", mtime=0), mtime=0), "gzip, gzip"),
    ],
)
def test_bad_encodings_are_refused(
    site: Site, objects: HttpObjects, body: bytes | Callable[[], bytes], encoding: str
) -> None:
    """A bomb, a cut stream, trailing bytes, an encoding that was not asked for: one line of ours."""
    sent = body if isinstance(body, bytes) else body()
    site.answers = lambda _: Answer(sent, headers={"Content-Encoding": encoding})
    with pytest.raises(StoreUnavailable) as caught:
        objects.get("checkpoint")
    assert "\n" not in str(caught.value)


def test_a_slow_server_is_given_up(site: Site) -> None:
    """A body that takes longer than two minutes is not waited for."""
    ticks = iter(range(0, 10_000, 100))
    site.answers = lambda _: Answer(bytes(200_000))
    objects = HttpObjects(site.url, clock=lambda: float(next(ticks)))
    with pytest.raises(StoreUnavailable, match="within 120 s"):
        objects.get("checkpoint")
    objects.close()


def test_it_cannot_write_nor_list(objects: HttpObjects, site: Site) -> None:
    """Writing and listing are refused without asking anybody."""
    for call in (
        lambda: objects.put("a", b""),
        lambda: objects.put_many([("a", b"")]),
        lambda: objects.delete("a"),
        lambda: objects.sync("a"),
        lambda: list(objects.list("")),
    ):
        with pytest.raises(StoreUnavailable):
            call()
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/log",
        "https://",
        "https:///log",
        "https://user:secret@host/log",
        "https://host/log?key=secret",
        "https://host/log#secret",
        "http://host:99999/",
        "http://[::1/",
        "secret",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """Only plain addresses are taken, and what else was in the text is not repeated."""
    with pytest.raises(BadLocation) as caught:
        HttpObjects(url)
    assert "secret" not in str(caught.value)
