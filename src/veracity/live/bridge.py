"""The bridge: what comes to ``feed.>`` without being durable is published again so that it is.

MQTT messages of QoS 1 and 2 are in the server's own stream when the bridge sees them, and are passed
over. Those of QoS 0 and of plain NATS clients are in no stream: the bridge publishes them to ``in.>``.
Nobody waits for an acknowledgement of such a message. So one that is lost on the way, because the broker
was full or the bridge behind, cannot be told to its publisher; it is counted.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from veracity.live.errors import BrokerFull, BrokerUnavailable
from veracity.live.publishing import Publisher

logger = logging.getLogger(__name__)

MAX_WAITING = 16_384  #: messages that wait for the bridge; what comes beyond is lost, and counted
MAX_WAITING_BYTES = 64 * 1024**2
_LAST_S = 3.0  # for what is under way, when told to stop
_QOS = "Nmqtt-Pub"
_SUBJECT = re.compile(
    r"feed\.([A-Za-z0-9][\w-]{0,127})\.([A-Za-z0-9][\w-]{0,127})\.[0-9]+(\.receipt)?", re.ASCII
)


@dataclass
class Bridged:
    """What became of the messages that the bridge saw."""

    n_passed_over: int = 0  #: durable already
    n_published: int = 0
    n_foreign: int = 0  #: of no feed
    n_lost: int = 0  #: there was no room for them


class Bridge:
    """Publishes again what is not durable, in no particular order between devices' messages."""

    def __init__(
        self, client: Client, publisher: Publisher, on_change: Callable[[str], None] = lambda _outcome: None
    ) -> None:
        self._client = client
        self._publisher = publisher
        self._on_change = on_change
        self._under_way: set[asyncio.Task[None]] = set()
        self.done = Bridged()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then finish what is under way."""
        subscription = await self._client.subscribe(
            "feed.>",
            queue="bridge",  # of several bridges one gets each message
            cb=self._take,
            pending_msgs_limit=MAX_WAITING,
            pending_bytes_limit=MAX_WAITING_BYTES,
        )
        await self._client.flush()
        logger.info("bridge: ready")
        await stop.wait()
        if self._client.is_connected:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                # No more of them; what has come already is still taken.
                await asyncio.wait_for(subscription.drain(), _LAST_S)  # type: ignore[no-untyped-call]
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=_LAST_S)
        for task in self._under_way:
            task.cancel()

    async def _take(self, message: Msg) -> None:
        if message.header is not None and message.header.get(_QOS) in ("1", "2"):
            self.done.n_passed_over += 1
            return
        found = _SUBJECT.fullmatch(message.subject)
        if found is None:
            self.done.n_foreign += 1
            self._on_change("foreign")
            return
        while len(self._under_way) >= MAX_WAITING:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._publish(found[1], found[2], message.data, found[3] is not None))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _publish(self, feed: str, device: str, payload: bytes, wants_receipt: bool) -> None:
        try:
            await self._publisher.publish(feed, device, payload, wants_receipt=wants_receipt)
        except (BrokerFull, BrokerUnavailable):
            self.done.n_lost += 1
            self._on_change("lost")
        else:
            self.done.n_published += 1
            self._on_change("published")
