"""The worker: takes messages from the broker, has them sealed, and only then acknowledges them.

While one turn is sealed in its thread, what comes meanwhile is read and verified beside it, a little at a
time; the next turn takes all that is ready by then. A turn that fails, because the disk is full or the home
is held, is tried again with the same messages; nothing of it was acknowledged, so that a worker that dies in
the middle leaves all to the next one.
"""

import asyncio
import logging
import re
import secrets
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from veracity.errors import VeracityError
from veracity.home.clock import Clock
from veracity.home.live.limits import LimitsByFeed
from veracity.home.live.verifying import Verifiers, verify_here
from veracity.live.arriving import Arriving, feed_of, tell
from veracity.live.connection import connect
from veracity.live.feed_turn import FeedTurn
from veracity.live.membership import Membership
from veracity.live.pulling import AT_ONCE, Inbox, Puller, delivered
from veracity.live.ready import TURN_BYTES, Ready, ReadyLine
from veracity.live.streams import consumer_name
from veracity.live.subjects import (
    MQTT_STREAM,
    PARTITIONS,
    STREAM,
)
from veracity.live.turning import Turner

_P = ParamSpec("_P")
_R = TypeVar("_R")
logger = logging.getLogger(__name__)
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_-]")
AGAIN_S = (0.5, 1.0, 2.0, 5.0)  #: between attempts at a turn that failed; the last again and again
STREAMS_S = 30.0  #: how long the streams may have nobody that speaks for them when a worker starts
LOOK_MESSAGES = 2_000  #: read and verified at a time
LOOK_S = 0.1  #: how long some gather for that
# Of both streams every partition has its share of what may be asked for, also while nothing comes.
WAITING = 2 * 2 * PARTITIONS * AT_ONCE
ACK = b"+ACK"
AGAIN = b'-NAK {"delay": 30000000000}'  #: ns, until the broker gives a message of a feed in trouble again
LOOK_BYTES = TURN_BYTES // 4
_IDLE_S = 0.2  # how often a worker without messages asks whether somebody wants the home


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker works on, and how.

    Attributes
    ----------
    nats_url
        Of the broker; of several servers of one cluster with commas between.
    partitions
        Those it takes messages of. None: its share of them among the workers of the city.
    name
        What it is called among them; needed for that alone.
    linger_s
        How long it waits for more once the first message of a turn is there.
    n_verifiers
        Processes that verify signatures beside it; with 0 it does so itself.
    speed
        How many seconds of the home's clock pass in one: of a simulated city more than one.
    credentials
        A file of NATS credentials, where the broker asks for them.
    """

    home: Path
    nats_url: str
    partitions: Sequence[int] | None = tuple(range(PARTITIONS))
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{secrets.token_hex(4)}")
    linger_s: float = 0.5
    n_verifiers: int = 1
    limits: LimitsByFeed = field(default_factory=LimitsByFeed)
    speed: float = 1.0
    credentials: Path | None = None


@dataclass(frozen=True)
class TurnReport:
    """What one turn made of all feeds, and how long each message took from the broker to the log."""

    feeds: Sequence[FeedTurn]
    n_messages: int
    n_foreign: int
    seconds: float
    waited_s: Sequence[float]


Observe = Callable[[TurnReport], None]


async def run_worker(
    settings: WorkerSettings,
    stop: asyncio.Event,
    observe: Observe = lambda _: None,
    clock: Clock | None = None,
) -> None:
    """Work until told to stop, then finish the turn under way.

    Raises
    ------
    BrokerUnavailable
        If there is no broker, or it has not the streams.
    """
    client = await connect(settings.nats_url, "worker", credentials=settings.credentials)
    verifiers = Verifiers(settings.n_verifiers)
    verify = verifiers if settings.n_verifiers else verify_here
    turner = Turner(settings.home, clock, settings.limits, verify)
    try:
        await _Worker(client, turner, settings, observe, clock).run(stop)
    finally:
        verifiers.close()
        with suppress(nats.errors.Error, asyncio.TimeoutError, asyncio.CancelledError):  # it ends anyway
            await client.drain()


class _Worker:
    """One worker, connected."""

    def __init__(
        self,
        client: Client,
        turner: Turner,
        settings: WorkerSettings,
        observe: Observe,
        clock: Clock | None,
    ) -> None:
        self._client, self._turner, self._settings = client, turner, settings
        self._observe = observe
        self._arriving = Arriving(client, clock, settings.speed)
        self._inbox = Inbox(WAITING, 2 * TURN_BYTES)
        self._pulling: dict[int, asyncio.Task[None]] = {}
        self._left: list[asyncio.Task[None]] = []
        self._thread = ThreadPoolExecutor(1, "home")  # the only one that touches the home
        self._beside = ThreadPoolExecutor(2, "ahead")  # one reads while another has verified

    async def run(self, stop: asyncio.Event) -> None:
        await self._arriving.name_streams()
        membership = None
        if self._settings.partitions is None:
            name = _NOT_IN_KEYS.sub("-", self._settings.name)
            membership = asyncio.create_task(Membership(self._client, name, self._take_up).run(stop))
        else:
            self._take_up(self._settings.partitions)
        line = ReadyLine()
        looks: asyncio.Queue[asyncio.Task[Ready]] = asyncio.Queue(1)
        gathering = asyncio.create_task(self._gather(looks, stop))
        bringing = asyncio.create_task(self._bring(looks, line))
        watched = [gathering, bringing, *([membership] if membership else [])]
        try:
            while not stop.is_set():
                _check([*self._pulling.values(), *watched])
                if await self._is_ready(line, stop):
                    await self._turn(line.take(), stop)
                else:
                    await self._in_thread(self._turner.let_go)
        finally:
            gathering.cancel()
            bringing.cancel()
            await asyncio.gather(gathering, bringing, return_exceptions=True)
            if membership is not None:
                await asyncio.gather(membership, return_exceptions=True)  # it ends by itself
            self._take_up(())
            await asyncio.gather(*self._left, return_exceptions=True)
            await self._in_thread(self._turner.close)
            self._thread.shutdown()
            self._beside.shutdown()

    async def _gather(self, looks: "asyncio.Queue[asyncio.Task[Ready]]", stop: asyncio.Event) -> None:
        """Read and verify what comes, a little at a time, while a turn is made.

        Some of it is read while the signatures of what came before are verified.
        """
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._inbox.arrived.wait(), _IDLE_S)
            if not self._inbox.messages:
                continue
            if len(self._inbox.messages) < LOOK_MESSAGES:
                await asyncio.sleep(min(LOOK_S, self._settings.linger_s))
            since = self._inbox.since
            looking = asyncio.create_task(self._look(self._inbox.take(LOOK_MESSAGES, LOOK_BYTES), since))
            await looks.put(looking)

    async def _look(self, messages: Sequence[Msg], since: float) -> Ready:
        """Read and verify some messages."""
        of = [delivered(message.reply) for message in messages]
        arrivals = self._arriving.arrivals(messages, of)
        loop = asyncio.get_running_loop()
        ahead = await loop.run_in_executor(self._beside, self._turner.look_ahead, arrivals)
        return Ready(messages, of, arrivals, ahead, since)

    async def _bring(self, looks: "asyncio.Queue[asyncio.Task[Ready]]", line: ReadyLine) -> None:
        """Put what was looked at in the line, in the order in which it came."""
        while True:
            await line.put(await (await looks.get()))

    async def _is_ready(self, line: ReadyLine, stop: asyncio.Event) -> bool:
        """Wait for a message, and then for those that come with it; False if none came."""
        with suppress(TimeoutError):
            await asyncio.wait_for(line.some.wait(), _IDLE_S)
        if not line.some.is_set():
            return False
        loop = asyncio.get_running_loop()
        until = line.since + self._settings.linger_s  # the loop has the monotonic clock too
        while (left := until - loop.time()) > 0 and not line.is_full and not stop.is_set():
            await asyncio.sleep(min(left, 0.05))
        return True

    def _take_up(self, partitions: Sequence[int]) -> None:
        """Pull the messages of these partitions, and of no others, from now on."""
        for partition in self._pulling.keys() - set(partitions):
            task = self._pulling.pop(partition)
            task.cancel()
            self._left.append(task)
        for partition in set(partitions) - self._pulling.keys():
            self._pulling[partition] = asyncio.create_task(self._pull(partition))

    async def _pull(self, partition: int) -> None:
        consumer, never = consumer_name(partition), asyncio.Event()
        pullers = (Puller(self._client, s, consumer, self._inbox) for s in (MQTT_STREAM, STREAM))
        await asyncio.gather(*(puller.run(never) for puller in pullers))

    async def _turn(self, turn: Ready, stop: asyncio.Event) -> None:
        """Make one turn, again until it is made; acknowledge all of it then."""
        began = asyncio.get_running_loop().time()
        messages, arrivals = turn.messages, turn.arrivals
        attempt = 0
        while True:
            try:
                feeds = await self._in_thread(self._turner.turn, arrivals, turn.ahead)
                break
            except VeracityError as exc:
                if stop.is_set():
                    return  # not acknowledged: the next worker has it
                logger.warning("a turn of %d messages failed, and is tried again: %s", len(arrivals), exc)
                await asyncio.sleep(AGAIN_S[min(attempt, len(AGAIN_S) - 1)])
                attempt += 1
        await self._acknowledge(messages, feeds)
        now_s = datetime.now(UTC).timestamp()
        waited = [now_s - d.at_ns / 1e9 for d in turn.delivered_as]
        seconds = asyncio.get_running_loop().time() - began
        n_foreign = len(messages) - len(arrivals)
        self._observe(TurnReport(feeds, len(messages), n_foreign, seconds, waited))

    async def _acknowledge(self, messages: Sequence[Msg], feeds: Sequence[FeedTurn]) -> None:
        """Acknowledge what is sealed, ask for the rest once more later, and tell who asked.

        If the broker's server dies meanwhile, some of it may be lost: then the broker gives those messages
        again, and they are known by their places.
        """
        try:
            left = {turn.feed for turn in feeds if turn.trouble is not None}
            for message in messages:
                is_left = bool(left) and feed_of(message) in left
                await self._client.publish(message.reply, AGAIN if is_left else ACK)
            for turn in feeds:
                for answer in turn.answers:
                    await tell(self._client, answer)
            await self._client.flush()
        except nats.errors.Error as exc:
            logger.warning(
                "acknowledging %d messages: want a broker that hears it, got: %r", len(messages), exc
            )

    async def _in_thread(self, task: Callable[_P, _R], *args: _P.args, **named: _P.kwargs) -> _R:
        call = partial(task, *args, **named)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _check(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Raise what a puller ended of."""
    for task in tasks:
        if task.done() and not task.cancelled() and (exc := task.exception()) is not None:
            raise exc
