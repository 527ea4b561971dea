"""Kill −9 of worker, broker, or both, at random moments under load: nothing is lost, nothing is twice.

``make crash-live`` plays fifty rounds (VERACITY_ROUNDS); the tests a few. What is held at the end:

- every message whose QoS 1 publication was acknowledged has its row in the table, once;
- no row is there twice, and none that nobody sent;
- each message that the broker kept is in the accounts once, whatever became of it;
- the audit makes everything again and finds nothing; the log verifies.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import numpy as np
from nats.aio.client import Client

from brokers import OPEN, Device, in_loop, until, until_drained
from live_messages import FEED, signed
from small_city import AGENCY, NOW, clock, key, new_city
from veracity.home.audit import audit
from veracity.home.enrolments import add_device
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import accounts
from veracity.live.broker import Broker, running
from veracity.live.streams import make_streams
from veracity.live.subjects import MQTT_STREAM

ROUNDS = int(os.environ.get("VERACITY_ROUNDS", "3"))
SEED = int(os.environ.get("VERACITY_SEED", "20261128"))
GAUGES = ("g00", "g01", "g02", "g03")


class Worker:
    """A worker process that is killed and started again."""

    def __init__(self, root: Path, url: str) -> None:
        self._command = (
            sys.executable,
            str(Path(__file__).parents[1] / "live_worker.py"),
            str(root),
            url,
            "0.05",
        )
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self._command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        await self.process.stdout.readline()

    async def end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()


@asynccontextmanager
async def broker(folder: Path) -> AsyncIterator[tuple[Broker, Client]]:
    """A broker that is started again when it was killed."""
    stop = asyncio.Event()
    async with running(folder / "broker", OPEN, lambda: ()) as it:
        keeping = asyncio.create_task(it.child.keep(stop))
        client = await nats.connect(it.url, reconnect_time_wait=0.1, max_reconnect_attempts=-1)
        await make_streams(client, OPEN.max_bytes)
        try:
            yield it, client
        finally:
            await client.close()
            stop.set()
            await keeping


def payload(gauge: str, number: int) -> bytes:
    """The one reading of a gauge with this number: a millisecond of its own."""
    seconds, ms = divmod(number, 1000)
    at = f"{NOW:%Y-%m-%dT10}:{seconds // 60:02}:{seconds % 60:02}.{ms:03}Z"
    record = f'{{"gauge":"{gauge.upper()}","observed_at":"{at}","rain":{number % 90 / 10}}}'.encode()
    return signed(gauge.upper(), record).payload


async def publish(devices: list[Device], sent: Counter[tuple[str, int]], stop: asyncio.Event) -> None:
    """Publish at some hundred a second; every seventh message twice."""
    number = 0
    while not stop.is_set():
        for gauge, device in zip(GAUGES, devices, strict=True):
            for _ in range(2 if number % 7 == 0 else 1):
                device.publish(f"feed/{FEED}/{gauge}", payload(gauge, number))
                sent[gauge, number] += 1
        number += 1
        await asyncio.sleep(0.02)


@in_loop
async def test_kills_at_random_moments(tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    root = new_city(tmp_path / "city")
    # A client sends all that is not acknowledged again, at once: in fifty rounds more than a device may.
    (root / "live.yaml").write_text("default: {device: {per_second: 100000, burst: 1000000}}\n")
    with open_writer(root, clock) as writer:
        for gauge in GAUGES:
            add_device(writer, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
    stop, sent = asyncio.Event(), Counter[tuple[str, int]]()
    async with broker(tmp_path) as (it, client):
        worker = Worker(root, it.url)
        await worker.start()
        devices = [Device(it, gauge) for gauge in GAUGES]
        for device in devices:
            await device.__aenter__()
        publishing = asyncio.create_task(publish(devices, sent, stop))
        for kind in rng.permutation(["worker", "broker", "both"] * (ROUNDS // 3 + 1))[:ROUNDS].tolist():
            await asyncio.sleep(float(rng.uniform(0.3, 2.0)))
            if kind in ("broker", "both"):
                before = it.pid
                it.child.signal(signal.SIGKILL)
            if kind in ("worker", "both"):
                await worker.end(signal.SIGKILL)
                await asyncio.sleep(float(rng.uniform(0.0, 0.3)))
                await worker.start()
            if kind in ("broker", "both"):
                await until(lambda was=before: it.pid not in (None, was))  # type: ignore[misc]
        stop.set()
        await publishing
        total = sum(sent.values())
        await until(lambda: sum(len(d.acknowledged) for d in devices) >= total)

        await until_drained(client)
        n_kept = (await client.jetstream().stream_info(MQTT_STREAM)).state.last_seq
        for device in devices:
            await device.__aexit__()
        await worker.end(signal.SIGTERM)
    home = Home.open(root, clock)
    rows = home.table(FEED).scan().select("gauge", "observed_at").collect()
    said = accounts(home, FEED)
    found = audit(home).findings
    home.close()
    assert rows.is_unique().all()
    assert rows.height == len(sent)
    assert sum(a.said.sums.messages for a in said) == n_kept
    assert sum(a.said.sums.duplicate for a in said) == n_kept - len(sent) >= total - len(sent)
    assert found == []
