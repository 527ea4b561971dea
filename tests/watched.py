"""A log watched: shown over real HTTP on loopback, and forged by somebody who holds its keys."""

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from small_city import ORIGIN, key
from veracity.log.append import Log
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.notes import Signer, parse_note
from veracity.log.policy import Group, Policy
from veracity.monitor.monitor import Monitor
from veracity.monitor.state import StateFile
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.statements import Statement, format_statement
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects

SIGNER = Signer(ORIGIN, key("log").seed)
HANOI = Cosigner("hanoi.example/witness", key("hanoi").seed)
HUE = Cosigner("hue.example/witness", key("hue").seed)
NOW = 1_800_000_000.0


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@contextmanager
def http(handler: Any) -> Iterator[str]:
    """Serve on a free port of loopback in a thread; yield the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Files(SimpleHTTPRequestHandler):
    """The files of a directory, as any static server gives them."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


def files(folder: Path) -> Any:
    return partial(Files, directory=str(folder))


class Hostile(BaseHTTPRequestHandler):
    """Answers as the path's first part says: each a way to keep a reader busy for ever."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""

    def do_GET(self) -> None:
        how = self.path.split("/")[1]
        try:
            getattr(self, how)()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def silent(self) -> None:
        time.sleep(30)

    def header(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        self.drip()

    def body(self) -> None:
        self.begin(100)
        self.drip()

    def endless(self) -> None:
        self.begin(None)
        while True:
            self.wfile.write(bytes(65_536))

    def huge(self) -> None:
        self.begin(2**50)
        self.wfile.write(b"x" * 2**22)

    def redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()

    def bomb(self) -> None:
        import zlib

        packed = zlib.compressobj(9, wbits=31)
        data = b"".join(packed.compress(bytes(2**20)) for _ in range(256)) + packed.flush()
        self.begin(len(data), gzip=True)
        self.wfile.write(data)

    def short(self) -> None:
        self.begin(100)
        self.wfile.write(b"half")
        self.close_connection = True

    def error(self) -> None:
        self.send_error(500)

    def garbage(self) -> None:
        self.wfile.write(b"\0\xff not HTTP\r\n\r\n")

    def begin(self, length: int | None, *, gzip: bool = False) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if gzip:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()

    def drip(self) -> None:
        for _ in range(300):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)


def forge(folder: Path, entries: Sequence[bytes]) -> Path:
    """Make a log of these entries with the city's own log key, as whoever holds it can."""
    folder.mkdir(parents=True)
    database = Database(folder.with_name(f"{folder.name}.db"))
    log = Log.open(LocalObjects(folder), SqlLogState(database), SIGNER)
    log.append(entries)
    database.close()
    return folder


def say(statement: Statement, *signers: str) -> bytes:
    """An entry that says something, signed by the keys of these names (the operator's, if none)."""
    return sign_envelope(format_statement(statement), [key(name) for name in signers or ("operator",)])


def cosign(note: bytes, cosigner: Cosigner, at: float = NOW) -> bytes:
    """The note with a witness's line."""
    return add_signatures(note, (cosigner.cosign(parse_note(note).text, int(at)),))


def show(folder: Path, cosigner: Cosigner, note: bytes, at: float = NOW) -> None:
    """Put what a witness shows of the log where a monitor asks for it, in a folder that is served."""
    place = folder / hashlib.sha256(ORIGIN.encode()).hexdigest()
    place.mkdir(parents=True, exist_ok=True)
    (place / "checkpoint").write_bytes(cosign(note, cosigner, at))


def policy(*, quorum: str | None = None, **urls: str) -> Policy:
    """A policy of this log with two witnesses, of whom some have a URL."""
    keys = {"hanoi": HANOI.verifier, "hue": HUE.verifier}
    known = {keys[name].format(): url for name, url in urls.items()}
    witnesses = {n: k for n, k in keys.items() if urls or quorum}
    groups = {"both": Group(2, ("hanoi", "hue"))} if witnesses else {}
    return Policy((SIGNER.verifier,), witnesses, groups, quorum, known)


def watch(location: str | Path, folder: Path, trusted: Policy | None = None, **more: Any) -> Monitor:
    """A monitor with its memory in a folder: a new one each time, as after a restart."""
    more.setdefault("clock", Clock())
    return Monitor(
        str(location), trusted or policy(), StateFile(folder / "state.json"), evidence=folder, **more
    )


def kinds(made: Any) -> dict[str, int]:
    """The open findings of a round, by kind."""
    return dict(made.by_kind)


def size_of(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size
