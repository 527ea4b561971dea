"""Asking a witness over HTTP: whatever a server does, the answer is whole and small, or an error of ours."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from veracity.log.errors import WitnessUnreachable
from veracity.log.witnessing import MAX_ANSWER_BYTES
from veracity.stores.witness_client import HttpWitnesses

Script = Callable[[socket.socket, threading.Event], None]


@contextmanager
def rogue(script: Script, n: int = 1) -> Iterator[str]:
    """A server that does what a script says with each of ``n`` connections."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            for _ in range(n):
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    while b"\r\n\r\n" not in connection.recv(65_536, socket.MSG_PEEK):
                        pass
                    connection.recv(65_536)
                    script(connection, stop)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stop.set()
        thread.join(30)


def says(data: bytes) -> Script:
    return lambda connection, _: connection.sendall(data)


def hang(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def drip_head(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not stop.wait(0.02):
        connection.sendall(b"X-More: 1\r\n")


def drip_body(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while not stop.wait(0.02):
        connection.sendall(b"x")


LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_ANSWER_BYTES + 1) + bytes(
    MAX_ANSWER_BYTES + 1
)


@pytest.mark.parametrize(
    "script",
    [
        says(b""),
        says(b"SSH-2.0-x\r\n"),
        says(b"J" * 3_000 + b"\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
        says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        says(LARGE),
        hang,
        drip_head,
        drip_body,
    ],
)
def test_no_whole_small_answer_in_time(script: Script) -> None:
    """Silence, drips, cut and endless answers and what is no HTTP all become one error, in one line."""
    with rogue(script) as url, pytest.raises(WitnessUnreachable) as caught:
        HttpWitnesses().add_checkpoint(url, b"x", 0.5)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_answer_is_taken_as_it_is() -> None:
    """Status, type and body come back; redirects are not followed and codings not undone."""
    for head, body in (
        (b"200 OK\r\nContent-Type: text/plain", b"hello\n"),
        (b"409 Conflict\r\nContent-Type: text/x.tlog.size", b"5\n"),
        (b"302 Found\r\nLocation: http://127.0.0.1:1/", b""),
        (b"200 OK\r\nContent-Encoding: gzip", b"not gzip"),
    ):
        answer = b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        with rogue(says(answer)) as url:
            got = HttpWitnesses().add_checkpoint(f"{url}/", b"x", 30.0)
        assert (got.status, got.body) == (int(head[:3]), body)


def test_where_nobody_is() -> None:
    """No server, no such scheme, no time left: unreachable, each with its reason."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = f"http://127.0.0.1:{listening.getsockname()[1]}"
    asks = HttpWitnesses()
    for url in (closed, "ftp://127.0.0.1/", "file:///etc/passwd", "", "http://", "http://[", "http://a b/"):
        with pytest.raises(WitnessUnreachable):
            asks.add_checkpoint(url, b"x", 5.0)
    with pytest.raises(WitnessUnreachable):
        asks.add_checkpoint("http://127.0.0.1:1", b"x", -1.0)
