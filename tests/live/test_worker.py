"""The worker: from MQTT to sealed rows, each message acknowledged when it is in the log and not before."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import polars as pl
import pytest

from brokers import Device, broker, in_loop, until
from live_messages import FEED, bare, record, signed
from small_city import AGENCY, NOW, clock, contract, key, new_city
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_device
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import accounts
from veracity.home.live.arrivals import Arrival
from veracity.home.live.sealing import Sealer
from veracity.live.broker_config import partition_of
from veracity.live.publishing import Publisher
from veracity.live.streams import held
from veracity.live.subjects import PARTITIONS
from veracity.live.worker import TurnReport, WorkerSettings, run_worker
from veracity.log.doors import StoreUnavailable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = new_city(tmp_path / "city")
    with open_writer(made, clock) as home:
        for gauge in ("g00", "g01"):
            add_device(home, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
    return made


@asynccontextmanager
async def working(root: Path, url: str, linger_s: float = 0.05) -> AsyncIterator[list[TurnReport]]:
    """A worker in this process; gives what it tells of its turns."""
    stop, told = asyncio.Event(), list[TurnReport]()
    settings = WorkerSettings(root, url, linger_s=linger_s, n_verifiers=0)
    task = asyncio.create_task(run_worker(settings, stop, told.append, clock))
    try:
        yield told
        assert not task.done(), task.result()
    finally:
        stop.set()
        await task


def n_told(told: list[TurnReport]) -> int:
    return sum(t.n_messages for t in told)


def topic(arrival: Arrival, tail: str = "") -> str:
    return f"feed/{arrival.feed}/{arrival.device}{tail}"


def rows(root: Path) -> pl.DataFrame:
    home = Home.open(root, clock)
    try:
        return home.table(FEED).scan().collect()
    finally:
        home.close()


def is_clean(root: Path) -> bool:
    home = Home.open(root, clock)
    try:
        return audit(home).findings == []
    finally:
        home.close()


@in_loop
async def test_from_mqtt_to_a_sealed_row(root: Path, tmp_path: Path) -> None:
    """Signed over MQTT, bare over NATS: both are rows; nothing is left in the broker; the audit is clean."""
    async with broker(tmp_path) as (it, client), Device(it) as device, working(root, it.url) as told:
        for minute in range(20):
            m = signed("G00", record("G00", minute))
            device.publish(topic(m), m.payload)
        await Publisher(client).publish(FEED, "g01", record("G01", 5))
        await until(lambda: n_told(told) == 21)

        async def is_empty() -> bool:
            return all(h.n_messages == 0 for h in await held(client))

        await until(is_empty)
    assert rows(root).height == 21
    assert is_clean(root)


@in_loop
async def test_hostile_messages_are_counted_and_others_go_on(root: Path, tmp_path: Path) -> None:
    """Oversized, malformed, nested, by a stranger, for another device, for no feed: and then a good one."""
    good = signed("G00", record("G00", 1))
    async with broker(tmp_path) as (it, _), Device(it) as device, working(root, it.url) as told:
        device.publish(topic(good), good.payload.replace(b"0.4", b"0.5"))
        device.publish("feed/rain/g01", good.payload)
        device.publish("feed/rain/g00", signed("G00", record("G00", 2), by="g77").payload)
        device.publish("feed/rain/g00", b"[" * 500_000)
        device.publish("feed/rain/g00", b'{"a":' * 20_000)
        device.publish("feed/rain/g00", b'{"a":' * 10_000)
        device.publish("feed/rain/g00", b"veracity-message/v1 nonsense")
        device.publish("feed/nowhere/g00", b"{}")
        device.publish("feed/rain/" + "x" * 200, b"{}")
        device.publish(topic(good), good.payload)
        await until(lambda: n_told(told) == 10)
    refused: dict[str, int] = {}
    for turn in (f for t in told for f in t.feeds):
        for reason, n in turn.turned.items():
            refused[reason] = refused.get(reason, 0) + n
    assert refused == {
        "signature": 1,
        "foreign-device": 1,
        "unknown-key": 1,
        "malformed-body": 1,
        "too-long": 1,
        "malformed-message": 1,
        "unknown-feed": 1,
    }
    assert sum(t.n_foreign for t in told) == 1
    assert rows(root).height == 1
    home = Home.open(root, clock)
    (account,) = accounts(home, FEED)
    home.close()
    sums = account.said.sums
    # The message that nests deeply was let in to be read, and refused then.
    assert (sums.messages, sums.accepted, sums.refused) == (8, 1, 7)
    assert is_clean(root)


@in_loop
async def test_a_device_is_told_what_became_of_its_messages(root: Path, tmp_path: Path) -> None:
    async with broker(tmp_path) as (it, _), Device(it) as device, working(root, it.url):
        device.client.subscribe("receipt/rain/g00", qos=1)
        await until(lambda: bool(device.granted))
        good = signed("G00", record("G00", 1), record("G00", 2, 900.0))
        for payload in (good.payload, good.payload, b"veracity-message/v1 nonsense"):
            device.publish(topic(good, "/receipt"), payload)
        await until(lambda: len(device.messages) == 3)
    told = {d["outcome"]: d for d in (json.loads(body) for _, body in device.messages)}
    assert told.keys() == {"taken", "duplicate", "malformed-message"}
    assert (told["taken"]["accepted"], told["taken"]["quarantined"]) == (1, 1)
    assert told["taken"]["id"] == told["duplicate"]["id"] == good.id


@in_loop
async def test_a_turn_that_fails_is_made_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full twice: the same messages are sealed at the third attempt, once."""
    failures = iter([StoreUnavailable("no space left on device")] * 2)
    seal = Sealer.seal

    def failing(self: Sealer, *args):  # type: ignore[no-untyped-def]
        for failure in failures:
            raise failure
        return seal(self, *args)

    monkeypatch.setattr(Sealer, "seal", failing)
    async with broker(tmp_path) as (it, _), Device(it) as device, working(root, it.url) as told:
        m = signed("G00", record("G00", 1))
        device.publish(topic(m), m.payload)
        await until(lambda: n_told(told) == 1)
    assert rows(root).height == 1
    assert is_clean(root)


@in_loop
async def test_one_message_that_we_cannot_seal_stops_no_other(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours at one message: it is turned away, counted, and the others are sealed."""
    seal = Sealer.seal

    def failing(self, feed, admitted, turned, received_at):  # type: ignore[no-untyped-def]
        if any(b"0.13" in m.records[0] for m in admitted):
            raise ZeroDivisionError
        return seal(self, feed, admitted, turned, received_at)

    monkeypatch.setattr(Sealer, "seal", failing)
    async with broker(tmp_path) as (it, _), Device(it) as device, working(root, it.url, 0.5) as told:
        for i in range(20):
            device.publish("feed/rain/g01", record("G01", i, i / 100))
        await until(lambda: n_told(told) == 20)
    assert rows(root).height == 19
    assert sum(f.turned.get("fault", 0) for t in told for f in t.feeds) == 1
    assert is_clean(root)


@in_loop
async def test_commands_write_while_the_worker_works(root: Path, tmp_path: Path) -> None:
    """A writer that comes gets the home between two turns; a new contract holds from the next turn on."""
    async with broker(tmp_path) as (it, _), Device(it) as device, working(root, it.url) as told:
        device.publish("feed/rain/g01", record("G01", 1))
        await until(lambda: n_told(told) == 1)

        def add() -> None:
            with open_writer(root, clock) as home:
                add_feed(home, contract(root.parent, FEED, version="1.1.0", signature="required"))

        await asyncio.to_thread(add)
        device.publish("feed/rain/g01", record("G01", 2))
        m = signed("G00", record("G00", 2))
        device.publish(topic(m), m.payload)
        await until(lambda: n_told(told) == 3)
    assert rows(root).height == 2
    assert sum(f.turned.get("unsigned", 0) for t in told for f in t.feeds) == 1
    assert is_clean(root)


@in_loop
async def test_what_was_not_acknowledged_comes_again_and_counts_once(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker ends between the log and the acknowledgement: the next one has the messages, and knows."""
    sent = [bare("G01", record("G01", i)) for i in range(5)]
    async with broker(tmp_path) as (it, client), Device(it) as device:
        monkeypatch.setattr("veracity.live.streams.ACK_WAIT_S", 1.0)
        from veracity.live.streams import make_streams

        await make_streams(client, 2**26)
        with monkeypatch.context() as patched:
            patched.setattr("veracity.live.worker.ACK", b"+WPI")  # "in progress": no acknowledgement
            async with working(root, it.url) as told:
                for m in sent:
                    device.publish(topic(m), m.payload)
                await until(lambda: n_told(told) >= 5)
        assert rows(root).height == 5
        async with working(root, it.url) as told:
            await until(lambda: n_told(told) >= 5)
    assert rows(root).height == 5
    home = Home.open(root, clock)
    (account,) = accounts(home, FEED)
    home.close()
    assert account.said.sums.messages == 5
    assert account.said.hour == NOW.strftime("%Y-%m-%dT%H:00:00Z")
    assert is_clean(root)


@in_loop
async def test_no_partition_waits_for_the_others(root: Path, tmp_path: Path) -> None:
    """A worker asks for messages of every partition of both streams at once: none starves while all idle."""
    names = [f"d{i}" for i in range(40)]
    assert {partition_of(FEED, name) for name in names} == set(range(PARTITIONS))
    async with broker(tmp_path) as (it, client), Device(it) as device, working(root, it.url) as told:
        await asyncio.sleep(1.0)  # every puller has asked, and waits
        for name in names:
            device.publish(f"feed/{FEED}/{name}", record("G00", 1))
            await Publisher(client).publish(FEED, name, record("G01", 1))
        await until(lambda: n_told(told) == 80)
