"""A log served over HTTP by its own command: paths, headers, codings, and what is refused."""

import gzip
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from log_fakes import SIGNER, MemoryState, new_log, numbered
from test_publishing import OneWitness

from run_cli import run
from served import Served, ask, serving
from veracity.log.append import Log
from veracity.log.bundles import Bundle, format_bundle
from veracity.log.errors import StoreUnavailable
from veracity.log.merkle import leaf_hash
from veracity.log.reader import LogReader
from veracity.log.tiles import tiles_for_size
from veracity.server.errors import CannotListen
from veracity.server.log_store import open_log
from veracity.server.negotiation import accepts_gzip, is_known
from veracity.server.running import address, listen
from veracity.stores.objects import LocalObjects

SIZE = 700
OCTETS = "application/octet-stream"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 700 entries that was published at 300 too, with a secret beside it."""
    root = tmp_path_factory.mktemp("log")
    log = Log.open(LocalObjects(root / "log"), MemoryState(), SIGNER)
    log.append(numbered(0, 300))
    log.append(numbered(300, SIZE))
    (root / "secret").write_text("secret")
    (root / "log" / "secret").write_text("secret")
    (root / "log" / "tile" / "secret").write_text("secret")
    return root / "log"


@pytest.fixture(scope="module")
def served(directory: Path) -> Iterator[Served]:
    with serving("log", "serve", "--log", directory) as running:
        yield running


def test_every_object_of_the_log_is_served(served: Served, directory: Path) -> None:
    """Checkpoint, tiles and bundles come as they are stored, each with its type and how long it holds."""
    paths = ["checkpoint", *(t.path for t in tiles_for_size(SIZE))]
    paths += [Bundle(0).path, Bundle(1).path, Bundle(2, SIZE - 512).path]
    for path in paths:
        answer = ask("GET", f"{served.url}/{path}")
        assert (answer.status, answer.data) == (200, (directory / path).read_bytes())
        is_checkpoint = path == "checkpoint"
        assert answer.headers["Content-Type"] == ("text/plain; charset=utf-8" if is_checkpoint else OCTETS)
        assert answer.headers["Cache-Control"] == (
            "public, max-age=5" if is_checkpoint else "public, max-age=31536000, immutable"
        )
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Encoding" not in answer.headers
        assert "Server" not in answer.headers


def test_partial_tiles_that_are_gone_are_cut_from_the_full_one(served: Served, directory: Path) -> None:
    """After tile 1 was filled, its 44 hashes and entries of size 300 are still served, and no others lost."""
    assert not (directory / "tile/0/001.p").exists()
    hashes = ask("GET", f"{served.url}/tile/0/001.p/44").data
    assert hashes == b"".join(leaf_hash(entry) for entry in numbered(256, 300))
    assert ask("GET", f"{served.url}/tile/entries/001.p/44").data == format_bundle(numbered(256, 300))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint/",
        "Checkpoint",
        "/checkpoint",
        "./checkpoint",
        "%63heckpoint",
        "checkpoint%00",
        "secret",
        "tile",
        "tile/",
        "tile/0",
        "tile/secret",
        "tile/0/",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/%30%30%30",
        "tile/00/000",
        "tile/0/x000/000",
        "tile/0/000.p",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/044",
        "tile/0/002.p/189",
        "tile/0/002",
        "tile/0/009",
        "tile/1/000.p/3",
        "tile/64/000",
        "tile/entries/009",
        "tile/entries/000.p/0",
        "tile/data/000",
        "tile/0/../0/000",
        "../secret",
        "..%2fsecret",
        "tile/../../secret",
        "tile/%2e%2e/%2e%2e/secret",
        "tile\\0\\000",
        "tile/0/000%23",
        "C:/secret",
        "tile/0/" + "x999/" * 100 + "999",
        "x" * 8000,
    ],
)
def test_any_other_path_is_not_found(served: Served, path: str) -> None:
    """Other spellings, tiles the log has not, empty tiles, folders and ways out of it: 404, as a problem."""
    target = urlsplit(served.url)
    with socket.create_connection((target.hostname, target.port)) as raw:  # no client tidies the path up
        raw.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = raw.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"content-type: application/problem+json" in head.lower()
    assert b'"status": 404, "code": "not-found"' in body
    assert b"no-store" in head


def test_tiles_without_entries_are_never_served(tmp_path: Path) -> None:
    """An empty log serves its checkpoint and no tile at all."""
    new_log(0, LocalObjects(tmp_path))
    with serving("log", "serve", "--log", tmp_path) as running:
        assert ask("GET", f"{running.url}/checkpoint").status == 200
        for path in ("tile/0/000", "tile/0/000.p/1", "tile/entries/000"):
            assert ask("GET", f"{running.url}/{path}").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_nothing_can_be_written(served: Served, directory: Path, method: str) -> None:
    """Any method but reading is refused and says which are allowed; nothing of the store changes."""
    before = sorted(p for p in directory.rglob("*"))
    for path in ("checkpoint", "tile/0/000", "elsewhere"):
        answer = ask(method, f"{served.url}/{path}", body=None if method == "TRACE" else b"x")
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
        assert answer.json()["code"] == "method-not-allowed"
    assert sorted(p for p in directory.rglob("*")) == before


def test_head_is_get_without_the_body(served: Served) -> None:
    """HEAD answers with the same headers, the length of the body among them."""
    for path in ("checkpoint", "tile/0/000", "tile/entries/000", "nothing"):
        got, head = ask("GET", f"{served.url}/{path}"), ask("HEAD", f"{served.url}/{path}")
        assert (head.status, head.data) == (got.status, b"")
        without_date = [{k: v for k, v in a.headers.items() if k.lower() != "date"} for a in (got, head)]
        assert without_date[0] == without_date[1]
        assert int(head.headers["Content-Length"]) == len(got.data)


def test_bundles_are_gzipped_for_who_takes_it(served: Served, directory: Path) -> None:
    """Entries come gzipped where the client says so, under an entity tag of their own; tiles never."""
    url = f"{served.url}/tile/entries/000"
    plain, coded = ask("GET", url), ask("GET", url, headers={"Accept-Encoding": "gzip, identity"})
    assert coded.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(coded.data) == plain.data
    assert len(coded.data) < len(plain.data)
    assert plain.headers["ETag"] != coded.headers["ETag"]
    assert plain.headers["Vary"] == coded.headers["Vary"] == "Accept-Encoding"
    for path in ("checkpoint", "tile/0/000"):
        answer = ask("GET", f"{served.url}/{path}", headers={"Accept-Encoding": "gzip"})
        assert answer.data == (directory / path).read_bytes()


def test_what_the_client_has_is_not_sent_again(served: Served) -> None:
    """If-None-Match with the tag of the same coding gives 304 without a body; with another, the whole."""
    for path, headers in (
        ("checkpoint", {}),
        ("tile/0/000", {}),
        ("tile/entries/000", {}),
        ("tile/entries/000", {"Accept-Encoding": "gzip"}),
    ):
        url = f"{served.url}/{path}"
        etag = ask("GET", url, headers=headers).headers["ETag"]
        assert not etag.startswith("W/")
        again = ask("GET", url, headers={**headers, "If-None-Match": f'"x", {etag}'})
        assert (again.status, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        assert "Cache-Control" in again.headers
        assert ask("GET", url, headers={**headers, "If-None-Match": '"x"'}).status == 200
    coded = ask("GET", url, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    assert ask("GET", url, headers={"If-None-Match": coded}).status == 200


def test_a_browser_may_read_it_from_any_page(served: Served) -> None:
    """The preflight of a browser is answered: reading, from anywhere."""
    answer = ask("OPTIONS", f"{served.url}/checkpoint", headers={"Origin": "https://x.example"})
    assert (answer.status, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]


def test_a_query_changes_nothing(served: Served) -> None:
    """What follows a question mark is no part of the path."""
    assert ask("GET", f"{served.url}/checkpoint?x=1").status == 200


def test_what_is_appended_later_is_served(tmp_path: Path) -> None:
    """The server reads the log as it is now, while another process writes it."""
    log = new_log(10, LocalObjects(tmp_path))
    with serving("log", "serve", "--log", tmp_path) as running:
        log.append(numbered(10, 20))
        assert ask("GET", f"{running.url}/checkpoint").data == log.checkpoint_note


def test_a_damaged_tile_is_an_error_and_not_served(tmp_path: Path) -> None:
    """A tile cut short on the disk is not handed out; the answer is a problem with its code."""
    new_log(300, LocalObjects(tmp_path))
    with serving("log", "serve", "--log", tmp_path) as running:
        (tmp_path / "tile/0/000").write_bytes(b"short")
        (tmp_path / "tile/entries/000").write_bytes(b"short")
        for path, code in (("tile/0/000", "malformed-tile"), ("tile/entries/000", "malformed-bundle")):
            answer = ask("GET", f"{running.url}/{path}")
            assert (answer.status, answer.json()["code"]) == (500, code)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_to(directory: Path, number: int) -> None:
    """SIGTERM and Ctrl-C end it with exit code 0, and it says so."""
    with serving("log", "serve", "--log", directory) as running:
        assert ask("GET", f"{running.url}/checkpoint").status == 200
        code, err = running.stop(number)
    assert code == 0
    assert "log: serving" in err
    assert err.endswith("log: stopped\n")


def test_a_city_serves_its_own_log(tmp_path: Path) -> None:
    """With --home the log of the city is served, and nothing else of the home."""
    assert run("init", "--origin", "example.org/city", tmp_path / "city").code == 0
    with serving("log", "serve", "--home", tmp_path / "city") as running:
        assert ask("GET", f"{running.url}/checkpoint").data.startswith(b"example.org/city\n1\n")
        for path in ("veracity.db", "../veracity.db", "../../keys/log.key"):
            assert ask("GET", f"{running.url}/{path}").status == 404


def test_where_nothing_is_published_nothing_is_served(tmp_path: Path) -> None:
    """A directory without a log, one that is not there, and no directory at all are refused at the start."""
    for place in (tmp_path, tmp_path / "nothing"):
        done = run("log", "serve", "--log", place, "--port", "0")
        assert done.code in (3, 4)
        assert done.err.startswith("veracity: ")
    with pytest.raises(StoreUnavailable):
        open_log(str(tmp_path / "nothing"))
    assert run("log", "serve").code == 3


def test_a_taken_port_is_said(directory: Path) -> None:
    """A port that another listens at ends with exit code 4 and one line."""
    with listen("127.0.0.1", 0) as taken:
        port = urlsplit(address(taken)).port
        done = run("log", "serve", "--log", directory, "--port", str(port))
        assert done.code == 4
        assert f"want 127.0.0.1 port {port}" in done.err
        with pytest.raises(CannotListen):
            listen("127.0.0.1", port or 0)


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """The socket names TCP as its protocol, without which asyncio would leave Nagle's delay on."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_addresses_are_urls() -> None:
    """Where it listens is said as a URL, in either version of IP."""
    with listen("127.0.0.1", 0) as four:
        assert address(four).startswith("http://127.0.0.1:")
    try:
        six = listen("::1", 0)
    except CannotListen:
        pytest.skip("this machine has no IPv6")
    with six:
        assert address(six).startswith("http://[::1]:")


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=x", False),
        ("x-gzip", False),
        ("identity", False),
    ],
)
def test_who_takes_gzip(header: str | None, takes: bool) -> None:
    """The header is read as RFC 9110 says, weights included."""
    assert accepts_gzip(header) == takes


@pytest.mark.parametrize(
    ("header", "known"),
    [(None, False), ('"a"', True), ('W/"a"', True), ("*", True), ('"b", "a"', True), ("a", False)],
)
def test_who_has_it_already(header: str | None, known: bool) -> None:
    """Tags are compared weakly, as for reading."""
    assert is_known(header, '"a"') == known


def test_a_served_log_is_the_log(served: Served, directory: Path) -> None:
    """What is served, fetched to another directory with nothing but HTTP, opens as the same sound log."""
    target = directory.parent / "fetched"
    store = LocalObjects(target)
    paths = ["checkpoint", *(t.path for t in tiles_for_size(SIZE))]
    paths += [Bundle(0).path, Bundle(1).path, Bundle(2, SIZE - 512).path]
    for path in paths:
        store.put(path, ask("GET", f"{served.url}/{path}").data)
    reader = LogReader.open(store, SIGNER.verifier)
    assert list(reader.entries()) == numbered(0, SIZE)
    done = run("log", "fsck", "--log", target, "--key", SIGNER.verifier.format())
    assert done.code == 0, done.out


def test_nothing_beyond_what_is_published_is_served(tmp_path: Path) -> None:
    """What is signed and not yet published may still be lost: caches that hold it for a year never see it."""
    objects = LocalObjects(tmp_path / "log")
    log = Log.open(objects, MemoryState(), SIGNER, OneWitness())
    log.append(numbered(0, 300))
    log.publish()
    log.append(numbered(300, 600))
    with serving("log", "serve", "--log", tmp_path / "log") as running:
        for path in ("tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"):
            assert (tmp_path / "log" / path).exists()
            assert ask("GET", f"{running.url}/{path}").status == 404
        for path in ("tile/0/000", "tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"):
            assert ask("GET", f"{running.url}/{path}").status == 200


def test_a_store_that_is_away(tmp_path: Path) -> None:
    """The checkpoint, and what it covers, are 503 while the store is gone; what is beyond it is 404."""
    log = Log.open(LocalObjects(tmp_path / "log"), MemoryState(), SIGNER)
    log.append(numbered(0, 300))
    with serving("log", "serve", "--log", tmp_path / "log") as running:
        assert ask("GET", f"{running.url}/tile/0/001.p/99").status == 404
        assert ask("GET", f"{running.url}/tile/0/001.p/44").status == 200
        (tmp_path / "log" / "tile").rename(tmp_path / "tile")
        away = [ask("GET", f"{running.url}/tile/0/000")]
        (tmp_path / "log").rename(tmp_path / "gone")
        away += [ask("GET", f"{running.url}/{path}") for path in ("checkpoint", "tile/0/000")]
        assert [(a.status, a.json()["code"]) for a in away] == [(503, "log-away")] * 3
        assert all(a.headers["Retry-After"] == "5" for a in away)
        (tmp_path / "gone").rename(tmp_path / "log")
        assert ask("GET", f"{running.url}/checkpoint").status == 200
