"""Ports for servers that are started, stopped and started again where they were."""

import os
import socket
from itertools import cycle

# Below those that the system gives away itself: no client's connection gets one while its server is down.
_LOWEST, _OF_ONE, _WORKERS = 20_000, 1_000, 12


def _own() -> range:
    """The ports of this process among those that run tests."""
    worker = int("0" + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")) % _WORKERS
    return range(_LOWEST + worker * _OF_ONE, _LOWEST + (worker + 1) * _OF_ONE)


_NEXT = cycle(_own())


def free_port() -> int:
    """Return a port of loopback that nobody listens at, another each time."""
    for _ in range(_OF_ONE):
        port = next(_NEXT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"want a free port of {_own()}, got none")
