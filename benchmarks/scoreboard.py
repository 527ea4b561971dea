"""Claim: a million decisions are logged, matched and scored within a minute of CPU, in bounded memory.

A simulated city of 250 stations: an app runs every hour and says quantiles of one target for ten horizons,
its own and three baselines' (10,000 decisions a run). Then the outcomes come in, all decisions are matched
and scored, the scoreboard is read, and every run and scoring is made again as an audit does. Each stage is a
process of its own, so that its peak memory is its alone. The simplest baseline, the same rows written as
Parquet and read back, with no order, digest, page or log, is in the table.

    python benchmarks/scoreboard.py [--runs N]
"""

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from measure import cost, in_process, peak_mb, report, workspace
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.models.decision_audit import DecisionAudit
from veracity.home.models.gate_errors import NotReleased
from veracity.home.models.outcomes import score
from veracity.home.models.running import run_app
from veracity.home.models.scoreboard import scoreboards
from veracity.models.app import App, Rung
from veracity.models.decisions import OWN, QUANTILES, SCHEMA, TIME
from veracity.models.panel_array import PanelArray
from veracity.provenance.keys import SigningKey

SEED = 5
START = datetime(2026, 9, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATIONS = 250
HORIZONS = tuple(range(1, 11))
MODELS = (OWN, "last-value", "seasonal", "climatology")
WARM_HOURS = 48
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: air
name: Air at many stations (simulated)
version: 1.0.0
status: active
tags: [simulated]
description: {purpose: A benchmark., limitations: Simulated.}
servers:
  - {server: file, type: local, format: parquet}
schema:
  - name: air
    logicalType: object
    properties:
      - {name: station, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: at, logicalType: timestamp, required: true, primaryKey: true, primaryKeyPosition: 2}
      - {name: pm25, logicalType: number, customProperties: [{property: unit, value: ug/m3}]}
slaProperties:
  - {property: latency, value: 2, unit: d, element: air.at}
customProperties:
  - {property: agency, value: air-office}
  - {property: signature, value: optional}
"""
PANEL = b"""\
name: air-hourly
grid: {every: 1h}
key: station
columns:
  - {name: pm25, feed: air, value: pm25, key: station, aggregate: mean, window: 1h}
"""


def decide(panel: PanelArray, _: object, now: datetime) -> pl.DataFrame:
    """Say quantiles around the last value known: 10,000 rows for 250 stations."""
    rng = np.random.default_rng([SEED, int(now.timestamp())])
    n_keys, n_rows = len(panel.keys), len(panel.keys) * len(HORIZONS) * len(MODELS)
    last = np.nan_to_num(panel.column("pm25")[0], nan=20.0)
    centre = np.repeat(last, n_rows // n_keys) + rng.normal(0, 4, n_rows)
    horizon = np.tile(np.repeat(HORIZONS, len(MODELS)), n_keys).astype(np.int64) * 3600
    issued = int(now.timestamp()) * 1_000_000
    values = centre[:, None] + np.array([-16, -10, -5, 0, 5, 10, 16])
    is_own = np.tile(np.arange(len(MODELS)) == 0, n_rows // len(MODELS))
    columns: dict[str, Any] = {
        "model": np.tile(np.array(MODELS), n_rows // len(MODELS)),
        "target": pl.repeat("pm25", n_rows, eager=True),
        "key": np.repeat(np.array(panel.keys), n_rows // n_keys),
        "issued": pl.repeat(issued, n_rows, dtype=pl.Int64, eager=True).cast(TIME),
        "due": pl.Series(issued + horizon * 1_000_000).cast(TIME),
        "horizon_s": horizon,
        **{name: values[:, i] for i, name in enumerate(QUANTILES)},
        "threshold": np.where(is_own, 35.0, np.nan),
        "probability": np.where(is_own, rng.uniform(0, 1, n_rows), np.nan),
        "action": pl.repeat(None, n_rows, dtype=pl.String, eager=True),
        "rung": pl.repeat("last", n_rows, eager=True),
    }
    made = pl.DataFrame(columns).with_columns(pl.col("threshold", "probability").fill_nan(None))
    return made.cast(dict(SCHEMA))  # type: ignore[arg-type]


APP = App(
    name="air-bench",
    title={"en": "Air (simulated)"},
    purpose={"en": "A benchmark."},
    affected={"en": "Nobody."},
    appeal={"en": "Not needed."},
    owner="air-office",
    contracts={},
    panel=PANEL,
    attributes={f"S{k:04}": {"lon": 108.2, "lat": 16.0} for k in range(STATIONS)},
    targets={"pm25": "ug/m3"},
    horizons=HORIZONS,
    train=lambda panel, *, seed: {},  # noqa: ARG005 - nothing is trained
    decide=decide,
    ladder=(Rung("last", (), 0, {"en": "The last value."}),),
    stage="shadow",
    every_s=3600,
    look_back_s=86_400,
    code=lambda: "be" * 32,
)


def no_model(_: Home, system: str) -> Any:
    """Nothing is released here: what is measured is logging and scoring, not a model."""
    raise NotReleased(system)


def readings(path: Path, first: int, n: int, stations: int) -> Path:
    """Write hours of readings of all stations."""
    rng = np.random.default_rng([SEED, first])
    hours = np.repeat(np.arange(first, first + n), stations)
    stamps = (int(START.timestamp()) + hours.astype(np.int64) * 3600) * 1_000_000
    names = [f"S{k:04}" for k in range(stations)] * n
    pm25 = np.maximum(rng.normal(25, 10, n * stations), 0)
    pl.DataFrame({"station": names, "at": pl.Series(stamps).cast(TIME), "pm25": pm25}).write_parquet(path)
    return path


def at(hours: float) -> datetime:
    return START + hours * HOUR


def found(root: Path, stations: int) -> None:
    """Make the city, with two days of readings."""
    init(root, "bench.example/simulated", lambda: at(0), CityKeys(bytes(32), SigningKey(b"o" * 32)))
    contract = root.parent / "air.yaml"
    contract.write_text(CONTRACT)
    with open_writer(root, lambda: at(WARM_HOURS)) as home:
        add_agency(home, "air-office", SigningKey(b"a" * 32).public)
        add_feed(home, contract)
        take(home, root, 1, WARM_HOURS, stations)


def take(home: Writer, root: Path, first: int, n: int, stations: int) -> None:
    (done,) = ingest(home, "air", [readings(root.parent / f"{first}.parquet", first, n, stations)])
    assert done.outcome == "sealed", done


def log_all(root: Path, runs: int) -> int:
    """Run the app every hour; return how many decisions were logged."""
    total = 0
    for i in range(runs):
        now = at(WARM_HOURS + i)
        with open_writer(root, lambda now=now: now) as home:
            total += run_app(home, APP, now, load_model=no_model).logged.decide.output.rows
    return total


def score_all(root: Path, runs: int) -> int:
    """Match and score all that fell due; return how many decisions were settled."""
    with open_writer(root, lambda: at(WARM_HOURS + runs + len(HORIZONS))) as home:
        return sum(one.outcome.counts.due for one in score(home, APP))


def read_board(root: Path) -> int:
    """Summarise the scoreboard three ways; return how many decisions stand in it."""
    home = Home.open(root)
    boards = scoreboards(home, APP.name, [[], ["horizon_s"], ["key", "day"]])
    home.close()
    assert len({int(board["n"].sum()) for board in boards}) == 1
    return int(boards[0]["n"].sum())


def audit_all(root: Path, runs: int) -> int:
    """Decide and score everything again; return how many decisions."""
    home = Home.open(root)
    checked = DecisionAudit(home, lambda _: APP)
    findings = list(checked.check())
    home.close()
    assert findings == [], findings[:3]
    assert checked.runs == runs
    assert checked.unchecked == []
    return sum(p["output"]["rows"] for _, p in home_predicates(root))


def home_predicates(root: Path) -> list[tuple[int, dict[str, Any]]]:
    home = Home.open(root)
    try:
        return home.index.predicates("decide")
    finally:
        home.close()


def plain(root: Path, runs: int) -> int:
    """Decide, and write and read the same rows as Parquet: no order, no digest, no page, no log."""
    folder, total = root.parent / "plain", 0
    folder.mkdir(exist_ok=True)
    home = Home.open(root)
    for i in range(runs):
        now = at(WARM_HOURS + i)
        keys = tuple(f"S{k:04}" for k in range(STATIONS))
        ones = np.ones((1, len(keys), 1))
        panel = PanelArray(np.array([0]), 1, keys, ("pm25",), ones, ones > 0)
        file = folder / f"{i}.parquet"
        decide(panel, None, now).write_parquet(file, compression="zstd", compression_level=1)
        total += pl.read_parquet(file).height
    home.close()
    return total


STAGES = {
    "plain Parquet, written and read": plain,
    "logged": log_all,
    "matched and scored": score_all,
    "scoreboard read": lambda root, _: read_board(root),
    "audited: decided and scored again": audit_all,
}


def case(name: str, root: Path, runs: int) -> dict[str, Any]:
    """Run one stage in this process."""
    before = peak_mb()
    with cost() as c:
        n = STAGES[name](root, runs)
    return {
        "stage": name,
        "decisions": n,
        "cpu_s": round(c.cpu_s, 2),
        "wall_s": round(c.wall_s, 2),
        "decisions_per_cpu_s": round(n / c.cpu_s),
        "peak_mb": round(peak_mb()),
        "before_mb": round(before),
    }


def main() -> None:
    """Run all stages on one city, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--case", nargs=3, metavar=("STAGE", "ROOT", "RUNS"))
    options = parser.parse_args()
    if options.case:
        name, root, runs = options.case
        print(json.dumps(case(name, Path(root), int(runs))))
        return
    with workspace() as folder:
        root, rows = folder / "city", []
        found(root, STATIONS)
        for name in STAGES:
            if name == "matched and scored":
                n = options.runs + len(HORIZONS)
                with open_writer(root, lambda n=n: at(WARM_HOURS + n)) as home:
                    take(home, root, WARM_HOURS + 1, n, STATIONS)
            rows.append(in_process(__file__, name, root, options.runs))
        kept = {
            kind: sum(f.stat().st_size for f in (root / "store" / kind).rglob("*") if f.is_file())
            for kind in ("decisions", "outcomes", "scores")
        }
    about = {
        "claim": (__doc__ or "").splitlines()[0],
        "seed": SEED,
        "runs": options.runs,
        "stations": STATIONS,
        "horizons": len(HORIZONS),
        "models": len(MODELS),
        "bytes_kept": kept,
        "simulated": True,
    }
    report("scoreboard", about, rows)


if __name__ == "__main__":
    main()
