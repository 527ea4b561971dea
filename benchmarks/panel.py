"""Claim: 10 million records of 1,000 sensors become a 5-minute panel in 2 seconds or less.

Rows come from the lake (Delta), in order of arrival; values are simulated (seed 0). A case is
the whole build: scan, align, state. Each runs in a process of its own.

Beside each build stands what it costs to bring the same panel, kept in memory, up to date with a minute of
new rows (one a sensor and minute, some late), and to make the frame of it anew with its digest.

    python benchmarks/panel.py [--rows N]
"""

import argparse
import json
import statistics

import numpy as np
import polars as pl

from measure import cost, in_process, peak_mb, report, workspace
from veracity.data.contract import parse_contract
from veracity.data.digest import frame_digest
from veracity.data.lake import Table, local_uri
from veracity.data.panel import build_panel
from veracity.data.panel_definition import Panel, parse_panel
from veracity.data.panel_update import KeptPanel
from veracity.stores.objects import LocalObjects

CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: bench
version: 1.0.0
status: active
tags: [simulated]
schema:
  - name: observations
    properties:
      - {name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: value, logicalType: number}
"""
DEFINITION = b"""
name: bench
grid: {every: 5m}
key: station
columns:
  - {name: v, feed: bench, value: value, RULE}
"""
SENSORS = 1_000
CASES = {
    "mean 5m": "aggregate: mean",
    "mean 15m, previous 30m": "aggregate: mean, window: 15m, fill: previous, longest_age: 30m",
    "last, linear 1h": "aggregate: last, fill: linear, longest_age: 1h",
    "late data, mean 5m": "aggregate: mean",
}


def rows(n: int, late: bool) -> pl.DataFrame:
    """Simulated readings, one a sensor and 5 minutes; 1 % missing; shuffled by hours if late."""
    rng = np.random.default_rng(0)
    at = np.arange(n)
    micros = 1_700_000_100_000_000 + (at // SENSORS) * 300_000_000 + rng.integers(0, 60_000_000, n)
    frame = pl.DataFrame(
        {
            "station": pl.Series([f"S{i:04d}" for i in range(SENSORS)]).gather(
                (at % SENSORS).astype(np.uint32)
            ),
            "observed_at": pl.Series(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            "value": np.round(rng.normal(20, 5, n), 2),
            "_record": at,
            "_batch": at // 524_288,
        }
    ).filter(pl.Series(rng.random(n) > 0.01))
    return frame[rng.permutation(frame.height)] if late else frame


def case(name: str, n: int) -> dict[str, object]:
    """Fill a table, build the panel three times, report the median."""
    contract = parse_contract(CONTRACT)
    panel = parse_panel(DEFINITION.replace(b"RULE", CASES[name].encode()))
    with workspace() as home:
        table = Table(LocalObjects(home), "tables/bench", local_uri(home, "tables/bench"))
        table.create(contract)
        frame = rows(n, name.startswith("late"))
        for batch in range(0, n, 524_288):
            part = frame[batch : batch + 524_288]
            if part.height:
                number = batch // 524_288
                table.append(part.with_columns(_batch=pl.lit(number, pl.Int64)), number, ["observed_at"])
        del frame
        costs = []
        for _ in range(3):
            with cost() as c:
                data = table.scan().select("station", "observed_at", "value").collect()
                built = build_panel(panel, {"bench": data}, {"bench": "observed_at"})
            costs.append(c)
        best = sorted(costs, key=lambda c: c.wall_s)[1]
        peak_mb_of_build, cells = peak_mb(), built.height
        del built
        update_ms, frame_s = updates(panel, data, n)
        return {
            "case": name,
            "records": n,
            "cells": cells,
            "wall_s": best.wall_s,
            "cpu_s": best.cpu_s,
            "peak_mb": peak_mb_of_build,
            "update_cpu_ms": update_ms,
            "frame_cpu_s": frame_s,
            "kept_peak_mb": peak_mb(),
        }


def updates(panel: Panel, data: pl.DataFrame, n: int) -> tuple[float, float]:
    """Return CPU ms of an update with a minute of rows (median of 20), and CPU s of the frame after it."""
    kept = KeptPanel(panel, {"bench": "observed_at"}, lambda _feed, _after: data)
    kept.update({"bench": data})
    rng = np.random.default_rng(1)
    end = 1_700_000_100_000_000 + n // SENSORS * 300_000_000
    costs = []
    for minute in range(20):
        late = np.where(rng.random(SENSORS) < 0.01, rng.integers(0, 3_600_000_000, SENSORS), 0)
        micros = end + minute * 60_000_000 + rng.integers(0, 60_000_000, SENSORS) - late
        new = pl.DataFrame(
            {
                "station": [f"S{i:04d}" for i in range(SENSORS)],
                "observed_at": pl.Series(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
                "value": np.round(rng.normal(20, 5, SENSORS), 2),
            }
        )
        with cost() as c:
            kept.update({"bench": new})
        costs.append(1e3 * c.cpu_s)
    with cost() as c:
        frame_digest(kept.frame())
    return statistics.median(costs), c.cpu_s


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--case", nargs=2)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(case(options.case[0], int(options.case[1]))))
        return
    results = [in_process(__file__, name, options.rows) for name in CASES]
    report(
        "panel",
        {"claim": "10 M records, 1,000 sensors, 5-minute grid <= 2 s", "seed": 0, "simulated": True},
        results,
    )


if __name__ == "__main__":
    main()
