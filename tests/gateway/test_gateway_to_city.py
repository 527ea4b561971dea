"""From a file beside a gateway, through a cut of the network and the city's own door, to sealed rows."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brokers import broker, in_loop, until
from edge_world import KEY as GATEWAY
from edge_world import Wire, command, configured, running
from live_messages import record
from small_city import AGENCY, EPOCH, clock, new_city
from veracity.home.audit import audit
from veracity.home.enrolments import add_device
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import accounts

NAME = f"{AGENCY}/edge-1"


@contextmanager
def working(root: Path, url: str) -> Iterator[None]:
    """The city's worker as a process of its own, at the small city's time."""
    script = Path(__file__).parents[1] / "live_worker.py"
    process = subprocess.Popen(
        [sys.executable, script, root, url, "0.05"], stdout=subprocess.PIPE,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


def n_rows(root: Path) -> int:
    home = Home.open(root, clock)
    try:
        return home.table("rain").scan().collect().height
    finally:
        home.close()


@in_loop
async def test_what_a_gateway_read_becomes_sealed_rows_once(tmp_path: Path) -> None:
    """Also what it sends again: each record is a row once, and the account says what came twice."""
    root = new_city(tmp_path / "city", signature="required")
    with open_writer(root, clock) as home:
        add_device(home, NAME, GATEWAY.public)
    drop = tmp_path / "edge" / "in"
    drop.mkdir(parents=True)
    async with broker(tmp_path) as (it, _client):
        network = Wire(it.places.mqtt[1])
        path = configured(
            tmp_path / "edge",
            network.port,
            "batches: {max_records: 20, max_age_s: 0.05}\n"
            "sources: [{name: in, kind: folder, feed: rain, folder: in, every_s: 0.05, settle_s: 0}]",
            name=NAME,
        )
        with working(root, it.url), running(path) as gateway:
            await put(drop, "a", range(100))
            await until(lambda: n_rows(root) == 100)
            network.cut()
            await put(drop, "b", range(100, 200))
            await until(lambda: not list(drop.glob("*.ndjson")))
            network.mend()
            await until(lambda: n_rows(root) == 200)
            gateway.terminate()
            await asyncio.to_thread(gateway.wait, 60)
            await asyncio.to_thread(sent_again, path)
            with running(path):
                await until(lambda: n_duplicates(root) >= 200)
        network.close()
    assert n_rows(root) == 200
    reading = Home.open(root, clock)
    assert audit(reading).findings == []
    reading.close()


async def put(drop: Path, name: str, minutes: range) -> None:
    part = drop.parent / "part"
    part.write_bytes(b"\n".join(record("G00", minute) for minute in minutes) + b"\n")
    part.rename(drop / f"{name}.ndjson")


def sent_again(path: Path) -> None:
    """Let everything that is still kept be sent once more."""
    subprocess.run(command("resend", "--since", "2026-01-01", "-c", path), check=True)


def n_duplicates(root: Path) -> int:
    """How many messages the city's accounts say it knew already."""
    home = Home.open(root, clock)
    try:
        return sum(account.said.sums.duplicate for account in accounts(home, "rain"))
    finally:
        home.close()
