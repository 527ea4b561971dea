"""The process of the running city that asks sources, and is told by brokers of NGSI-LD."""

import asyncio
from pathlib import Path

from answering import answering
from brokers import broker, in_loop, until
from context_broker import ContextBroker, air
from small_city import new_city
from veracity.live.child import Task
from veracity.live.metrics import Metrics
from veracity.live.roles import sources
from veracity.live.source_list import add_source
from veracity.live.streams import held
from veracity.server.running import address, listen

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test


@in_loop
async def test_a_broker_that_notifies_is_answered_when_it_is_safe(tmp_path: Path) -> None:
    """From `sources.yaml` to the stream: it subscribes, is notified at its own place, and ends when told."""
    root, there = new_city(tmp_path / "city"), ContextBroker()
    door = listen("127.0.0.1", 0)
    endpoint = address(door)
    with answering(there) as server:
        said = {
            "name": "air",
            "kind": "ngsi-ld",
            "feed": "rain",
            "type": "AirQualityObserved",
            "url": f"{server.url}/ngsi-ld/v1",
            "endpoint": endpoint,
            "token": TOKEN,
        }
        add_source(root, said)
        async with broker(tmp_path) as (it, client):
            stop = asyncio.Event()
            options = {"live": False, "door": door.detach()}
            task = Task("sources", "veracity.live.roles:sources", root, it.url, False, None, options)
            running = asyncio.create_task(sources(task, stop, Metrics()))
            await until(lambda: bool(there.subscriptions) or running.done())
            assert not running.done(), running.result()
            await asyncio.to_thread(there.update, air(1, 0, 10.0))
            assert there.statuses == [204], there.subscriptions
            kept, _ = await held(client)
            assert kept.n_messages >= 1
            stop.set()
            await asyncio.wait_for(running, 30)
