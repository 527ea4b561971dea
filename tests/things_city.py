"""A small city of rain gauges that are in a registry with their places, served as SensorThings."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import urllib3
from starlette.types import ASGIApp

import small_city
from small_city import AGENCY, NOW, key, ndjson, new_city
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.server.app import make_app
from veracity.server.running import address, listen, serve
from veracity.server.settings import ServerSettings

REGISTRY = """\
apiVersion: v3.1.0
kind: DataContract
id: gauges
name: Gauges (simulated)
version: 1.0.0
status: active
tags: [simulated]
description: {purpose: Tests., limitations: Simulated.}
servers:
  - {server: file, type: local, format: ndjson}
schema:
  - name: gauges
    properties:
      - {name: gauge, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: valid_from, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: name, logicalType: string}
      - {name: river, logicalType: string}
      - {name: latitude, logicalType: number}
      - {name: longitude, logicalType: number}
"""
GAUGES = [  # gauge, since when, name, latitude, longitude
    ("G00", "2026-08-01T00:00:00Z", "Cầu Lệ", 16.0, 108.0),
    ("G00", "2026-09-01T00:00:00Z", "Cầu Lệ", 16.1, 108.1),
    ("G01", "2026-08-01T00:00:00Z", "An Bình", 16.2, 108.2),
]
FIRST, SECOND = NOW - timedelta(hours=1), NOW  #: when the two batches were received


def things_city(root: Path, n: int = 90) -> Path:
    """Make the city: ``n`` readings received in a first batch, as many in a second, an hour later."""
    folder = root.parent
    new_city(root, rules=("{rule: rate, maximum: 2, per: 10 min}, severity: warning",))
    with open_writer(root, lambda: FIRST) as home:
        registry = folder / "gauges.yaml"
        registry.write_text(REGISTRY, encoding="utf-8")
        add_feed(home, registry)
        names = ("gauge", "valid_from", "name", "latitude", "longitude")
        lines = [json.dumps({**dict(zip(names, row, strict=True)), "river": "Hàn"}) for row in GAUGES]
        (folder / "gauges.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
        ingest(home, "gauges", [folder / "gauges.ndjson"])
    for at, first in ((FIRST, 0), (SECOND, n)):
        with open_writer(root, lambda at=at: at) as home:  # type: ignore[misc]
            ingest(home, "rain", [ndjson(folder / f"rain-{first}.ndjson", first, n)], sign=key(AGENCY))
    return root


class Client:
    """Asks a server; nothing is followed or repeated."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._pool = urllib3.PoolManager(retries=False)

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """Ask for a path, written as a person would."""
        url = path if path.startswith("http") else self.base + path
        return self._pool.request("GET", url, headers=headers, redirect=False, timeout=60.0)

    def json(self, path: str, status: int = 200) -> Any:
        """Ask for a path that answers with JSON and a status."""
        said = self.get(path)
        assert said.status == status, (path, said.status, said.data[:500])
        return said.json()

    def every(self, path: str) -> list[Any]:
        """Return the items of all pages."""
        items: list[Any] = []
        link: str | None = path
        while link is not None:
            page = self.json(link)
            items += page["value"]
            link = page.get("@iot.nextLink") or page.get("@nextLink")
        return items


@contextmanager
def serving_app(app: ASGIApp) -> Iterator[str]:
    """Serve an application from a thread on a free port until the block ends; give its address."""
    listening = listen("127.0.0.1", 0)
    stop, started = asyncio.Event(), threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        started.set()
        await serve(app, listening, stop)

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    base = address(listening)
    thread.start()
    started.wait(10)
    try:
        yield base
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(20)


@contextmanager
def served_city(root: Path) -> Iterator[Client]:
    """Serve a city, and give who asks it."""
    app = make_app(ServerSettings(root, clock=small_city.clock))
    with serving_app(app) as base:
        yield Client(base)
    app.state.city.close()
