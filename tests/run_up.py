"""Run a city as a process of its own, with a worker of the tests, and look at it from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from brokers import DEADLINE_S

_RUN = """\
import logging, sys
from dataclasses import replace
from pathlib import Path
from veracity.cli.up import run_until_told
from veracity.errors import VeracityError
from veracity.live.broker_config import BrokerSettings
from veracity.live.logs import configure
from veracity.live.up_settings import UpSettings
configure(as_json=True)
broker = BrokerSettings(("127.0.0.1", 0), is_open=True, max_bytes=16 * 1024**2)
settings = UpSettings(Path(sys.argv[1]), broker, monitor=("127.0.0.1", 0), as_json=True, worker=sys.argv[2])
settings = replace(settings, nats_url=sys.stdin.readline().strip() or None)
try:
    sys.exit(0 if run_until_told(settings) else 130)
except VeracityError as exc:
    logging.getLogger("veracity.up").error("%s", exc)
    sys.exit(4)
"""
_HTTP = urllib3.PoolManager(retries=False)


class Up:
    """A city that runs."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self.log = process, log
        wait(lambda: bool(self.told("the city is up")) or process.poll() is not None)
        self.places: dict[str, str] = self.told("the city is up")[0]["fields"]

    def lines(self) -> list[dict[str, Any]]:
        """Everything it logged; each line is one JSON object, but the last, which may be half written."""
        return [
            json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line[-1:] == "\n"
        ]

    def told(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if message in line["message"]]

    def ask(self, path: str) -> tuple[int, str]:
        answer = _HTTP.request("GET", self.places["health"].replace("/health", path), timeout=20)
        return answer.status, answer.data.decode()

    def children(self) -> dict[str, int]:
        """Process ids by what they do."""
        found = {}
        for pid in children_of(self.process.pid):
            words = arguments(pid)
            found["broker" if "nats-server" in words[0] else words[-1]] = pid
        return found

    def is_at_work(self) -> bool:
        """Whether every process has begun with what it is for."""
        begun = self.told("bridge: ready") and self.told("jobs are scheduled")
        return bool(begun) and self.is_healthy()

    def is_healthy(self) -> bool:
        return self.ask("/health")[0] == 200


@contextmanager
def up(home: Path, worker: str = "stub_worker:work", nats: str = "") -> Iterator[Up]:
    """Run a city; end it, and whatever a failed test left of it, afterwards."""
    log = home.parent / "up.log"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.pop("SOURCE_DATE_EPOCH", None)
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, str(home), worker],
            stdin=subprocess.PIPE,
            stderr=out,
            text=True,
            env=environment,
        )
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(nats + "\n")
    known: set[int] = set()
    try:
        running = Up(process, log)
        known = set(running.children().values())
        yield running
    finally:
        known |= set(children_of(process.pid))
        if process.poll() is None:
            process.kill()
        process.wait()
        wait(lambda: not any(is_alive(pid) for pid in known))


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return [""]


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2 * DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.05)


def tell(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> None:
    process.send_signal(number)
