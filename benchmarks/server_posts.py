"""Claim: observations that come at once are sealed together, so that more clients are more posts a second.

``veracity serve`` of a city with simulated readings (seed 0) of 1,000 sensors, in a process of its own. 1, 8
and 32 clients post one observation after the other, each the next when its last is answered. What is answered
201 is there once, under a signed statement: ``batches`` says how many there are; ``refused`` were told to
come again (503). The pace of an account is lifted.

    python benchmarks/server_posts.py [--rows N] [--posts N]
"""

import argparse
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from measure import percentile, report, workspace
from sensorthings_asks import one_posted
from server import fill
from server_load import Request, Served
from server_peers import OURS, SENDABLE, ours
from veracity.home.home import Home

CLIENTS = (1, 8, 32)
_SETTINGS = "limits: {writes: {per_second: 1000000, burst: 1000000}}\n"


def posted(served: Served, requests: Sequence[Request], n_clients: int) -> tuple[list[float], float]:
    """Let clients post all of it between them; return the ms of each that was taken, the seconds of all."""
    times: list[float] = []
    lock = threading.Lock()

    def post(request: Request) -> None:
        begun = time.perf_counter()
        answer = served.ask(request, (503,))
        with lock:
            if answer.status == 201:
                times.append(1e3 * (time.perf_counter() - begun))

    begun = time.perf_counter()
    with ThreadPoolExecutor(n_clients) as clients:
        list(clients.map(post, requests))
    return times, time.perf_counter() - begun


def n_batches(root: Path) -> int:
    """Count the batches of the feed."""
    with closing(Home.open(root)) as home:
        return len(home.index.batches("bench"))


def case(n: int, n_posts: int) -> list[dict[str, object]]:
    """Fill a city, serve it, post; return a row for each number of clients."""
    rows: list[dict[str, object]] = []
    with workspace() as folder:
        root = folder / "city"
        fill(root, n, SENDABLE)
        (root / "server.yaml").write_text(_SETTINGS, encoding="utf-8")
        with ours(root) as served:
            number = 3
            first = [Request("Observations", one_posted(n, OURS, i)) for i in range(number)]
            n_taken = len(posted(served, first, 1)[0])
            for n_clients in CLIENTS:
                n_all = n_posts * n_clients
                requests = [
                    Request("Observations", one_posted(n, OURS, i)) for i in range(number, number + n_all)
                ]
                number += n_all
                before, used = n_batches(root), served.cpu_s()
                times, took_s = posted(served, requests, n_clients)
                n_taken += len(times)
                rows.append(
                    {
                        "clients": n_clients,
                        "posts": n_all,
                        "refused": n_all - len(times),
                        "per_s": len(times) / took_s,
                        "p50_ms": percentile(times, 50),
                        "p95_ms": percentile(times, 95),
                        "cpu_ms": 1e3 * (served.cpu_s() - used) / len(times),
                        "batches": n_batches(root) - before,
                    }
                )
            got = served.ask(Request("Observations?$top=0&$count=true")).json()["@iot.count"]
        if got != n + n_taken:
            raise SystemExit(f"want {n + n_taken} observations after all posts, got {got}")
    return rows


def main() -> None:
    """Measure with 1, 8 and 32 clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--posts", type=int, default=30, help="of each client")
    options = parser.parse_args()
    about = {"claim": "posts that come at once are sealed together", "seed": 0, "simulated": True}
    rows = case(options.rows, options.posts)
    report("server_posts", {**about, "rows": options.rows, "load_average": os.getloadavg()}, rows)


if __name__ == "__main__":
    main()
