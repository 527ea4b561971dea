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
import shutil
from collections.abc import AsyncIterator

from veracity.home.directory import open_directory, usable
from veracity.home.home import open_writer
from veracity.home.live.limits import read_limits
from veracity.live import broker as brokers
from veracity.live.city import City, metrics_folder, who_may
from veracity.live.connection import connect
from veracity.live.health import health_app
from veracity.live.logs import fields
from veracity.live.metrics import Gathered
from veracity.live.streams import make_streams
from veracity.live.up_settings import UpSettings
from veracity.server.running import address, listen, serve

logger = logging.getLogger(__name__)

OPEN_S = 30.0  #: for the home's lock at the start


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
    folder = settings.home / "broker"
    async with contextlib.AsyncExitStack() as stack:
        places = {"http": settings.http, "sources": settings.notify}
        doors = {
            role: stack.enter_context(listen(*place)) for role, place in places.items() if place is not None
        }
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
        city = City(settings, broker, client, gathered, doors)
        app = health_app(city.health, city.ready, gathered.text)
        listening = listen(*settings.monitor)
        told = asyncio.Event()
        page = asyncio.create_task(serve(app, listening, told))
        stack.push_async_callback(_end, told, page)
        where = address(listening)
        mqtt = None if broker is None else ":".join(map(str, broker.places.mqtt))
        http = address(doors["http"]) if "http" in doors else None
        told_where = fields(mqtt=mqtt, http=http, health=f"{where}/health", home=str(settings.home))
        logger.info("the city is up", extra=told_where)
        yield city, where


async def run_up(settings: UpSettings, stop: asyncio.Event, hurry: asyncio.Event) -> None:
    """Run a city until told to stop; ``hurry`` ends what still runs at once."""
    rushing: asyncio.Task[None] | None = None
    try:
        async with running(settings) as (city, _):
            rushing = asyncio.create_task(_rush(city, hurry))
            await city.run(stop)
    finally:  # not before the broker has ended: that is waited for, too
        if rushing is not None:
            rushing.cancel()
    logger.info("stopped")


async def _end(told: asyncio.Event, task: "asyncio.Task[None]") -> None:
    told.set()
    await task


async def _rush(city: City, hurry: asyncio.Event) -> None:
    await hurry.wait()
    city.hurry()
