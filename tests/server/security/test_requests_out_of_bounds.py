"""Bodies too large, too slow or malformed, and paths that lead elsewhere, are refused."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import pytest

import veracity.server.accounts.bodies as bodies
from asked import ask
from served_city import ServedCity, city, made_once
from veracity.server.running import address, listen, serve
from who_may import operations

__all__ = ["city", "made_once"]

LARGEST = 4 * 1024 * 1024


def test_a_large_body_is_not_read(city: ServedCity) -> None:
    """A body that says it is too large is refused before anything of it is read."""
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    headers = {"Content-Length": str(LARGEST + 1)}
    got = city.ask("admin", "POST", "/api/v1/accounts", content=body(), headers=headers)
    assert (got.status_code, got.json()["code"], read) == (413, "request-too-large", [])


def test_a_body_that_says_nothing_of_its_length(city: ServedCity) -> None:
    """One that comes in pieces is cut where it is too large."""
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(64):
            read += 1
            yield b" " * 262_144

    got = city.ask("admin", "POST", "/api/v1/accounts", content=body())
    assert (got.status_code, got.json()["code"]) == (413, "request-too-large")
    assert read <= 18


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "1,1", "9" * 40, "½"])
def test_a_length_that_is_none(city: ServedCity, length: str) -> None:
    """A length that is no number, or no likely one, is refused."""
    headers = {"Content-Length": length.encode()}
    got = city.ask("admin", "POST", "/api/v1/accounts", content=b"{}", headers=headers)
    assert got.status_code in {400, 413}


MALFORMED = [
    b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"\x00", b"{}" * 2, b"[" * 200_000,
    b'{"a":' * 100_000, b'{"name": "\\ud800", "roles": ["viewer"]}', b'{"name": NaN}',
    b'{"name": 1e999, "roles": ["viewer"]}', b'{"days": ' + b"9" * 5_000 + b"}",
    b'{"name": "minh", "roles": ["viewer"], "name": "eve"}x',
]  # fmt: skip


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/xml", "multipart/form-data", "x"]
)
def test_malformed_bodies(city: ServedCity, body: bytes, kind: str) -> None:
    """What is no JSON object as it should be is a problem of the request, never a bug of ours."""
    for it in operations(city.app):
        if it.method in {"POST", "PUT", "PATCH"}:
            path = it.path.replace("{name}", "the-viewer")
            headers = {"Content-Type": kind}
            got = city.ask("admin", it.method, path, content=body, headers=headers)
            assert 400 <= got.status_code < 500, (it, got.text)
            assert got.headers["content-type"] == "application/problem+json"


PATHS = [
    "/../veracity.json", "/..%2fveracity.json", "/%2e%2e/veracity.json", "/%2e%2e%2fkeys/operator.pem",
    "//etc/passwd", "/assets/../../keys/operator.pem", "/assets/..%2f..%2fkeys%2foperator.pem",
    "/.git/config",
    "/assets/%00", "/keys/operator.pem", "/veracity.db", "/access/x.ndjson", "/store/log/checkpoint",
    "/sign-in.yaml", "/..\\keys\\operator.pem", "/%5c..%5ckeys", "/assets/....//....//keys",
    "/%c0%ae%c0%ae/keys",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_lead_elsewhere(city: ServedCity, path: str) -> None:
    """No path comes to a file of the home."""
    got = city.ask("admin", "GET", path)
    assert got.status_code in {400, 404, 422}, got.text[:200]
    for secret in ("PRIVATE KEY", '"origin"', "SQLite"):
        assert secret not in got.text


@pytest.mark.parametrize(
    "name", ["..", "..%2f..", "%2e%2e", "a/b", "%00", "x" * 5_000, "'; DROP TABLE x;--", "é"]
)
def test_names_in_paths(city: ServedCity, name: str) -> None:
    """A name in a path is one of ours or refused, wherever it stands."""
    for it in operations(city.app):
        if "{" in it.path and it.method in {"GET", "DELETE"}:
            path = it.path[: it.path.index("{")] + name
            got = city.ask("admin", it.method, path)
            if len(got.request.url.raw_path) < len(path):
                continue  # the client has gone up by itself
            assert 400 <= got.status_code < 500, (it, got.text)


@contextmanager
def running(served: ServedCity) -> Iterator[str]:
    """Run the application on a socket of its own; give its address."""
    listening = listen("127.0.0.1", 0)
    url, loop, stop = address(listening), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(served.app, listening, stop),))
    thread.start()
    yield url
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_a_slow_body(city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not come in time is refused; others are answered meanwhile."""
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.5)
    with running(city) as url, socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as slow:
        head = [
            "POST /api/v1/accounts HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            "Content-Length: 100",
            f"Authorization: Bearer {city.tokens['admin']}",
        ]
        slow.sendall("\r\n".join([*head, "", "{"]).encode())
        assert httpx.get(f"{url}/api/v1/session", timeout=60).status_code == 200
        slow.settimeout(60)
        assert slow.recv(65_536).startswith(b"HTTP/1.1 408 ")


def test_many_parameters(city: ServedCity) -> None:
    """Parameters by the thousand, or very long ones, bring nothing down."""
    for query in (
        "&".join(f"a{i}=1" for i in range(5_000)),
        "limit=" + "9" * 50_000,
        "limit=-1",
        "limit=1e2",
    ):
        got = ask(city.app, "GET", f"/api/v1/session?{query}")
        assert got.status_code < 500
        assert city.ask("admin", "GET", f"/api/v1/accounts?{query}").status_code < 500
