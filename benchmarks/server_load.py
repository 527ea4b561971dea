"""Load on a server that runs in processes of its own: how long it takes, what it uses, how much it bears."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import urllib3

from soak import tree

_IN_URLS = "'()/?&=$:,;"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Request:
    """A request: a GET, or a POST if it has a body."""

    path: str
    body: bytes | None = None


class Served:
    """A running server: where it answers, and the processes that it is made of, with all below them."""

    def __init__(self, base: str, pids: Sequence[int], token: str | None = None) -> None:
        self._base, self._pids = base, pids
        self._pool = urllib3.PoolManager(maxsize=16, retries=False, timeout=120)
        self._headers = {"content-type": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"

    def ask(self, request: Request, refused: tuple[int, ...] = ()) -> urllib3.BaseHTTPResponse:
        """Return the answer; ``refused``: the statuses that are none, and no error either.

        Raises
        ------
        SystemExit
            If it is an error: a benchmark of errors says nothing.
        """
        url = self._base + quote(request.path, safe=_IN_URLS)
        if request.body is None:
            answer = self._pool.request("GET", url)
        else:
            answer = self._pool.request("POST", url, body=request.body, headers=self._headers)
        if answer.status not in (200, 201, *refused):
            raise SystemExit(f"{request.path}: want 200 or 201, got {answer.status}: {answer.data[:500]!r}")
        return answer

    def one_by_one(self, requests: Sequence[Request]) -> tuple[list[float], float]:
        """Ask one after the other; return the milliseconds of each, and the CPU ms of the server for one."""
        times, before = [], self.cpu_s()
        for request in requests:
            begun = time.perf_counter()
            self.ask(request)
            times.append(1e3 * (time.perf_counter() - begun))
        return times, 1e3 * (self.cpu_s() - before) / len(requests)

    def at_once(self, requests: Sequence[Request], n_clients: int) -> tuple[float, int]:
        """Let some clients ask all of it between them.

        Returns
        -------
        per_s
            Answers a second, without the refused.
        n_refused
            How many were told to come again (503).
        """
        begun = time.perf_counter()
        with ThreadPoolExecutor(n_clients) as clients:
            statuses = list(clients.map(lambda request: self.ask(request, (503,)).status, requests))
        n_refused = statuses.count(503)
        return (len(requests) - n_refused) / (time.perf_counter() - begun), n_refused

    def cpu_s(self) -> float:
        """Return the CPU seconds of its processes so far, those that ended included."""
        return sum(_cpu_s(pid) for top in self._pids for pid in tree(top))

    def memory_mb(self) -> float:
        """Return the memory of its processes; what several share counts once."""
        return sum(_pss_mb(pid) for top in self._pids for pid in tree(top))


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
