"""A process of the running city: told what to do by the first line of its input, and to end by its end.

``python -m veracity.live.child`` reads one line of JSON, a ``Task``, and calls the function that it names,
``module:function``, with the task, an event that says to stop, and the counters of this process. The line
may hold the broker's password: a program's arguments and environment are no place for that.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from veracity.errors import VeracityError
from veracity.home.clock import Clock, system_clock
from veracity.live.logs import configure
from veracity.live.metrics import Metrics
from veracity.live.simulated_clock import RunningClock

logger = logging.getLogger(__name__)

END_S = 10.0  #: after the first process has ended; then this one ends itself


@dataclass(frozen=True)
class Task:
    """What one process is to do.

    Attributes
    ----------
    name
        Of the process, as in logs: ``worker-0``, ``bridge``.
    entry
        ``module:function``; it is called as ``await function(task, stop, metrics)``.
    options
        What this function needs beside.
    clock
        Simulated time, or None for the machine's.
    """

    name: str
    entry: str
    home: Path
    nats_url: str
    as_json: bool = False
    clock: RunningClock | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def time(self) -> Clock:
        """Return the city's clock."""
        return self.clock or system_clock()

    def format(self) -> bytes:
        """Return the task as one line, without its end."""
        clock = (
            None
            if self.clock is None
            else [self.clock.begins.isoformat(), self.clock.since_s, self.clock.speed]
        )
        document = {**vars(self), "home": str(self.home), "clock": clock, "options": dict(self.options)}
        return json.dumps(document).encode()

    @classmethod
    def parse(cls, line: bytes) -> "Task":
        """Read a task that ``format`` wrote."""
        document = json.loads(line)
        if document["clock"] is not None:
            begins, since_s, speed = document["clock"]
            document["clock"] = RunningClock(datetime.fromisoformat(begins), since_s, speed)
        return cls(**{**document, "home": Path(document["home"])})


def command(task: Task) -> list[str]:
    """Return the arguments that start a process for a task; who it is shows in the list of processes."""
    return [sys.executable, "-m", "veracity.live.child", task.name]


def main() -> None:
    """Do the task of the first line of the standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process to pass on
    line = sys.stdin.buffer.readline()
    if not line:
        return
    task = Task.parse(line)
    configure(as_json=task.as_json)
    try:
        asyncio.run(_do(task))
    except VeracityError as exc:
        logger.error("%s failed: %s", task.name, exc)
        sys.exit(1)
    except Exception:
        logger.exception("%s failed", task.name)
        sys.exit(1)


async def _do(task: Task) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def until_alone() -> None:
        while os.read(0, 4_096):
            pass
        with contextlib.suppress(RuntimeError):  # it is ending
            loop.call_soon_threadsafe(stop.set)
        time.sleep(END_S)
        os._exit(1)  # whatever it hangs in

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=until_alone, name="parent", daemon=True).start()
    module, _, function = task.entry.partition(":")
    await getattr(import_module(module), function)(task, stop, Metrics(task.name))


if __name__ == "__main__":
    main()
