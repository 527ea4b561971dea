"""Processes of ours: started in a group of their own, watched, started again, and ended by their own id.

A child of ours has a pipe for its standard input that nobody writes to after the first line. When this
process ends, however it ends, the pipe does too: that tells the child to end. A program that reads no
input is told by the kernel instead (Linux; elsewhere it stays if this process is killed).
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veracity.live.errors import CannotStart

logger = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 30.0
STEADY_S = 60.0  #: who ran that long starts again at once, as if for the first time
STOP_S = 20.0  #: from being told to end until being killed
MAX_LINE_BYTES = 65_536

_PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec nothing may be.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Command:
    """A process to run.

    Attributes
    ----------
    arguments
        The program and what it is called with. No secrets: anyone can list them.
    first_line
        What it reads first; then its input stays open as long as we live. None for a program that reads none.
    on_line
        Gets each line of its standard error; None leaves it to ours.
    keeps
        Files that stay open in it.
    """

    name: str
    arguments: Sequence[str]
    first_line: bytes | None = None
    on_line: Callable[[str], None] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps: Sequence[int] = ()


class Child:
    """One process, started again whenever it ends, until it is told to stop."""

    def __init__(
        self,
        command: Command,
        on_start: Callable[[str], None] = lambda _name: None,
        on_end: Callable[[int], None] = lambda _pid: None,
    ) -> None:
        self.command = command
        self._on_start = on_start
        self._on_end = on_end
        self._process: asyncio.subprocess.Process | None = None
        self._lines: asyncio.Task[None] | None = None
        self._is_ending = self._is_hurried = False
        self._rng = random.Random()  # noqa: S311 - spreads restarts, keeps no secret

    @property
    def pid(self) -> int | None:
        """Return its process id while it runs."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    async def start(self) -> None:
        """Start it once; ``CannotStart`` if that cannot be done."""
        command = self.command
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command.arguments,
                stdin=subprocess.DEVNULL if command.first_line is None else subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=None if command.on_line is None else subprocess.PIPE,
                env={**os.environ, **command.environment},
                pass_fds=command.keeps,
                process_group=0,  # Ctrl-C on the terminal is for us to pass on
                limit=MAX_LINE_BYTES,
                preexec_fn=None if command.first_line is not None else _end_with_parent,
            )
        except OSError as exc:
            raise CannotStart(
                f"{command.name}: want to start {command.arguments[0]}, got {exc.strerror}"
            ) from exc
        self._on_start(command.name)
        if command.on_line is not None and self._process.stderr is not None:
            self._lines = asyncio.create_task(_pass_on(self._process.stderr, command.on_line))
        if command.first_line is not None and self._process.stdin is not None:
            self._process.stdin.write(command.first_line + b"\n")
            with contextlib.suppress(ConnectionError):  # it ended already: who waits for it is told
                await self._process.stdin.drain()

    async def wait(self) -> int:
        """Wait for the end of the process that runs; return its exit code, negative for a signal."""
        assert self._process is not None, "started before"
        code = await self._process.wait()
        if self._lines is not None:
            await self._lines
        self._on_end(self._process.pid)
        return code

    async def keep(self, stop: asyncio.Event) -> None:
        """Run it, again after each end, with growing waits between, until ``stop``; then end it.

        One that runs already is taken over.
        """
        wait_s = FIRST_WAIT_S
        while not stop.is_set():
            since = time.monotonic()
            if self.pid is None:
                try:
                    await self.start()
                except CannotStart as exc:
                    logger.error("%s", exc)
            if self._process is not None and await _first_of(self._process.wait(), stop):
                code = await self.wait()
                logger.error("%s ended with code %d; it is started again", self.command.name, code)
            if time.monotonic() - since > STEADY_S:
                wait_s = FIRST_WAIT_S
            await _first_of(asyncio.sleep(wait_s * self._rng.uniform(0.5, 1.0)), stop)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        await self.end()

    def signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.pid is not None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def hurry(self) -> None:
        """Wait for its end no more: it is killed now if it was told to end, else once it is."""
        self._is_hurried = True
        if self._is_ending:
            self.signal(signal.SIGKILL)

    async def end(self, within_s: float = STOP_S) -> None:
        """Tell it to end, and kill it if it does not."""
        if self.pid is None:
            return
        self._is_ending = True
        self.signal(signal.SIGKILL if self._is_hurried else signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), within_s)
        except TimeoutError:
            logger.warning("%s did not end within %g s and is killed", self.command.name, within_s)
            self.signal(signal.SIGKILL)
            await self.wait()


async def _first_of(work: Coroutine[Any, Any, object], stop: asyncio.Event) -> bool:
    """Wait for something or for ``stop``, and say whether the work was done."""
    doing = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return doing.done()
    finally:
        doing.cancel()
        stopping.cancel()


async def _pass_on(stream: asyncio.StreamReader, on_line: Callable[[str], None]) -> None:
    """Give each line to ``on_line``; one that is too long is left out."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        on_line(line.decode("utf-8", "replace").rstrip())


def _end_with_parent() -> None:
    """Have the kernel tell this process to end when its parent has."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
