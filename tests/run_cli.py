"""Run the command: as a process of its own, or in this one where only its answers matter.

A process that is only waited for comes from one that has everything loaded (``warm_command``).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from small_city import EPOCH
from veracity.cli.main import main
from warm_command import warm_command

COMMAND = [sys.executable, "-m", "veracity"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """The surroundings of a command: time stands still, no home is given, warnings are errors."""
    kept = {k: v for k, v in os.environ.items() if k != "VERACITY_HOME"}
    return kept | {"SOURCE_DATE_EPOCH": EPOCH, "PYTHONWARNINGS": "error"} | more


def run(*arguments: str | Path, before: Callable[[], None] | None = None, timeout_s: float = 120) -> Done:
    """Run the command as a process; with ``before``, which sets limits, as one from its very start."""
    command = [str(warm_command())] if before is None else COMMAND
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=before,
        timeout=timeout_s,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start the command and return without waiting. It takes SIGINT, whatever this process does."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


class Here:
    """Runs the command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
        monkeypatch.delenv("VERACITY_HOME", raising=False)

    def __call__(self, *arguments: str | Path) -> Done:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(a) for a in arguments])
        out, err = self._capsys.readouterr()
        code = caught.value.code
        return Done(code if isinstance(code, int) else int(code is not None), out, err)


def is_one_line(done: Done) -> bool:
    """Whether a failed command said one line on stderr and nothing on stdout."""
    return done.out == "" and done.err.startswith("veracity: ") and done.err.count("\n") == 1
