"""A process that has the ``veracity`` command loaded, and forks for each call.

Run as ``python warm_server.py DESCRIPTOR``, of a listening socket. It ends when its standard input
does. A caller connects and sends one line of JSON (arguments, environment, umask) with four
descriptors: its three streams and its directory. It may then send signals, a byte each, and gets
the exit code, as a number in ASCII, below 0 for a signal. When the caller goes away, its command is
killed.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

AREAS = [f"veracity.{area}" for area in ("cli", "data", "feeds", "home", "log", "provenance", "stores")]
#: What these import only when they need it, and most commands do.
LIBRARIES = ("cryptography.x509", "deltalake", "numpy", "obstore", "polars", "pydantic", "sqlalchemy", "yaml")
FIRST_BYTES = 1 << 20
#: This one, those of OpenBLAS, which starts them again in a fork, and those of memory, which wait.
IDLE = {"python", "python3", "jemalloc_bg_thd", "polars-ooc-clea"}


def load() -> None:
    """Import what commands import. Of pools of threads none may start by that: a fork would not have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for library in LIBRARIES:
            import_module(library)
        for area in AREAS:
            package = import_module(area)
            for found in walk_packages(package.__path__, f"{area}."):
                import_module(found.name)
    tasks = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    assert tasks <= IDLE, f"want only idle threads after importing, got {sorted(tasks - IDLE)}"
    gc.collect()
    gc.freeze()


def serve(listener: socket.socket) -> None:
    """Take calls until the standard input ends. Returns in a child that is to be the command, too."""
    while True:
        ready, _, _ = select.select([listener.fileno(), 0], [], [])
        if 0 in ready:
            os._exit(0)
        caller, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return answer(caller)
        caller.close()
        reap()


def reap() -> None:
    """Take the ends of children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def answer(caller: socket.socket) -> None:
    """Run a call in a child and send how it ended. Returns in that child."""
    line, descriptors, _, _ = socket.recv_fds(caller, FIRST_BYTES, 4)
    while not line.endswith(b"\n"):
        line += caller.recv(FIRST_BYTES)
    child = os.fork()
    if child == 0:
        caller.close()
        return become(json.loads(line), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    ended = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([ended, caller.fileno()], [], [])
        if ended in ready:
            break
        sent = caller.recv(1)
        os.kill(child, sent[0] if sent else signal.SIGKILL)
        if not sent:
            break
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        caller.sendall(str(code).encode())
    finally:
        os._exit(0)


def become(call: dict[str, Any], descriptors: list[int]) -> None:
    """Take on the streams, directory and surroundings of a caller."""
    for target, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, target)
    os.fchdir(descriptors[3])
    for descriptor in descriptors:
        os.close(descriptor)
    os.umask(call["umask"])
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ.clear()
    os.environ.update(call["environment"])
    time.tzset()
    more = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [folder for folder in more if folder not in before]
    if os.environ.get("PYTHONWARNINGS"):
        warnings.simplefilter(os.environ["PYTHONWARNINGS"])  # type: ignore[arg-type]  # as this process is told it
    sys.argv = ["veracity", *call["arguments"]]


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file: the command has not its own among its modules
    load()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from veracity.cli.main import main

    main()
