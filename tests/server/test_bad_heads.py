"""A head that is too long, or is no HTTP, is answered; the connection is not reset under its client."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import urllib3
from starlette.types import Receive, Scope, Send

from things_city import serving_app
from veracity.server.bad_heads import MAX_THROWN_BYTES, refusal
from veracity.server.problems import not_found

LONG = b"x" * 200_000


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Find nothing."""
    await not_found("x")(scope, receive, send)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """A server."""
    with serving_app(app) as address:
        yield address


def connected(base: str) -> socket.socket:
    """Open a connection to it."""
    parts = urlsplit(base)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=60)


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET /v1.1/Things?$filter=" + LONG, b"414 ", "address-too-long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + LONG, b"431 ", "head-too-long"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400 ", "malformed-http"),
    ],
)
@pytest.mark.parametrize("is_later", [False, True])
def test_it_is_answered_whole(base: str, head: bytes, status: bytes, code: str, is_later: bool) -> None:
    """As the first request of a connection and as a later one; then the connection ends."""
    with connected(base) as client:
        if is_later:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while not client.recv(4_096).endswith(b"}"):
                pass
        for at in range(0, len(head), 8_192):
            client.sendall(head[at : at + 8_192])
        answer = b""
        while more := client.recv(4_096):
            answer += more
    first, _, body = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in first
    assert json.loads(body)["code"] == code


def test_a_client_of_http_gets_it(base: str) -> None:
    """A long ``$filter`` of a common client has a status, not a broken connection."""
    with urllib3.PoolManager(retries=False) as pool:
        said = pool.request("GET", f"{base}/v1.1/Things?$filter={'x' * 100_000}", timeout=60)
        assert (said.status, said.json()["code"]) == (414, "address-too-long")
        assert pool.request("GET", f"{base}/y", timeout=60).status == 404


def test_who_sends_on_is_cut_off(base: str) -> None:
    """What comes after a refusal is thrown away, but not for ever."""
    with connected(base) as client, pytest.raises(OSError, match=r"reset|pipe|aborted"):  # noqa: PT012
        for _ in range(100 * MAX_THROWN_BYTES // 65_536):
            client.sendall(b"x" * 65_536)


def test_what_is_short_is_malformed() -> None:
    """Bytes that are no head are told from those that are too many."""
    assert refusal(b"").startswith(b"HTTP/1.1 400 ")
