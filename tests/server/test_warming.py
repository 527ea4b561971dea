"""A server asks itself, right after its start, for what many will ask first: they are given what was made."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

import persons
from asked import ask
from open_city import new_open_city
from small_city import clock
from veracity.home.directory import open_directory
from veracity.home.lock import writing
from veracity.server import warming
from veracity.server.api import places, quality
from veracity.server.app import make_app
from veracity.server.running import Limits, listen, serve
from veracity.server.settings import ServerSettings
from veracity.server.warming import warm


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_open_city(tmp_path_factory.mktemp("open") / "city")


@pytest.fixture
def app(root: Path) -> Iterator[FastAPI]:
    made = make_app(ServerSettings(root, clock=clock, public_url="http://city.example"))
    yield made
    made.state.accounts.close()
    made.state.city.close()


def broken(*_: object) -> Any:
    raise AssertionError("made again")


def test_who_comes_is_given_what_was_made(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it, feeds, places, quality and the catalogue need no row of the city to be read."""
    with writing(open_directory(app.state.settings.home)):
        n_made = asyncio.run(warm(app))  # while another writes: it needs no lock
    assert n_made >= 7 + 2 * 4 + 2
    monkeypatch.setattr(places, "newest_rows", broken)
    monkeypatch.setattr(quality, "_by_day", broken)
    for path in ("/api/v1/feeds/air/places", "/api/v1/feeds/rain/quality", "/api/v1/datasets", "/catalogue"):
        assert ask(app, "GET", path).status_code == 200


def test_one_after_the_other_and_nothing_personal(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never two at once; what is not shown to all is not asked for."""
    asked: list[str] = []
    n_at_once, most = 0, 0
    inner = warming._ask

    async def counted(app: FastAPI, settings: ServerSettings, path: str, until: float) -> bytes:
        nonlocal n_at_once, most
        asked.append(path)
        n_at_once += 1
        most = max(most, n_at_once)
        body = await inner(app, settings, path, until)
        n_at_once -= 1
        return body

    monkeypatch.setattr(warming, "_ask", counted)
    asyncio.run(warm(app))
    assert most == 1
    assert not [path for path in asked if persons.FEED in path]


def test_it_ends(root: Path, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over; and a closed city is not asked at all."""
    closed = make_app(ServerSettings(root, clock=clock, is_open=False))
    assert asyncio.run(warm(closed)) == 0
    monkeypatch.setattr(warming, "LONGEST_S", -1.0)
    assert asyncio.run(warm(app)) == 0


def test_it_is_beside_the_requests_and_ends_with_the_server(app: FastAPI) -> None:
    """A server is ready before it has warmed, and need not have when it stops."""
    ended = []

    async def lasts() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def run() -> bytes:
        listening, stop = listen("127.0.0.1", 0), asyncio.Event()
        port = listening.getsockname()[1]
        serving = asyncio.create_task(serve(app, listening, stop, Limits(), None, lasts))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /log/checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        stop.set()
        await serving
        return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200")
    assert ended == [True]
