"""From a service to sealed rows: sources through a real broker and a worker."""

import asyncio
from pathlib import Path

import numpy as np
import polars as pl

from answering import answering
from brokers import broker, in_loop, until
from meteo import Service
from small_city import NOW, clock, new_city
from veracity.feeds.contract_files import contract_file
from veracity.feeds.kinds import make_source
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.home import Home, open_writer
from veracity.live.documents import read_document
from veracity.live.outlet import Outlet
from veracity.live.publishing import Publisher
from veracity.live.source_state import FILE, SourceState
from veracity.live.sources import SourceRunner
from veracity.live.worker import TurnReport, WorkerSettings, run_worker
from veracity.stores.objects import LocalObjects

FEEDS = ("open-meteo-weather", "open-meteo-air-forecast", "open-meteo-river")
PLACES = [{"name": "hai-chau", "latitude": 16.076, "longitude": 108.2195}]


def city(folder: Path) -> Path:
    """A city with the contracts of the built-in sources."""
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        for feed in FEEDS:
            path = folder / f"{feed}.yaml"
            path.write_bytes(contract_file(feed).read_bytes())
            add_feed(home, path)
    return root


def rows(root: Path, feed: str) -> pl.DataFrame:
    home = Home.open(root, clock)
    try:
        return home.table(feed).scan().collect()
    finally:
        home.close()


@in_loop
async def test_from_a_service_to_sealed_rows(tmp_path: Path) -> None:
    """Every row is in its table, none is set aside, the documents are kept, the audit is clean."""
    root = city(tmp_path)
    stop, told = asyncio.Event(), list[TurnReport]()
    with answering(Service(NOW)) as service:
        said = {"kind": "open-meteo", "url": service.url, "places": PLACES}
        sources = [
            make_source({**said, "name": product, "product": product})
            for product in ("weather", "air-forecast", "river")
        ]
        async with broker(tmp_path) as (it, client):
            runner = SourceRunner(
                sources,
                Outlet(LocalObjects(root / "store"), Publisher(client).publish),
                SourceState(root / FILE),
                clock=clock,
                rng=np.random.default_rng(1),
            )
            settings = WorkerSettings(root, it.url, linger_s=0.05, n_verifiers=0)
            worker = asyncio.create_task(run_worker(settings, stop, told.append, clock))
            asking = asyncio.create_task(runner.run())
            await until(lambda: sum(t.n_messages for t in told) == 3)
            asking.cancel()
            stop.set()
            await asyncio.gather(asking, worker, return_exceptions=True)
    assert [s.error for s in runner.statuses()] == [None, None, None]
    assert [rows(root, feed).height for feed in FEEDS] == [1, 48, 37]
    home = Home.open(root, clock)
    try:
        assert audit(home).findings == []
        for feed in FEEDS:
            (path,) = home.objects.list(f"documents/{feed}")
            assert read_document(home.objects, feed, Path(path).stem)
    finally:
        home.close()
