"""The running city: one process that starts all others, keeps them alive, and ends them.

::

    veracity up
      broker        nats-server, unless one is named
      worker-0 …    take messages in and seal them, each its share of the partitions
      sources       ask what stands outside, if any are listed
      bridge        makes durable what comes without QoS 1
      schedules     certificates, panels, apps
      http          the city's server, if asked for
      devices       of the built-in city, if it is played

Who ends is started again, with growing waits. All end when the first process ends, however it ends.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from veracity.errors import VeracityError
from veracity.home.directory import open_directory, usable
from veracity.home.home import Home, open_writer
from veracity.home.live.limits import read_limits
from veracity.live import broker as brokers
from veracity.live.broker import Broker
from veracity.live.broker_config import Address, BrokerSettings, User
from veracity.live.child import Task, command
from veracity.live.children import Child, Command
from veracity.live.connection import connect
from veracity.live.credentials import feeds_of_agencies, read_credentials, users_of
from veracity.live.errors import BrokerUnavailable
from veracity.live.health import Answer, health_app, sealing_check
from veracity.live.logs import fields
from veracity.live.metrics import FOLDER, Gathered
from veracity.live.simulated_clock import RunningClock
from veracity.live.source_list import read_list
from veracity.live.streams import held, make_streams, waiting
from veracity.server.running import address, listen, serve

logger = logging.getLogger(__name__)

WORKER = "veracity.live.roles:worker"
LOOK_S = 2.0  #: between two looks at the broker, its streams, and who may connect
OPEN_S = 30.0  #: for the home's lock at the start
ROOM_BYTES = 64 * 1024**2  #: with less than that on its disk a home is not ready


@dataclass(frozen=True)
class UpSettings:
    """What is to run.

    Attributes
    ----------
    nats_url
        A broker that exists, instead of one of our own.
    n_workers
        Processes that seal; the partitions are shared out among them.
    http, monitor
        Where the log is served, if it is; and where health and metrics are. Port 0 takes a free one.
    notify
        Where brokers of NGSI-LD send their notifications, if they do.
    announce
        The broker's address as gateways are told it, ``mqtts://host:port``; None to leave it to them.
    is_live
        Whether to ask the built-in sources: weather, air and rivers of Da Nang.
    seed
        Of the built-in city, if it is played; then ``clock`` is its time.
    """

    home: Path
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    nats_url: str | None = None
    replicas: int = 1
    n_workers: int = 1
    http: Address | None = None
    monitor: Address = ("127.0.0.1", 7881)
    notify: Address | None = None
    announce: str | None = None
    as_json: bool = False
    clock: RunningClock | None = None
    is_live: bool = False
    seed: int | None = None
    worker: str = WORKER  #: what a worker does: ``module:function``, as in ``child``


class City:
    """A city that runs; use ``run_up``."""

    def __init__(
        self, settings: UpSettings, broker: Broker | None, client: Client, gathered: Gathered
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._client = client
        self._gathered = gathered
        self._refused: dict[str, int] = {}
        self._idle_at = time.time()  # when nothing was waiting, last
        self.children = [self._child(task) for task in self._tasks()]

    def _tasks(self) -> list[Task]:
        """Return what each process does, in the order in which they end."""
        s = self._settings
        tasks = []
        if s.seed is not None and self._broker is not None:
            tasks.append(self._task("devices", {"mqtt": self._broker.places.mqtt, "seed": s.seed}))
        if s.is_live or read_list(s.home):
            tasks.append(self._task("sources", {"live": s.is_live, "notify": s.notify}))
        tasks.append(self._task("bridge"))
        tasks.append(self._task("schedules"))
        if s.http is not None:
            tls = s.broker.tls
            options = {"certificate": str(tls.certificate) if tls else None, "open": s.broker.is_open}
            tasks.append(self._task("http", {"address": s.http, "announce": s.announce, **options}))
        for k in range(s.n_workers):
            # Where there may be others, here or on other machines, each takes its share.
            shares = s.n_workers > 1 or s.nats_url is not None
            worker = replace(self._task("worker", {"shares": shares}), name=f"worker-{k}", entry=s.worker)
            tasks.append(worker)
        return tasks

    def _task(self, role: str, options: dict[str, Any] | None = None) -> Task:
        s = self._settings
        url = self._broker.url if self._broker is not None else str(s.nats_url)
        return Task(role, f"veracity.live.roles:{role}", s.home, url, s.as_json, s.clock, options or {})

    def _child(self, task: Task) -> Child:
        made = Command(
            task.name,
            command(task),
            first_line=task.format(),
            environment={FOLDER: str(metrics_folder(self._settings.home))},
        )
        return Child(made, self._started, self._gathered.ended)

    def _started(self, name: str) -> None:
        self._gathered.starts.labels(name).inc()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep everything running until told to stop; then end it, who sends first, who seals last."""
        ends = [asyncio.Event() for _ in self.children]
        kept = [asyncio.create_task(c.keep(end)) for c, end in zip(self.children, ends, strict=True)]
        looking = asyncio.create_task(self._look_again(stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            # None of the others ends before it is told to, but for a bug, which is not to be slept through.
            await asyncio.wait({stopping, looking, *kept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            logger.info("stopping")
            stop.set()
            for end, task in zip(ends, kept, strict=True):
                end.set()
                await task
            await looking

    async def _look_again(self, stop: asyncio.Event) -> None:
        said = ""
        while not stop.is_set():
            try:
                await self._look()
                said = ""
            except VeracityError as exc:
                if isinstance(exc, BrokerUnavailable):
                    self._gathered.broker_up.set(0)
                if str(exc) != said:  # once, however long it stays so
                    said = str(exc)
                    logger.warning("%s", exc)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)

    async def _look(self) -> None:
        """Note what waits in the broker, and let in who may connect now."""
        if self._broker is not None:
            users = await asyncio.to_thread(who_may, self._settings)
            if self._broker.allow(users):
                logger.info("the broker lets in %d devices", len(users))
            for reason, n in self._broker.refused.items():
                counted = self._gathered.turned_away.labels(reason)
                counted.inc(n - self._counted(reason, n))
        for stream in await held(self._client):
            self._gathered.held_bytes.labels(stream.stream).set(stream.n_bytes)
            self._gathered.limit_bytes.labels(stream.stream).set(stream.max_bytes)
        n = 0
        for w in await waiting(self._client):
            self._gathered.waiting.labels(w.stream, str(w.partition)).set(w.n_waiting)
            n += w.n_waiting + w.n_in_hand
        self._gathered.broker_up.set(1)
        if n == 0:
            self._idle_at = time.time()

    def _counted(self, reason: str, n: int) -> int:
        """Return how many of a reason were counted before, and note that ``n`` are now."""
        before = self._refused.get(reason, 0)
        self._refused[reason] = n
        return before

    def health(self) -> Answer:
        """Say whether every process runs, and whether what waits is sealed."""
        runs = {c.command.name: c.pid is not None for c in self.children}
        if self._broker is not None:
            runs["broker"] = self._broker.pid is not None
        checks = {name: "ok" if alive else "not running" for name, alive in runs.items()}
        last = max(self._gathered.last_turns().values(), default=0.0)
        return Answer({**checks, "sealing": sealing_check(last, self._idle_at, time.time())})

    async def ready(self) -> Answer:
        """Say whether messages can be taken in and kept."""
        checks = {"broker": "ok", "home": _room(self._settings.home)}
        try:
            await waiting(self._client)
        except VeracityError as exc:
            checks["broker"] = str(exc)
        return Answer(checks)


@contextlib.asynccontextmanager
async def running(settings: UpSettings) -> AsyncIterator[tuple[City, str]]:
    """Start the broker, its streams and the health page; yield the city, to be ``run``, and the page's URL.

    Raises
    ------
    NoHome, MalformedLimits, AlreadyUp, BrokerUnavailable, CannotStart, CannotListen
    HomeBusy, MissingKey, StateBehind
        And whatever else keeps a home from being written: a worker would try in vain, again and again.
    """
    open_directory(settings.home)
    read_limits(settings.home)  # what a worker could not start with is said at once
    with open_writer(settings.home, settings.clock, wait_s=OPEN_S):
        pass  # what a crash left is finished, and the keys are there
    for place in (settings.http, settings.notify):
        if place is not None:
            listen(*place).close()
    folder = settings.home / "broker"
    async with contextlib.AsyncExitStack() as stack:
        broker = None
        url = settings.nats_url
        if url is None:
            broker = await stack.enter_async_context(
                brokers.running(folder, settings.broker, lambda: who_may(settings))
            )
            url = broker.url
            ended = asyncio.Event()
            keeping = asyncio.create_task(broker.child.keep(ended))
            stack.push_async_callback(_end, ended, keeping)
        else:
            await stack.enter_async_context(brokers.locked(folder))
        client = await connect(url, "up")
        stack.push_async_callback(client.close)
        await make_streams(client, settings.broker.max_bytes, settings.replicas)
        with usable(folder):
            shutil.rmtree(metrics_folder(settings.home), ignore_errors=True)
            metrics_folder(settings.home).mkdir(parents=True)
        gathered = Gathered(metrics_folder(settings.home))
        city = City(settings, broker, client, gathered)
        app = health_app(city.health, city.ready, gathered.text)
        listening = listen(*settings.monitor)
        told = asyncio.Event()
        page = asyncio.create_task(serve(app, listening, told))
        stack.push_async_callback(_end, told, page)
        where = address(listening)
        mqtt = None if broker is None else ":".join(map(str, broker.places.mqtt))
        logger.info(
            "the city is up", extra=fields(mqtt=mqtt, health=f"{where}/health", home=str(settings.home))
        )
        yield city, where


async def run_up(settings: UpSettings, stop: asyncio.Event, hurry: asyncio.Event) -> None:
    """Run a city until told to stop; ``hurry`` ends what still runs at once."""
    async with running(settings) as (city, _):
        rushing = asyncio.create_task(_rush(city, hurry))
        try:
            await city.run(stop)
        finally:
            rushing.cancel()
    logger.info("stopped")


def who_may(settings: UpSettings) -> Sequence[User]:
    """Return the devices that the home lets into its broker, with what they may publish now."""
    credentials = read_credentials(settings.home)
    if not credentials:
        return ()
    home = Home.open(settings.home)
    try:
        tls = settings.broker.tls
        return users_of(
            credentials, feeds_of_agencies(home), by_certificate=tls is not None and tls.ca is not None
        )
    finally:
        home.close()


def metrics_folder(home: Path) -> Path:
    """Return where the processes of a city count."""
    return home / "broker" / "metrics"


async def _end(told: asyncio.Event, task: "asyncio.Task[None]") -> None:
    told.set()
    await task


async def _rush(city: City, hurry: asyncio.Event) -> None:
    await hurry.wait()
    for child in city.children:
        child.signal(9)


def _room(home: Path) -> str:
    """Say whether the home can be written to."""
    try:
        stat = os.statvfs(home)
    except OSError as exc:
        return str(exc.strerror)
    if not os.access(home, os.W_OK):
        return "not writable"
    free = stat.f_bavail * stat.f_frsize
    return "ok" if free >= ROOM_BYTES else f"only {free} bytes free"
