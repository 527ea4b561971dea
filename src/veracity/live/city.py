"""The processes of a running city: started, watched, and ended, who sends first, who seals last."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import Any

from nats.aio.client import Client

from veracity.errors import VeracityError
from veracity.home.home import Home
from veracity.live.broker import Broker
from veracity.live.broker_config import User
from veracity.live.child import Task, command
from veracity.live.children import Child, Command
from veracity.live.credentials import feeds_of_agencies, read_credentials, users_of
from veracity.live.errors import BrokerUnavailable
from veracity.live.health import Answer, sealing_check
from veracity.live.metrics import FOLDER, Gathered
from veracity.live.source_list import read_list
from veracity.live.streams import held, waiting
from veracity.live.up_settings import UpSettings

logger = logging.getLogger(__name__)

LOOK_S = 2.0  #: between two looks at the broker, its streams, and who may connect
ROOM_BYTES = 64 * 1024**2  #: with less than that on its disk a home is not ready


class City:
    """A city that runs; use ``run_up``.

    ``doors`` are the sockets on which some of its processes listen, by role. They stay open while a process
    is started again: who connects then waits, and is not refused.
    """

    def __init__(
        self,
        settings: UpSettings,
        broker: Broker | None,
        client: Client,
        gathered: Gathered,
        doors: Mapping[str, socket],
    ) -> None:
        self._settings = settings
        self._doors = doors
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
            tasks.append(self._task("sources", {"live": s.is_live}))
        tasks.append(self._task("bridge"))
        tasks.append(self._task("schedules"))
        if s.http is not None:
            tls = s.broker.tls
            options = {"certificate": str(tls.certificate) if tls else None, "open": s.broker.is_open}
            tasks.append(self._task("http", {"public_url": s.public_url, "announce": s.announce, **options}))
        for k in range(s.n_workers):
            # Where there may be others, here or on other machines, each takes its share.
            shares = s.n_workers > 1 or s.nats_url is not None
            worker = replace(self._task("worker", {"shares": shares}), name=f"worker-{k}", entry=s.worker)
            tasks.append(worker)
        return tasks

    def _task(self, role: str, options: dict[str, Any] | None = None) -> Task:
        s = self._settings
        url = self._broker.url if self._broker is not None else str(s.nats_url)
        door = {"door": self._doors[role].fileno()} if role in self._doors else {}
        options = {**(options or {}), **door}
        return Task(role, f"veracity.live.roles:{role}", s.home, url, s.as_json, s.clock, options)

    def _child(self, task: Task) -> Child:
        made = Command(
            task.name,
            command(task),
            first_line=task.format(),
            environment={FOLDER: str(metrics_folder(self._settings.home))},
            keeps=tuple(task.options[n] for n in ("door",) if n in task.options),
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
            for door in self._doors.values():
                door.close()  # the processes have it still, until they end
            for end, task in zip(ends, kept, strict=True):
                end.set()
                await task
            await looking

    def hurry(self) -> None:
        """Wait for no process any more: end each at once, those that seal with what they were sealing."""
        for child in self.children:
            child.hurry()
        if self._broker is not None:
            self._broker.child.hurry()

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
