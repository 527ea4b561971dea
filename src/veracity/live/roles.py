"""What the processes of the running city do, each called by ``child`` with its task."""

import asyncio
import time

from veracity.live.child import Task
from veracity.live.connection import connect
from veracity.live.metrics import Metrics
from veracity.live.subjects import PARTITIONS


async def worker(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    """Take messages in and seal them: all partitions, or a share where there are several workers."""
    from veracity.live.worker import TurnReport, WorkerSettings, run_worker

    def turned(report: TurnReport) -> None:
        for feed in report.feeds:
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


async def http(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:  # noqa: ARG001 - as all roles
    """Serve the log and receipts to anyone, as ``veracity log serve --receipts`` does."""
    from veracity.server.log_app import LogApp
    from veracity.server.log_store import log_of_home, open_log
    from veracity.server.receipts_app import WithReceipts
    from veracity.server.running import listen, serve

    app = WithReceipts(LogApp(open_log(log_of_home(task.home))), task.home)
    host, port = task.options["address"]
    await serve(app, listen(host, port), stop)


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
