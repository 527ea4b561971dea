"""What the processes of the running city do, each called by ``child`` with its task."""

import asyncio
from importlib import import_module

from veracity.live.child import Task
from veracity.live.connection import connect
from veracity.live.metrics import Metrics


async def worker(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    """Take the messages of some partitions in: door, segment, seal, acknowledge."""
    module, _, function = str(task.options["function"]).partition(":")
    run = getattr(import_module(module), function)
    await run(task.home, task.nats_url, task.options["partitions"], stop, metrics, task.time)


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
