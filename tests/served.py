"""Our servers as processes of their own: started through the command, ended by their own pid."""

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from run_cli import COMMAND, environment

STOP_S = 30


@dataclass
class Served:
    """A running server, and what it said of itself."""

    process: subprocess.Popen[str]
    said: dict[str, Any]

    @property
    def url(self) -> str:
        """Where it listens."""
        url: str = self.said["url"]
        return url

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it with a signal; return its exit code and what it said on stderr."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=STOP_S)
        return self.process.returncode, err


@contextmanager
def serving(*arguments: str | Path, port: int = 0) -> Iterator[Served]:
    """Run a serving command, with ``--json`` and a free port unless one is named, until the block ends."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments), "--port", str(port), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=STOP_S)
        yield Served(process, json.loads(line))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=STOP_S)


def ask(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> urllib3.BaseHTTPResponse:
    """Send one request as it is: nothing is decoded, followed or retried."""
    with urllib3.PoolManager(retries=False) as pool:
        return pool.request(
            method, url, body=body, headers=headers, redirect=False, decode_content=False, timeout=60.0
        )
