"""Pulling messages from the broker: as many as there is room for, never more."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.aio.msg import Msg

from veracity.live.errors import BrokerUnavailable

_EXPIRES_S = 5.0
_BEAT_S = 1.0  # between two signs of life of the broker, while it has no messages for us
_SILENT_S = 2.5  # without one: the server that was asked has died, or another leads the consumer now
AT_ONCE = 1_000  #: messages that one puller asks for
REQUEST_BYTES = 4 * 1024 * 1024  #: asked for at once, too; more than the largest message has
_ENOUGH = "MaxBytes"  # in what the broker says when the next message would be more than that
_COMPLETE = "Batch Completed"  # what it says after the last of a request, which we count ourselves
_AGAIN_S = 1.0  # after the broker said that there is no such consumer, or nobody leads it


@dataclass
class Inbox:
    """Messages that came and wait for their turn; bounded.

    ``room`` is how many more there may be, those asked for and not yet here counted as there, and of
    their bytes as many as may come.
    """

    max_messages: int
    max_bytes: int
    messages: list[Msg] = field(default_factory=list)
    n_bytes: int = 0
    n_asked: int = 0
    n_requests: int = 0
    since: float = 0.0  #: when the first of those that wait came, of the monotonic clock
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def room(self) -> int:
        """How many messages may be asked for."""
        if self.n_bytes + (self.n_requests + 1) * REQUEST_BYTES > self.max_bytes:
            return 0
        return max(0, self.max_messages - len(self.messages) - self.n_asked)

    def put(self, message: Msg) -> None:
        """Take one that came."""
        if not self.messages:
            self.since = time.monotonic()
        self.messages.append(message)
        self.n_bytes += len(message.data)
        self.arrived.set()

    def take(self, n: int, n_bytes: int) -> list[Msg]:
        """Give those that wait the longest: at most so many, of at most so many bytes, and at least one."""
        taken: list[Msg] = []
        for message in self.messages[:n]:
            n_bytes -= len(message.data)
            if taken and n_bytes < 0:
                break
            taken.append(message)
        self.messages = self.messages[len(taken) :]
        self.n_bytes -= sum(len(message.data) for message in taken)
        if not self.messages:
            self.arrived.clear()
        return taken


class Puller:
    """Asks one consumer for messages, again and again, while there is room for them."""

    def __init__(self, client: Client, stream: str, consumer: str, inbox: Inbox) -> None:
        self._client, self._inbox = client, inbox
        self._ask = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._reply = client.new_inbox()
        self._n_left = 0  # of what was asked for last
        self._heard_at = 0.0
        self._done = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Pull until told to stop."""
        subscription = await self._client.subscribe(self._reply, cb=self._take, pending_bytes_limit=-1)
        try:
            while not stop.is_set():
                n = min(self._inbox.room, AT_ONCE)
                if n == 0 or not self._client.is_connected:
                    await asyncio.sleep(0.01 if n == 0 else 0.2)
                    continue
                await self._request(n)
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def _request(self, n: int) -> None:
        """Ask for some and wait until they are here, or the broker has no more for now."""
        self._n_left, self._done, self._heard_at = n, asyncio.Event(), _now()
        self._inbox.n_asked += n
        self._inbox.n_requests += 1
        beat = {"expires": int(_EXPIRES_S * 1e9), "idle_heartbeat": int(_BEAT_S * 1e9)}
        ask = {"batch": n, "max_bytes": REQUEST_BYTES, **beat}
        try:
            await self._client.publish(self._ask, json.dumps(ask).encode(), self._reply)
            while not self._done.is_set() and (left := self._heard_at + _SILENT_S - _now()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._done.wait(), left)
        finally:  # what it still sends, where it went away, is taken
            self._inbox.n_asked -= self._n_left
            self._inbox.n_requests -= 1
            self._n_left = 0

    async def _take(self, message: Msg) -> None:
        self._heard_at = _now()
        if message.headers and "Status" in message.headers:
            said = " ".join(map(str, message.headers.values()))
            if message.headers["Status"] == "100" or _COMPLETE in said:
                return  # the next request may be under way: that one is not done
            is_enough = _ENOUGH in said
            if message.headers["Status"] not in ("404", "408") and not is_enough:
                await asyncio.sleep(_AGAIN_S)
            self._done.set()
            return
        if self._n_left:
            self._n_left -= 1
            self._inbox.n_asked -= 1
        self._inbox.put(message)
        if self._n_left == 0:
            self._done.set()


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the broker says of a message that it delivers."""

    stream: str
    sequence: int
    n_times: int
    at_ns: int


def delivered(reply: str) -> Delivered:
    """Read the subject that a delivered message is acknowledged on.

    Examples
    --------
    >>> delivered("$JS.ACK.FEEDS.p1.2.37.41.1757860000000000000.0")
    Delivered(stream='FEEDS', sequence=37, n_times=2, at_ns=1757860000000000000)
    """
    tokens = reply.split(".")
    if tokens[:2] != ["$JS", "ACK"] or len(tokens) not in (9, 11, 12):
        raise BrokerUnavailable(f"message: want one of a JetStream consumer, got reply {reply[:80]!r}")
    stream, _, times, sequence, _, at = (tokens[2:] if len(tokens) == 9 else tokens[4:])[:6]
    return Delivered(stream, int(sequence), int(times), int(at))
