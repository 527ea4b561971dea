"""Make system calls of a real process fail, or stop or kill it there, with strace's fault injection.

Calls are counted by kind, for each thread, from its start. A run that nothing disturbs says which of them
reach the log; another run makes the same ones, as Python's hashes and imports are always the same.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from log_invariants import Answers

HERE = Path(__file__).parent
#: every call that changes what a log keeps, or opens a file to do so
CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "openat"),
    *("mkdir", "mkdirat", "unlink", "unlinkat", "ftruncate"),
)
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


@dataclass(frozen=True)
class Injection:
    """What happens to call number ``at`` (from 1) of a kind: ``error=EIO``, ``signal=SIGKILL`` …"""

    call: str
    at: int
    what: str

    def __str__(self) -> str:
        return f"{self.call} {self.at}: {self.what}"


@dataclass(frozen=True)
class Ran:
    """How an appender ended under strace, what it said, and its calls."""

    code: int
    answers: Answers
    complaint: str
    trace: str

    def hit(self, root: Path) -> str:
        """Return the line of the call that failed or was the last, if it reached ``root``; else ""."""
        ends = ("(INJECTED)", "= ?", "<unfinished ...>")
        lines = [line.rstrip() for line in self.trace.splitlines() if str(root) in line]
        return next((line for line in lines if line.endswith(ends)), "")


def why_not() -> str | None:
    """Return why calls cannot be made to fail here, or None."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = "import os\ntry: os.fsync(1)\nexcept OSError as e: print(e.errno)"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=ENOSPC", sys.executable]
    done = subprocess.run([*command, "-c", probe], capture_output=True, text=True)
    return (
        None
        if done.stdout.strip() == "28"
        else f"strace cannot inject faults here: {done.stderr.strip()[:200]}"
    )


why_not = cache(why_not)


def command(given: Mapping[str, object]) -> list[str]:
    """Return the command line of an appender."""
    return [sys.executable, str(HERE / "log_appender.py"), json.dumps(given)]


def environment() -> dict[str, str]:
    """Return what an appender sees: always the same hashes, and no file written but the log's."""
    return os.environ | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "error"}


def run(given: Mapping[str, object], trace: Path, injection: Injection | None = None) -> Ran:
    """Run an appender to its end under strace, with a fault or none."""
    options = [
        "-f",
        "-y",
        "-qq",
        "-s",
        "256",
        "-o",
        str(trace),
        "-e",
        f"trace={','.join((*CALLS, 'writev'))}",
    ]
    if injection is not None:
        options += ["-e", f"inject={injection.call}:{injection.what}:when={injection.at}"]
    done = subprocess.run(
        ["strace", *options, *command(given)], capture_output=True, text=True, env=environment(), timeout=120
    )
    return Ran(done.returncode, Answers().take(done.stdout), done.stderr, trace.read_text(errors="replace"))


def calls_on(ran: Ran, root: Path) -> list[tuple[str, int]]:
    """Return the calls that reached ``root``, by kind and number, in the order they were made."""
    made: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, int], None] = {}
    for line in ran.trace.splitlines():
        match = _LINE.match(line)
        if match is not None and match[2] in CALLS:
            made[match[1], match[2]] += 1
            if str(root) in match[3]:
                found[match[2], made[match[1], match[2]]] = None
    return list(found)


@dataclass
class Paused:
    """An appender that stands still at a call, until ``go_on``."""

    process: subprocess.Popen[str]
    pid: int

    def go_on(self) -> tuple[int, Answers, str]:
        """Let it go on to its end; return its exit code, what it said and what it complained of."""
        os.kill(self.pid, signal.SIGCONT)
        said, complaint = self.process.communicate(timeout=120)
        return self.process.returncode, Answers().take(said), complaint


@contextmanager
def paused(given: Mapping[str, object], trace: Path, call: str, at: int) -> Iterator[Paused | None]:
    """Start an appender and wait until it stands still after a call; None if it came to its end first."""
    options = ["-f", "-qq", "-o", str(trace), "-e", f"trace={call}"]
    options += ["-e", f"inject={call}:signal=SIGSTOP:when={at}"]
    process = subprocess.Popen(
        ["strace", *options, *command(given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        while process.poll() is None:
            stop = re.search(
                r"^(\d+) +--- stopped by SIGSTOP", trace.read_text() if trace.exists() else "", re.M
            )
            if stop is not None:
                yield Paused(process, int(stop[1]))
                return
            time.sleep(0.01)
        yield None
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
