"""Pulling: all that the broker has comes, and never more of it at once than there is room for."""

import asyncio
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from brokers import broker, in_loop, until
from veracity.live import pulling
from veracity.live.publishing import Publisher
from veracity.live.pulling import Inbox, Puller
from veracity.live.streams import consumer_name
from veracity.live.subjects import PARTITIONS, STREAM


@in_loop
async def test_large_messages_come_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty messages of a megabyte are never all in memory."""
    monkeypatch.setattr(pulling, "REQUEST_BYTES", 1_200_000)
    most = (PARTITIONS + 2) * 1_200_000
    async with broker(tmp_path) as (_, client):
        publisher = Publisher(client)
        for number in range(30):
            await publisher.publish("rain", "g00", b"%02d" % number + bytes(1_000_000))
        inbox, stop = Inbox(100_000, most), asyncio.Event()
        pullers = [Puller(client, STREAM, consumer_name(p), inbox) for p in range(PARTITIONS)]
        tasks = [asyncio.create_task(puller.run(stop)) for puller in pullers]
        got: list[bytes] = []
        while len(got) < 30:
            await until(lambda: bool(inbox.messages))
            await asyncio.sleep(0.1)  # what may come, comes
            assert inbox.n_bytes <= most
            for message in inbox.take(100, 2**30):
                got.append(message.data[:2])
                await client.publish(message.reply, b"+ACK")
        stop.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(got) == [b"%02d" % n for n in range(30)]


@in_loop
async def test_the_end_of_one_request_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that says that a request was complete says it of one that is over: the next goes on."""
    monkeypatch.setattr(pulling, "AT_ONCE", 20)
    monkeypatch.setattr(pulling, "_AGAIN_S", 3_600)
    async with broker(tmp_path) as (_, client):
        publisher = Publisher(client)
        for number in range(200):
            await publisher.publish("rain", "g00", b"%d" % number)
        inbox, stop = Inbox(100_000, 2**30), asyncio.Event()
        pullers = [Puller(client, STREAM, consumer_name(p), inbox) for p in range(PARTITIONS)]
        tasks = [asyncio.create_task(puller.run(stop)) for puller in pullers]
        await until(lambda: len(inbox.messages) == 200)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_a_turn_takes_so_many_and_leaves_the_rest() -> None:
    """In order; what is left still counts as there, and wakes who waits."""
    inbox = Inbox(10, 2**30)
    for number in range(5):
        inbox.put(Msg(Client(), data=bytes(number)))
    assert [len(m.data) for m in inbox.take(3, 100)] == [0, 1, 2]
    assert (inbox.n_bytes, inbox.room, inbox.arrived.is_set()) == (7, 8, True)
    assert [len(m.data) for m in inbox.take(3, 2)] == [3]
    assert [len(m.data) for m in inbox.take(3, 100)] == [4]
    assert (inbox.n_bytes, inbox.arrived.is_set()) == (0, False)
