"""The bridge: what is not durable becomes so, once, and what is durable already is passed over."""

import asyncio
from pathlib import Path

import nats.errors
import pytest

from brokers import Device, broker, in_loop, until
from veracity.live.bridge import Bridge
from veracity.live.connection import connect
from veracity.live.errors import BrokerUnavailable
from veracity.live.publishing import Publisher
from veracity.live.streams import held


@in_loop
async def test_qos_0_and_plain_nats_become_durable_and_qos_1_is_passed_over(tmp_path: Path) -> None:
    """Each message is in exactly one of the two streams."""
    stop = asyncio.Event()
    async with broker(tmp_path) as (it, client), Device(it) as device:
        own = await connect(it.url, "bridge")
        bridge = Bridge(own, Publisher(own))
        running = asyncio.create_task(bridge.run(stop))
        await until(lambda: bool(own._subs))
        await own.flush()
        sent = {device.publish("feed/air/s1", b"%d" % i, 1) for i in range(20)}
        for i in range(30):
            device.publish("feed/air/s2/receipt", b"%d" % i, 0)
        await client.publish("feed.air.s3", b"plain")
        await client.publish("feed.nothing", b"plain")
        await until(lambda: device.acknowledged >= sent)
        done = bridge.done
        await until(lambda: (done.n_passed_over, done.n_published, done.n_foreign) == (20, 31, 1))
        assert [h.n_messages for h in await held(client)] == [31, 20]
        stop.set()
        await running
        await own.close()


@in_loop
async def test_what_is_lost_is_counted(tmp_path: Path) -> None:
    """The broker is full: nobody can be told, so the bridge counts."""
    stop, told = asyncio.Event(), list[str]()
    async with broker(tmp_path, max_bytes=50_000) as (it, client):
        own = await connect(it.url, "bridge")
        bridge = Bridge(own, Publisher(own), told.append)
        running = asyncio.create_task(bridge.run(stop))
        await until(lambda: bool(own._subs))
        await own.flush()
        for _ in range(20):
            await client.publish("feed.air.s1", b"x" * 10_000)
        await until(lambda: bridge.done.n_published + bridge.done.n_lost == 20)
        assert bridge.done.n_published == (await held(client))[0].n_messages
        assert told.count("lost") == bridge.done.n_lost > 0
        stop.set()
        await running
        await own.close()


@in_loop
async def test_a_connection_comes_back(tmp_path: Path) -> None:
    """The broker is killed and started again: the same connection goes on."""
    stop = asyncio.Event()
    async with broker(tmp_path) as (it, _):
        keeping = asyncio.create_task(it.child.keep(stop))
        own = await connect(it.url, "city")
        first = it.pid
        it.child.signal(9)
        await until(lambda: it.pid not in (None, first))

        async def answers() -> bool:
            try:
                await own.flush(1)
            except (nats.errors.Error, TimeoutError):
                return False
            return own.is_connected

        await until(answers)
        await own.close()
        stop.set()
        await keeping


@in_loop
async def test_no_broker_is_said_in_time() -> None:
    """Nobody listens: our own error, after the time that was given, not never."""
    with pytest.raises(BrokerUnavailable):
        await connect("nats://127.0.0.1:1", "city", within_s=0.2)


@in_loop
async def test_a_connection_can_be_closed_while_the_broker_is_away(tmp_path: Path) -> None:
    """Closing ends the tries; nothing of them is left to hold the process up."""
    async with broker(tmp_path) as (it, _):
        own = await connect(it.url, "city")
        it.child.signal(9)
        await until(lambda: own.is_reconnecting)
        await own.close()
        await until(
            lambda: not [t for t in asyncio.all_tasks() if "reconnect" in repr(t) and "city" in repr(t)]
        )
