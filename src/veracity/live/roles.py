"""What the processes of the running city do, each called by ``child`` with its task."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from starlette.types import ASGIApp

from veracity.live.child import Task
from veracity.live.connection import connect
from veracity.live.metrics import Metrics
from veracity.live.subjects import PARTITIONS
from veracity.provenance.joining import Broker

_LOOK_S = 5.0  # between two notes of how the sources do


async def worker(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    """Take messages in and seal them: all partitions, or a share where there are several workers."""
    from veracity.home.live.limits import read_limits
    from veracity.live.worker import TurnReport, WorkerSettings, run_worker

    def turned(report: TurnReport) -> None:
        for feed in report.feeds:
            if feed.trouble is not None:
                metrics.left(feed.feed, feed.n_messages)
                continue
            metrics.messages(feed.feed, feed.n_messages)
            for outcome in ("accepted", "quarantined", "refused", "duplicate"):
                metrics.records(feed.feed, outcome, getattr(feed, outcome))
            for reason, n in feed.turned.items():
                metrics.refused(reason, n)
            if feed.batch is not None:
                n_records = feed.accepted + feed.quarantined + feed.refused
                metrics.sealed(feed.feed, feed.n_messages, n_records, feed.seal_s)
        if report.n_foreign:
            metrics.refused("foreign-subject", report.n_foreign)
        metrics.waited(report.waited_s)
        metrics.turned(time.time())

    settings = WorkerSettings(
        task.home,
        task.nats_url,
        partitions=None if task.options["shares"] else tuple(range(PARTITIONS)),
        limits=read_limits(task.home),
        speed=1.0 if task.clock is None else task.clock.speed,
    )
    metrics.turned(time.time())
    await run_worker(settings, stop, turned, task.clock)


async def bridge(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    """Make durable what comes without QoS 1."""
    from veracity.live.bridge import Bridge
    from veracity.live.publishing import Publisher

    client = await connect(task.nats_url, task.name)
    try:
        await Bridge(client, Publisher(client), metrics.bridged).run(stop)
    finally:
        await client.close()


async def sources(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    """Ask the sources that the home lists, and the built-in ones where they are asked for."""
    from veracity.home.directory import open_directory
    from veracity.home.live.limits import read_limits
    from veracity.home.stores import Stores
    from veracity.live.notify_app import notify_app
    from veracity.live.outlet import Outlet
    from veracity.live.publishing import Publisher
    from veracity.live.source_list import live_sources, sources_of
    from veracity.live.source_state import FILE, SourceState
    from veracity.live.sources import SourceRunner

    listed = sources_of(task.home)
    if task.options["live"]:
        names = {source.name for source in listed}
        listed += [source for source in live_sources() if source.name not in names]
    stores = Stores.of(open_directory(task.home))
    client = await connect(task.nats_url, task.name)
    try:
        outlet = Outlet(stores.objects, Publisher(client).publish, read_limits(task.home))
        runner = SourceRunner(
            listed,
            outlet,
            SourceState(task.home / FILE),
            clock=task.time,
            rng=np.random.default_rng(),
        )
        running = asyncio.create_task(runner.run())
        told = asyncio.create_task(_notifications(task, notify_app(listed, outlet), stop))
        while not stop.is_set() and not running.done() and not told.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_S)
            metrics.sources(runner.statuses())
        for part in (running, told):
            if not part.done():
                part.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await part
    finally:
        await client.close()
        stores.close()


async def _notifications(task: Task, app: ASGIApp, stop: asyncio.Event) -> None:
    """Serve what brokers of NGSI-LD notify, if there is a place for that, until told to stop."""
    from veracity.server.running import inherited, serve

    if "door" not in task.options:
        await stop.wait()
        return
    await serve(app, inherited(task.options["door"]), stop)


async def http(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:  # noqa: ARG001 - as all roles
    """Serve the city to anyone, as ``veracity serve`` does, and let gateways join."""
    from veracity.server.app import make_app
    from veracity.server.enrolment_app import enrolment_app
    from veracity.server.fronts import BehindFronts
    from veracity.server.running import inherited, serve
    from veracity.server.settings_file import read_settings
    from veracity.server.warming import warm

    served = read_settings(task.home, public_url=task.options["public_url"], clock=task.time)
    city = make_app(served.settings)
    joining = enrolment_app(city, task.home, partial(_told_the_broker, task), clock=task.time)
    app = BehindFronts(joining, served.settings.fronts)
    city.state.accounts.catch_up()
    try:
        door, events = inherited(task.options["door"]), city.state.events
        await serve(app, door, stop, served.connections, events.close, lambda: warm(city))
    finally:
        city.state.accounts.close()
        city.state.city.close()


def _told_the_broker(task: Task, name: str, _feeds: Sequence[str]) -> Broker | None:
    """Return what a gateway that joined is told of the broker, with its own password; None for nothing."""
    from veracity.live.credentials import set_password

    url, certificate = task.options["announce"], task.options["certificate"]
    if url is None:
        return None
    ca = None if certificate is None else Path(certificate).read_text("utf-8")
    return (
        Broker(url, ca=ca) if task.options["open"] else Broker(url, name, set_password(task.home, name), ca)
    )


async def schedules(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    """Do what is due: certificates of days, panels, apps, the log's witnesses."""
    from veracity.live.schedules import run_schedules

    await run_schedules(task.home, task.time, stop, metrics)


async def devices(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:  # noqa: ARG001 - as all roles
    """Play the devices of the built-in city, simulated."""
    from veracity.live.simulated import run_devices

    assert task.clock is not None, "the built-in city has a clock of its own"
    mqtt = task.options["mqtt"]
    await run_devices(task.home, (mqtt[0], mqtt[1]), task.options["seed"], task.clock, stop)
