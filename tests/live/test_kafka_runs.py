"""Kafka and the runner of sources together, against a real broker: whatever fails between, all arrives."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]

from kafka_broker import kafka_broker
from veracity.feeds.kinds import make_source
from veracity.live.errors import BrokerUnavailable
from veracity.live.outlet import Outlet
from veracity.live.source_state import FILE, SourceState
from veracity.live.sources import SourceRunner
from veracity.stores.objects import LocalObjects

N = 60


class Published:
    """Takes messages, and fails at every seventh call."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.n_calls = 0

    async def __call__(self, feed: str, device: str, payload: bytes, document: str | None) -> None:
        self.n_calls += 1
        if self.n_calls % 7 == 0:
            raise BrokerUnavailable("publish: want an answer, got none")
        self.numbers += [json.loads(line)["n"] for line in payload.split(b"\n")]


async def fill(broker: str, topic: str) -> None:
    """Make a topic of one partition that holds N messages."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=broker)
    await producer.start()
    for n in range(N):
        await producer.send_and_wait(topic, b'{"n":%d}' % n, partition=0)
    await producer.stop()


@pytest.mark.parametrize("cuts", [(), (1,), (10, 11, 40)])
def test_every_message_arrives_in_order(cuts: tuple[int, ...], tmp_path: Path) -> None:
    """Where the runner is cut off and starts again, what was in hand may come twice; none is missing."""
    published = Published()

    async def run(broker: str, until: Callable[[], bool]) -> None:
        source = make_source(
            {"kind": "kafka", "name": "buses", "feed": "positions", "servers": [broker], "topic": "t"}
        )
        runner = SourceRunner(
            [source],
            Outlet(LocalObjects(tmp_path / "store"), published),
            SourceState(tmp_path / FILE),
            clock=lambda: datetime(2026, 9, 1, tzinfo=UTC),
            rng=np.random.default_rng(7),
            sleep=lambda _: asyncio.sleep(0),
        )
        task = asyncio.create_task(runner.run())
        while not until():
            assert not task.done()
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def main() -> None:
        with kafka_broker(tmp_path) as broker:
            await fill(broker, "t")
            for at in cuts:
                await run(broker, lambda at=at: len(published.numbers) >= at)  # type: ignore[misc]
            await run(broker, lambda: N - 1 in published.numbers)

    asyncio.run(asyncio.wait_for(main(), 60))
    assert list(dict.fromkeys(published.numbers)) == list(range(N))
    assert len(published.numbers) <= N + len(cuts)
