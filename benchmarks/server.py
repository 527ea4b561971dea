"""Claim: observations out of 10 million rows in 200 ms or less (p95, warm), over HTTP.

A city with one feed of simulated readings (seed 0), taken in as any feed is: 1,000 sensors, one reading
each every 5 minutes. The server listens on loopback, in a process with the client; each query is asked for
other sensors or limits each time, so that no answer was given before. ``first_ms`` is the very first.

    python benchmarks/server.py [--rows N] [--asks N]
"""

import argparse
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import numpy as np
import polars as pl
import urllib3

from measure import cpu_seconds, in_process, peak_mb, percentile, report, workspace
from veracity.home.contracts import add_feed
from veracity.home.founding import init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.server.app import make_app
from veracity.server.running import address, listen, run
from veracity.server.settings import ServerSettings

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: bench
name: Readings (simulated)
version: 1.0.0
status: active
tags: [simulated]
description: {purpose: A benchmark., limitations: Simulated.}
servers:
  - {server: file, type: local, format: parquet}
schema:
  - name: observations
    logicalType: object
    properties:
      - {name: station, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: observed_at, logicalType: timestamp, required: true, primaryKey: true, primaryKeyPosition: 2}
      - name: value
        logicalType: number
        customProperties: [{property: unit, value: m}]
"""
SENSORS = 1_000
ROWS_PER_BATCH = 524_288
START = datetime(2025, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=5)


def fill(root: Path, n: int, contract: str = CONTRACT) -> None:
    """Make a city with ``n`` readings, one batch after the other."""
    init(root, "bench.example/simulated")
    written = root.parent / "bench.yaml"
    written.write_text(contract, encoding="utf-8")
    with open_writer(root) as home:
        add_feed(home, written)
    rng = np.random.default_rng(0)
    names = pl.Series([f"S{i:04d}" for i in range(SENSORS)])
    path = root.parent / "readings.parquet"
    for first in range(0, n, ROWS_PER_BATCH):
        at = np.arange(first, min(first + ROWS_PER_BATCH, n))
        micros = int(START.timestamp() * 1e6) + (at // SENSORS) * int(EVERY.total_seconds() * 1e6)
        pl.DataFrame(
            {
                "station": names.gather((at % SENSORS).astype(np.uint32)),
                "observed_at": pl.Series(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
                "value": np.round(rng.normal(20, 5, len(at)), 2),
            }
        ).write_parquet(path)
        with open_writer(root) as home:
            (done,) = ingest(home, "bench", [path], records_per_part=ROWS_PER_BATCH)
        assert done.accepted == len(at), done


def queries(n: int) -> dict[str, Callable[[int], str]]:
    """Return what is asked: a path for each number of asking."""
    end = START + EVERY * (n // SENSORS)

    def stream(i: int) -> str:
        return f"Datastreams('bench:S{i * 37 % SENSORS:04d}:value')/Observations"

    def window(i: int) -> str:
        first = end - timedelta(days=2 + i % 5, minutes=i)
        last = first + timedelta(days=1)
        return f"phenomenonTime ge {first:%Y-%m-%dT%H:%M:%SZ} and phenomenonTime lt {last:%Y-%m-%dT%H:%M:%SZ}"

    return {
        "latest 100 of a datastream": lambda i: f"{stream(i)}?$top=100&$orderby=phenomenonTime desc",
        "its day, in order": lambda i: f"{stream(i)}?$top=300&$orderby=phenomenonTime&$filter={window(i)}",
        "its high values": lambda i: f"{stream(i)}?$top=100&$filter=result gt {30 + i % 9 / 10}",
        "its count": lambda i: f"{stream(i)}?$top=0&$count=true",
        "an hour of all": lambda i: (
            f"Observations?$top=100&$count=true&$filter={window(i).partition(' and ')[0]}"
            f" and phenomenonTime lt {end - timedelta(days=2 + i % 5, minutes=i - 60):%Y-%m-%dT%H:%M:%SZ}"
        ),
        "highest of all, latest first": lambda i: (
            f"Observations?$top=100&$orderby=phenomenonTime desc&$filter=result gt {38 + i % 9 / 10}"
        ),
        "count of a condition on all": lambda i: (
            f"Observations?$top=0&$count=true&$filter=result gt {30 + i / 100}"
        ),
    }


def case(n: int, asks: int) -> list[dict[str, object]]:
    """Fill a city, serve it, ask; return a row for each query."""
    with workspace() as folder:
        root = folder / "city"
        fill(root, n)
        listening = listen("127.0.0.1", 0)
        base = address(listening)
        app = make_app(ServerSettings(root))
        threading.Thread(target=run, args=(app, listening), daemon=True).start()
        pool = urllib3.PoolManager()
        begun = time.perf_counter()
        pool.request("GET", f"{base}/v1.1/Things?$top=1")
        opened_s = time.perf_counter() - begun
        rows: list[dict[str, object]] = []
        for name, path in queries(n).items():
            times, used = [], cpu_seconds()
            n_given = 0
            for i in range(asks + 1):
                begun = time.perf_counter()
                said = pool.request("GET", f"{base}/v1.1/{quote(path(i), safe=chr(39) + '()/?&=$:,')}")
                times.append(1e3 * (time.perf_counter() - begun))
                assert said.status == 200, said.data
                n_given = len(said.json()["value"])
            first, warm = times[0], times[1:]
            rows.append(
                {
                    "query": name,
                    "rows": n,
                    "given": n_given,
                    "first_ms": first,
                    "p50_ms": percentile(warm, 50),
                    "p95_ms": percentile(warm, 95),
                    "cpu_ms": 1e3 * (cpu_seconds() - used) / (asks + 1),
                }
            )
        for row in rows:
            row |= {"opened_s": opened_s, "peak_mb": peak_mb()}
        return rows


def main() -> None:
    """Run the case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--asks", type=int, default=100)
    parser.add_argument("--case", nargs=2)
    options = parser.parse_args()
    if options.case:
        print(json.dumps({"rows": case(int(options.case[0]), int(options.case[1]))}))
        return
    done = in_process(__file__, options.rows, options.asks)
    report(
        "server", {"claim": "observations of 10 million rows: p95 <= 200 ms warm", "seed": 0}, done["rows"]
    )


if __name__ == "__main__":
    main()
