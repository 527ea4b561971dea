"""Two machines, three brokers: a server and a worker are killed under load, and nothing is lost or twice.

Each machine has a directory of its own; objects are in S3, the database in PostgreSQL, messages in a
JetStream cluster of three. Devices publish over MQTT and go to another server when theirs dies; a
gateway publishes to JetStream. In each round one server and one worker get kill −9, and are started
again. ``VERACITY_ROUNDS`` plays more rounds. What is held at the end:

- every message whose publication was acknowledged has its row in the table, once;
- no row is there twice, and none that nobody sent;
- each message that the streams kept is in the accounts once, whatever became of it;
- until the first kill, the rows of each device are in the order in which it published;
- both machines did a part of the work; the audit finds nothing; the log verifies.

Messages that a killed worker had in hand come again when their time to be acknowledged has run out, after
later ones: their order is not promised.
"""

import asyncio
import itertools
import os
import signal
import sys
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from nats.aio.client import Client

from brokers import Device, in_loop, until, until_drained
from live_messages import FEED, signed
from nats_cluster import Cluster, ClusterServer, cluster
from shared_city import machines, shared_places
from small_city import AGENCY, NOW, clock, key
from veracity.errors import VeracityError
from veracity.home.audit import audit
from veracity.home.enrolments import add_device
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import accounts
from veracity.home.live.sealing import read_messages
from veracity.live import streams
from veracity.live.connection import connect
from veracity.live.publishing import Publisher
from veracity.live.subjects import MQTT_STREAM, STREAM
from veracity.log.fsck import fsck

__all__ = ["machines", "shared_places"]  # fixtures
ROUNDS = int(os.environ.get("VERACITY_ROUNDS", "1"))
SEED = int(os.environ.get("VERACITY_SEED", "20261128"))
DEVICES = ("g00", "g01", "g02", "g03")
GATEWAYS = ("g10", "g11", "g12")
Sent = Counter[tuple[str, int]]


class RoamingDevice(Device):
    """A device that knows all servers, and goes to the next one when its own is gone."""

    def __init__(self, servers: list[ClusterServer], name: str) -> None:
        super().__init__(servers[0].mqtt, name)
        self._addresses = itertools.cycle([server.mqtt for server in servers])
        next(self._addresses)
        self.client.on_connect_fail = lambda *_: self._move()

    def _disconnected(self, *args: object) -> None:
        super()._disconnected(*args)
        self._move()

    def _move(self) -> None:
        host, port = next(self._addresses)
        self.client.connect_async(host, port)


class Worker:
    """A worker process of one machine, killed and started again under a new name."""

    def __init__(self, root: Path, urls: str, name: str) -> None:
        self._root, self._urls, self._name = root, urls, name
        self._n_starts = 0
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._n_starts += 1
        name = f"{self._name}-{self._n_starts}"
        script = str(Path(__file__).parents[1] / "live_worker.py")
        with (self._root / "worker.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, script, str(self._root), self._urls, "0.05", name),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        await self.process.stdout.readline()

    def said(self, text: str) -> bool:
        """Tell whether it has logged this, in any of its lives."""
        return text in (self._root / "worker.log").read_text()

    async def end(self, how: signal.Signals) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await self.process.wait()


def payload(gauge: str, number: int) -> bytes:
    """The one reading of a gauge with this number: a millisecond of its own."""
    seconds, ms = divmod(number, 1000)
    at = f"{NOW:%Y-%m-%dT10}:{seconds // 60:02}:{seconds % 60:02}.{ms:03}Z"
    record = f'{{"gauge":"{gauge.upper()}","observed_at":"{at}","rain":{number % 90 / 10}}}'.encode()
    return signed(gauge.upper(), record).payload


async def publish_mqtt(device: Device, gauge: str, sent: Sent, stop: asyncio.Event) -> None:
    """Publish over MQTT, QoS 1; every seventh message twice."""
    for number in itertools.count():
        if stop.is_set():
            return
        for _ in range(2 if number % 7 == 0 else 1):
            device.publish(f"feed/{FEED}/{gauge}", payload(gauge, number))
            sent[gauge, number] += 1
        await asyncio.sleep(0.02)


async def publish_nats(publisher: Publisher, gauge: str, sent: Sent, stop: asyncio.Event) -> None:
    """Publish to JetStream, one after the other, each until it is acknowledged."""
    for number in itertools.count():
        if stop.is_set():
            return
        sent[gauge, number] += 1
        while True:
            try:
                await publisher.publish(FEED, gauge, payload(gauge, number))
                break
            except VeracityError:
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.01)


async def n_kept(client: Client) -> int:
    """How many messages the two streams have ever kept.

    A cluster numbers a message when a majority has it, so the last number is how many there were.
    """
    js = client.jetstream()
    return sum([(await js.stream_info(name)).state.last_seq for name in (STREAM, MQTT_STREAM)])


async def kill_some(it: Cluster, workers: list[Worker], rng: np.random.Generator) -> None:
    """Kill one server and one worker, in either order, and start both again after a while."""
    server, worker = it.servers[rng.integers(len(it.servers))], workers[rng.integers(len(workers))]

    async def pause() -> None:
        await asyncio.sleep(float(rng.uniform(0.5, 1.5)))

    if rng.random() < 0.5:
        server.kill()
        await pause()
        await worker.end(signal.SIGKILL)
    else:
        await worker.end(signal.SIGKILL)
        await pause()
        server.kill()
    await pause()
    await worker.start()
    await pause()
    server.start()


@in_loop
async def test_a_server_and_a_worker_are_killed(
    tmp_path: Path, machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(SEED)
    monkeypatch.setattr(streams, "ACK_WAIT_S", 5.0)
    monkeypatch.setattr(streams, "GONE_S", 4.0)
    with open_writer(machines[0], clock) as writer:
        for gauge in (*DEVICES, *GATEWAYS):
            add_device(writer, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
    stop, by_mqtt, by_nats = asyncio.Event(), Sent(), Sent()
    async with AsyncExitStack() as stack:
        it = await stack.enter_async_context(cluster(tmp_path))
        workers = [Worker(root, it.urls, f"w{i}") for i, root in enumerate(machines)]
        for worker in workers:
            await worker.start()
            stack.push_async_callback(worker.end, signal.SIGKILL)
        await until(lambda: all(worker.said("workers: 2") for worker in workers))
        devices = []
        for i, gauge in enumerate(DEVICES):
            roaming = RoamingDevice([*it.servers[i % 3 :], *it.servers[: i % 3]], gauge)
            devices.append(await stack.enter_async_context(roaming))
        client = await connect(it.urls, "gateway")
        stack.push_async_callback(client.close)
        publisher = Publisher(client)
        publishing = [
            asyncio.create_task(task)
            for task in (
                *(publish_mqtt(d, g, by_mqtt, stop) for d, g in zip(devices, DEVICES, strict=True)),
                *(publish_nats(publisher, g, by_nats, stop) for g in GATEWAYS),
            )
        ]
        await until(lambda: all(worker.said("sealed") for worker in workers))
        n_calm = await asyncio.to_thread(n_batches, machines[1])
        for _ in range(ROUNDS):
            await kill_some(it, workers, rng)
            await asyncio.sleep(float(rng.uniform(1.0, 3.0)))
        stop.set()
        await asyncio.gather(*publishing)
        await until(lambda: sum(len(d.acknowledged) for d in devices) >= by_mqtt.total())

        await until_drained(it.client)
        kept = await n_kept(it.client)
        assert [await worker.end(signal.SIGTERM) for worker in workers] == [0, 0]
    check(machines[1], by_mqtt + by_nats, kept, n_calm)


def n_batches(root: Path) -> int:
    home = Home.open(root, clock)
    try:
        return len(home.index.batches(FEED))
    finally:
        home.close()


def check(root: Path, sent: Sent, kept: int, n_calm: int) -> None:
    """Hold what is promised, the order of rows in the first ``n_calm`` batches."""
    home = Home.open(root, clock)
    table = home.table(FEED).scan().select("gauge", "observed_at", "_batch", "_record").collect()
    said = accounts(home, FEED)
    lists = [read_messages(home, FEED, row.batch) for row in home.index.batches(FEED)]
    found = audit(home).findings
    broken = fsck(home.log_objects, home.log_verifier).findings
    home.close()
    rows = table.select("gauge", "observed_at")
    calm = table.filter(pl.col("_batch") < n_calm).sort("_batch", "_record")
    assert n_calm > 0
    for _, of_one in calm.group_by("gauge", maintain_order=True):
        assert of_one["observed_at"].is_sorted()
    assert rows.is_unique().all()
    assert rows.height == len(sent)
    assert sum(a.said.sums.duplicate for a in said) == kept - len(sent)
    assert sum(a.said.sums.messages for a in said) == kept
    assert found == []
    assert broken == ()
    assert pl.concat([one for one in lists if one is not None])["messages"].sum() == kept
