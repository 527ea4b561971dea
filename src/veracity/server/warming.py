"""Right after its start a server asks itself for what many will ask first: the first of them need not wait.

It asks as anyone would, so what is made is kept as any answer is, and who asks meanwhile waits for the same
one. One address after the other, with a rest as long as the last took: half of one core at most. It begins
when the server listens, holds no lock of the home, and ends after ``LONGEST_S`` or when the server stops.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from fastapi import FastAPI
from starlette.types import Message

from veracity.server.settings import ServerSettings

LONGEST_S = 120.0
MAX_NAMES = 50  #: feeds, and apps, that are asked about
_LOGGER = logging.getLogger(__name__)
_CITY = ("city", "feeds", "apps", "panels", "models", "log", "log/statements")
_FEED = ("", "/places", "/quality", "/quarantine")
_CATALOGUE = ("/catalogue", "/api/v1/datasets")


async def warm(app: FastAPI) -> int:
    """Ask for the addresses that many ask first; return how many answers that made.

    A city that is closed to readers without an account is not warmed: it answers us as it answers them.
    """
    settings: ServerSettings = app.state.settings
    until, n_made = monotonic() + LONGEST_S, 0
    if not settings.is_open:
        return 0
    with suppress(_TooLong):
        async for took_s in _asked(app, settings, until):
            n_made += 1
            await asyncio.sleep(took_s)
    _LOGGER.info("warmed: %d answers", n_made)
    return n_made


class _TooLong(Exception):
    """It took as long as it may."""


async def _asked(app: FastAPI, settings: ServerSettings, until: float) -> AsyncIterator[float]:
    """Yield the seconds that each answer took."""
    names: dict[str, list[dict[str, Any]]] = {}
    for name in _CITY:
        began = monotonic()
        body = await _ask(app, settings, f"/api/v1/{name}", until)
        if name in ("feeds", "apps"):
            names[name] = _items(body)
        yield monotonic() - began
    paths = [
        f"/api/v1/feeds/{quote(str(feed['feed']))}{part}"
        for feed in names["feeds"]
        if not feed["is_personal"]
        for part in _FEED
    ]
    for app_ in names["apps"]:
        base = f"/api/v1/apps/{quote(str(app_['app']))}"
        layers = [f"{base}/layers/{quote(str(target))}" for target in app_["targets"]]
        paths += [base, *layers, f"{base}/scoreboard", f"{base}/decisions", f"{base}/register"]
    if settings.public_url is not None:  # its links are of the host that is asked
        paths += _CATALOGUE
    for path in paths:
        began = monotonic()
        await _ask(app, settings, path, until)
        yield monotonic() - began


def _items(body: bytes) -> list[dict[str, Any]]:
    try:
        items: list[dict[str, Any]] = orjson.loads(body)["items"]
    except (orjson.JSONDecodeError, KeyError, TypeError):  # it answers with a problem just now
        return []
    return items[:MAX_NAMES]


async def _ask(app: FastAPI, settings: ServerSettings, path: str, until: float) -> bytes:
    """Ask for an address as anybody would, over no socket; return the body of the answer."""
    if monotonic() > until:
        raise _TooLong
    public = urlsplit(settings.public_url or "http://localhost")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": public.scheme,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", public.netloc.encode())],
        "client": ("127.0.0.1", 0),
        "server": (public.hostname, public.port),
    }
    body = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        body.extend(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Exception as exc:  # a bug: who asks next is told of it, and the server's log too
        _LOGGER.warning("warming %s: %s", path, type(exc).__name__)
    return bytes(body)
