"""Claim: SensorThings queries are answered as fast as by a plain server on PostgreSQL, proofs and all.

Beside ``veracity serve``: django-ogc-sensorthings, which is Django's ORM on PostgreSQL, under gunicorn with
two workers; once with the indexes that it makes itself, once with those that its tables lack for readings.
The same simulated readings (seed 0) are in both: sealed batches in ours, rows brought in by COPY in theirs.
Both get the same requests, from another process on the same machine, each asking for what was not asked
before. The first answers of each query are compared: count, times, values (``differ``). CPU is that of the
server's processes, PostgreSQL's included, for one request.

Then observations are posted. What an answer 201 promises differs, so this is no race:

- ours: who sends may; the record keeps the contract's rules and came once only; what was sent is kept as
  evidence; rows and evidence are under a signed statement in the log; all of it is on disk;
- theirs: a row is in the table, on disk.

    python benchmarks/server_peers.py --peer-python build/server-peers/bin/python [--rows N] [--asks N]
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from measure import cost, percentile, report, workspace

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import sensorthings_peer as peer
from sensorthings_asks import N_IN_ARRAYS, Words, asks, many_posted, one_posted, said, sensor_name
from server import CONTRACT, ROWS_PER_BATCH, fill
from server_load import Request, Served
from veracity.home.home import Home

N_CLIENTS = 8
N_COMPARED = 5
_FORMAT = """servers:
  - {server: file, type: local, format: parquet}
"""
SENDABLE = CONTRACT.replace(_FORMAT, "")  #: a feed of one format takes no single observations
OURS = Words(
    lambda number: f"bench:{sensor_name(number)}:value",
    lambda number: f"'bench:{sensor_name(number)}:value'",
)


@contextmanager
def ours(root: Path) -> Iterator[Served]:
    """Serve a city as ``veracity serve`` does, with an account that may send."""
    veracity = [sys.executable, "-m", "veracity"]

    def said_by(*arguments: str) -> str:
        done = subprocess.run(
            [*veracity, *arguments, "--home", str(root)], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    said_by("account", "add", "bench", "--role", "publisher")
    token = said_by("account", "token", "bench").splitlines()[-1]
    command = [*veracity, "serve", "--home", str(root), "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        base = json.loads(server.stdout.readline())["url"]
        yield Served(f"{base}/v1.1/", [server.pid], token)
    finally:
        server.terminate()
        server.wait(30)


def read(name: str, served: Served, words: Words, n: int, n_asks: int) -> list[dict[str, Any]]:
    """Ask all queries; return a row of each, with what its first answers said."""
    rows = []
    for query, path in asks(n, words).items():
        answers = [said(served.ask(Request(path(i))).json()) for i in range(N_COMPARED)]
        first, last = N_COMPARED, N_COMPARED + n_asks
        times, cpu_ms = served.one_by_one([Request(path(i)) for i in range(first, last)])
        per_s, _ = served.at_once([Request(path(i)) for i in range(last, last + n_asks)], N_CLIENTS)
        rows.append(
            {
                "query": query,
                "server": name,
                "given": len(answers[0][1]),
                "p50_ms": percentile(times, 50),
                "p95_ms": percentile(times, 95),
                "cpu_ms": cpu_ms,
                "per_s_of_8": per_s,
                "answers": answers,
            }
        )
    return rows


def post(name: str, served: Served, words: Words, n: int, n_posts: int) -> list[dict[str, Any]]:
    """Post observations: one after the other, as arrays of a thousand, and by eight clients at once."""
    ones = [Request("Observations", one_posted(n, words, i)) for i in range(2 * n_posts)]
    arrays = [Request("CreateObservations", many_posted(n, words, i)) for i in range(10)]
    rows: list[dict[str, Any]] = []
    for query, requests, each in (
        ("POST one observation", ones[:n_posts], 1),
        ("POST arrays of 1,000", arrays, N_IN_ARRAYS),
    ):
        times, cpu_ms = served.one_by_one(requests)
        rows.append(
            {
                "query": query,
                "server": name,
                "given": each,
                "p50_ms": percentile(times, 50),
                "p95_ms": percentile(times, 95),
                "cpu_ms": cpu_ms,
                "posted_per_s": 1e3 * each * len(times) / sum(times),
            }
        )
    per_s, n_refused = served.at_once(ones[n_posts:], N_CLIENTS)
    rows.append(
        {
            "query": "POST one, of 8 clients",
            "server": name,
            "given": 1,
            "posted_per_s": per_s,
            "refused": n_refused,
        }
    )
    want = n + 2 * n_posts - n_refused + N_IN_ARRAYS * len(arrays)
    got = served.ask(Request("Observations?$top=0&$count=true")).json()["@iot.count"]
    if got != want:
        raise SystemExit(f"{name}: want {want} observations after all posts, got {got}")
    return rows


def measured(
    name: str, served: Served, words: Words, options: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], float]:
    """Read, then post; return the rows of both, and the memory after reading (MB)."""
    n = options.rows
    print(f"asking {name}", file=sys.stderr, flush=True)
    reads = read(name, served, words, n, options.asks)
    memory_mb = served.memory_mb()
    return reads, post(name, served, words, n, options.posts), memory_mb


def compare(wanted: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Say in each row how many of its first answers differ from the wanted ones."""
    for want, row in zip(wanted, rows, strict=True):
        differing = [i for i in range(N_COMPARED) if want["answers"][i] != row["answers"][i]]
        row["differ"] = len(differing)
        for i in differing[:1]:
            print(
                f"{row['server']}, {row['query']}:\n{str(want['answers'][i])[:300]}\n"
                f"{str(row['answers'][i])[:300]}",
                file=sys.stderr,
            )


def main() -> None:
    """Measure ours, then the peer as it is made, then with indexes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--asks", type=int, default=100)
    parser.add_argument("--posts", type=int, default=90)  # two times that many stay within an account's pace
    parser.add_argument(
        "--peer-python", type=Path, required=True, help="Python with requirements/server-peers.txt"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the servers end too
    options.peer_python = options.peer_python.absolute()
    about: dict[str, Any] = {"claim": "as fast as plain rows in PostgreSQL", "seed": 0, "simulated": True}
    reads: list[list[dict[str, Any]]] = []
    posts: list[dict[str, Any]] = []
    servers: list[dict[str, Any]] = []

    def add(name: str, served: Served, words: Words, **beside: Any) -> None:
        asked, sent, memory_mb = measured(name, served, words, options)
        reads.append(asked)
        posts.extend(sent)
        servers.append({"server": name, **beside, "memory_mb": memory_mb})

    with workspace() as folder, peer.database(options.peer_python) as database:
        root = folder / "city"
        with cost() as filling:
            fill(root, options.rows, SENDABLE)
        with cost() as loading, closing(Home.open(root)) as home:
            peer.load(database, home, -(-options.rows // ROWS_PER_BATCH))
        with ours(root) as served:
            add("veracity", served, OURS, load_s=filling.wall_s, stored_mb=_size_mb(root))
        for name in ("django", "django, indexed"):
            if name != "django":
                with cost() as indexing:
                    database.drop_posted()
                    database.add_indexes()
                loading.wall_s += indexing.wall_s
            beside = {"load_s": loading.wall_s, "stored_mb": database.size_mb}
            with peer.served(options.peer_python, database) as (base, pid):
                add(name, Served(base, [pid, database.pid]), peer.WORDS, **beside)
        about |= {"peer": peer.versions(options.peer_python, database), "indexes_added": peer.INDEXES}
    for rows in reads:
        compare(reads[0], rows)
    lines = [row for rows in zip(*reads, strict=True) for row in rows]
    for row in lines:
        del row["answers"]
    posts.sort(key=lambda row: str(row["query"]))
    about |= {"servers": servers, "clients": N_CLIENTS, "asks": options.asks}
    report("server_peers", {**about, "load_average": os.getloadavg()}, [*lines, *posts])
    for line in servers:
        print(json.dumps(line))


def _size_mb(root: Path) -> float:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
