"""Told to stop, and told again: whenever it comes, the command ends with its own code, and all it began too.

The command itself is run, in a process that sends itself Ctrl-C at the moments in which nobody listened once:
when the loop has closed, when the command has returned, and when Python has given its signals back.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from brokers import DEADLINE_S, in_loop, until
from run_up import arguments, children_of, is_alive, wait
from small_city import new_city
from veracity.live.children import Child, Command
from veracity.live.told import heard

_RUN = """\
import asyncio, atexit, functools, os, signal, sys
from veracity.cli.main import main
from veracity.live import up_settings
from veracity.live.children import Child

def again(kill=os.kill, own=os.getpid(), number=signal.SIGINT):
    kill(own, number)

class Late:
    def __del__(self, again=again):  # the last that Python does: its own handlers are gone by then
        again()

def run_and_again(main, run=asyncio.run):
    try:
        return run(main)
    finally:
        again()

asyncio.run = run_and_again
atexit.register(again)
sys.late = Late()
Child.end.__defaults__ = (600.0,)  # what hangs is not killed before the test tells again
up_settings.UpSettings = functools.partial(up_settings.UpSettings, worker=sys.argv[1])
main(["up", sys.argv[2], "--open", "--json-logs", "--mqtt", "127.0.0.1:0", "--monitor", "127.0.0.1:0"])
"""
NO_END = """\
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: print("told", file=sys.stderr, flush=True))
print("ready", file=sys.stderr, flush=True)
while True:
    time.sleep(60)
"""


class City:
    """The command, running a city."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.out, self.err = folder / "out", folder / "err"
        wait(lambda: bool(self.told("the city is up")) or process.poll() is not None)
        wait(self.is_at_work)

    def lines(self) -> tuple[list[Any], list[str]]:
        """What stands on the standard error: lines of the log, and others."""
        said = [line for line in self.err.read_text().splitlines(keepends=True) if line[-1:] == "\n"]
        logged = [json.loads(line) for line in said if line.startswith("{")]
        return logged, [line for line in said if not line.startswith("{")]

    def is_at_work(self) -> bool:
        """Whether each process has begun with what it is for: one that has not yet just ends when told."""
        (up,) = self.told("the city is up")
        url = up["fields"]["health"].replace("/health", "/metrics")
        has_turned = (
            b"veracity_worker_turn_timestamp_seconds{" in urllib3.request("GET", url, timeout=20).data
        )
        return bool(self.told("bridge: ready") and self.told("jobs are scheduled")) and has_turned

    def told(self, message: str) -> list[Any]:
        return [line for line in self.lines()[0] if message in line["message"]]

    def children(self) -> dict[str, int]:
        words = {pid: arguments(pid) for pid in children_of(self.process.pid)}
        return {"broker" if "nats-server" in said[0] else said[-1]: pid for pid, said in words.items()}


@contextmanager
def running(folder: Path, worker: str) -> Iterator[City]:
    """Run a city; end it, and whatever a failed test left of it, afterwards."""
    home = new_city(folder / "city")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.pop("SOURCE_DATE_EPOCH", None)
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, worker, str(home)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            text=True,
            env=environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
        )
    known: set[int] = set()
    try:
        city = City(process, folder)
        known = set(city.children().values())
        yield city
        wait(lambda: not any(is_alive(pid) for pid in known))  # whatever came, nothing is left
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pid in known:
            if is_alive(pid):  # a failed test's
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_once_it_ends_in_order_whatever_comes_after(tmp_path: Path, number: int) -> None:
    """Ctrl-C after the end changes nothing: exit 0, the line that it stopped, no trace of Python."""
    with running(tmp_path, "stub_worker:work") as city:
        city.process.send_signal(number)
        assert city.process.wait(2 * DEADLINE_S) == 0
        logged, others = city.lines()
        assert logged[-1]["message"] == "stopped"
        assert others == []
        assert city.out.read_text() == f"{tmp_path / 'city'}: stopped; what was acknowledged is kept\n"


def test_told_again_it_does_not_wait(tmp_path: Path) -> None:
    """A worker that hangs, a broker that is held: they are killed; exit 130 and one line, no signal's."""
    with running(tmp_path, "stub_worker:hang") as city:
        children = city.children()
        city.process.send_signal(signal.SIGINT)
        wait(lambda: not {"bridge", "schedules"} & set(city.children()))
        assert is_alive(children["worker-0"])
        os.kill(children["broker"], signal.SIGSTOP)  # it cannot end when told to
        city.process.send_signal(signal.SIGINT)
        assert city.process.wait(2 * DEADLINE_S) == 130
        assert city.lines()[1] == ["veracity: ended at once, as told again; what was acknowledged is kept\n"]
        assert city.out.read_text() == ""
        assert not city.told("did not end within")
        assert not city.told("started again")


def test_signals_are_given_back_if_none_came() -> None:
    """Who calls the command as a function keeps its own handlers; errors do not change that."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with heard() as told:
        assert signal.getsignal(signal.SIGINT) == told.hear
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    with pytest.raises(ZeroDivisionError), heard():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_came_before_the_loop_is_told_in_it() -> None:
    """A signal between two steps of the start is not lost; nor is it told before it came."""

    async def events() -> tuple[bool, bool]:
        stop, hurry = told.events()
        return stop.is_set(), hurry.is_set()

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        for n, want in ((0, (False, False)), (1, (True, False)), (2, (True, True))):
            with heard() as told:
                for _ in range(n):
                    signal.raise_signal(signal.SIGINT)
                assert asyncio.run(events()) == want
            assert (signal.getsignal(signal.SIGINT) is signal.SIG_IGN) == (n > 0)
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)


@in_loop
async def test_a_child_that_is_hurried_is_not_waited_for() -> None:
    """Once it was told to end it is killed at once; before, it goes on until then."""
    for is_early in (False, True):
        said: list[str] = []
        child = Child(Command("stubborn", [sys.executable, "-c", NO_END], on_line=said.append))
        await child.start()
        await until(lambda said=said: "ready" in said)  # type: ignore[misc]
        pid = child.pid
        if is_early:
            child.hurry()
            assert child.pid == pid
        ending = asyncio.create_task(child.end(600))
        if not is_early:
            await until(lambda said=said: "told" in said)  # type: ignore[misc]
            child.hurry()
        await asyncio.wait_for(ending, DEADLINE_S)
        assert child.pid is None
        assert ("told" in said) is not is_early
