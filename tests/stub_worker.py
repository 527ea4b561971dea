"""A worker for tests of the process tree: it takes nothing, and ends when told to, or never."""

import asyncio
import os
import time

from veracity.live.child import Task
from veracity.live.metrics import Metrics


async def work(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    metrics.turned(time.time())
    metrics.messages("rain", 3)
    await stop.wait()


async def hang(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    metrics.turned(time.time())
    while os.getpid():
        time.sleep(0.1)  # not even its loop turns


async def fail(task: Task, stop: asyncio.Event, metrics: Metrics) -> None:
    raise RuntimeError("this worker never works")
