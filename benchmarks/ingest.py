"""Claim: sealed ingest takes 1,000,000 records/s or more from files on 2 cores, in bounded memory.

The whole way of `veracity ingest`: file digest, parse, contract, evidence pages and their tree,
Delta commit, signed statement, log, every write fsynced. Beside it, in the same run, the same
pipeline without what makes it verifiable (no digests, evidence, statements, log): `--no-seal`.
Values are simulated (seed 0): 1,000 sensors, one reading a sensor and 5 minutes, 1 % out of range.

    python benchmarks/ingest.py [--rows N] [--large N]
"""

import argparse
import io
import json
from pathlib import Path

import numpy as np
import polars as pl

from measure import cost, fsync_ms, in_process, machine, peak_mb, repeated, report, workspace
from veracity.data.clean import clean
from veracity.data.contract import parse_contract
from veracity.data.digest import frame_digest
from veracity.data.evidence import seal_pages
from veracity.data.history import KeyHistory
from veracity.data.lake import Table, local_uri
from veracity.data.render import render_rows
from veracity.data.text import RECORDS_PER_PART
from veracity.feeds.files import inspect
from veracity.home.ahead import ahead
from veracity.home.clock import system_clock
from veracity.home.contracts import add_feed
from veracity.home.founding import init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.sources import read_parts
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
      - name: station
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        logicalTypeOptions: {maxLength: 16}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - name: value
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: -10, maximum: 60}
        customProperties: [{property: unit, value: Cel}]
      - {name: quality, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 3}}
"""
SENSORS = 1_000


def observations(start: int, n: int) -> pl.DataFrame:
    """Rows ``start`` to ``start + n - 1`` of the simulated feed."""
    rng = np.random.default_rng([0, start])
    at = np.arange(start, start + n)
    value = np.round(rng.normal(25, 5, n), 2)
    value[rng.random(n) < 0.01] = 99.9
    micros = 1_700_000_100_000_000 + (at // SENSORS) * 300_000_000
    return pl.DataFrame(
        {
            "station": pl.Series([f"S{i:04d}" for i in range(SENSORS)]).gather(
                (at % SENSORS).astype(np.uint32)
            ),
            "observed_at": pl.Series(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            "value": value,
            "quality": rng.integers(0, 4, n),
        }
    )


def write_source(path: Path, n: int) -> None:
    """Write the feed as Parquet or NDJSON, a million rows at a time."""
    step = 1_000_000
    if path.suffix == ".parquet":
        parts = (observations(i, min(step, n - i)).lazy() for i in range(0, n, step))
        pl.concat(list(parts)).sink_parquet(path, row_group_size=step)
        return
    with path.open("wb") as out:
        for i in range(0, n, step):
            observations(i, min(step, n - i)).write_ndjson(out)


def sealed(root: Path, source: Path, batch: int) -> int:
    """Run what `veracity ingest` runs; return the rows accepted."""
    with open_writer(root) as home:
        reports = ingest(home, "bench", [source], records_per_part=batch)
    return sum(r.accepted for r in reports)


def unsealed(root: Path, source: Path, batch: int) -> int:
    """Run the same reading, cleaning and committing, and nothing else."""
    contract, info, now = parse_contract(CONTRACT), inspect(source), system_clock()()
    table = Table(LocalObjects(root), "unsealed", local_uri(root, "unsealed"))
    table.create(contract)
    history = KeyHistory(contract.key, contract.time, lambda between: table.scan(between=between))
    accepted = 0
    for part in ahead(read_parts(info, contract, records_per_part=batch, seal=False)):
        rows = clean(part.raw, contract, now, history.known).accepted
        table.append(
            rows.with_columns(_batch=pl.lit(part.index, pl.Int64)), part.index, ["observed_at", "station"]
        )
        history.add(rows)
        accepted += rows.height
    return accepted


def case(mode: str, kind: str, n: int, batch: int, source: str) -> dict[str, object]:
    """Measure one way through; the source is made beforehand, by another process."""
    with workspace() as folder:
        root = folder / "city"
        init(root, "bench.example/simulated")
        contract = folder / "contract.yaml"
        contract.write_bytes(CONTRACT)
        with open_writer(root) as home:
            add_feed(home, contract)
        before = peak_mb()
        with cost() as c:
            accepted = (sealed if mode == "sealed" else unsealed)(root, Path(source), batch)
        stored = sum(f.stat().st_size for f in root.rglob("*") if f.is_file())
        return {
            "case": f"{kind} {mode}",
            "records": n,
            "batch": batch,
            "records_per_s": round(n / c.wall_s),
            "wall_s": c.wall_s,
            "cpu_s": c.cpu_s,
            "cpu_s_per_million": c.cpu_s / n * 1e6,
            "peak_mb": peak_mb(),
            "before_mb": before,
            "stored_mb": stored / 1e6,
            "accepted": accepted,
        }


def stages() -> list[dict[str, object]]:
    """Measure what sealing one batch of columnar rows is made of, beside cleaning and writing it."""
    n = RECORDS_PER_PART
    frame, contract, now = observations(0, n), parse_contract(CONTRACT), system_clock()()
    raw = frame.with_columns(_record=pl.int_range(n, dtype=pl.Int64))
    data, ends = render_rows(frame)
    accepted = clean(raw, contract, now).accepted
    runs = {
        "render rows as canonical JSON": lambda: render_rows(frame),
        "hash the pages": lambda: seal_pages(data, ends),
        "digest the accepted rows": lambda: frame_digest(accepted),
        "clean": lambda: clean(raw, contract, now),
        "write Parquet": lambda: accepted.write_parquet(
            io.BytesIO(), compression="zstd", compression_level=1
        ),
    }
    return [
        {"stage": name, "cpu_s_per_million": min(c.cpu_s for c in repeated(run, 5)) / n * 1e6}
        for name, run in runs.items()
    ]


def main() -> None:
    """Run all cases, each in a process of its own, and print the share of sealing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument(
        "--large", type=int, default=50_000_000, help="rows of the memory case; 0 leaves it out"
    )
    parser.add_argument("--no-seal", action="store_true", help="only the pipeline without verifiability")
    parser.add_argument("--stages", action="store_true", help="only what sealing one batch is made of")
    parser.add_argument("--case", nargs=5)
    options = parser.parse_args()
    if options.case:
        mode, kind, n, batch, source = options.case
        if mode == "make":
            write_source(Path(source), int(n))
            print("{}")
        else:
            print(json.dumps(case(mode, kind, int(n), int(batch), source)))
        return
    if options.stages:
        report("ingest-stages", {"seed": 0, "simulated": True}, stages())
        return
    modes = ("unsealed",) if options.no_seal else ("sealed", "unsealed")
    rows = []
    with workspace() as folder:
        fsync = fsync_ms(folder)
        for kind in ("parquet", "ndjson"):
            source = folder / f"source.{kind}"
            in_process(__file__, "make", kind, options.rows, 0, source)
            rows += [in_process(__file__, m, kind, options.rows, RECORDS_PER_PART, source) for m in modes]
            if kind == "parquet" and not options.no_seal:
                for batch in (65_536, 131_072, 262_144, 1_048_576):
                    rows.append(in_process(__file__, "sealed", kind, options.rows, batch, source))
            source.unlink()
        if options.large and not options.no_seal:
            source = folder / "source.parquet"
            in_process(__file__, "make", "parquet", options.large, 0, source)
            rows.append(in_process(__file__, "sealed", "parquet", options.large, RECORDS_PER_PART, source))
    report("ingest", {"seed": 0, "simulated": True, "fsync_ms": fsync}, rows)
    by_case = {(r["case"], r["records"], r["batch"]): r["cpu_s"] for r in rows}
    for kind in ("parquet", "ndjson"):
        with_seal = by_case.get((f"{kind} sealed", options.rows, RECORDS_PER_PART))
        without = by_case.get((f"{kind} unsealed", options.rows, RECORDS_PER_PART))
        if with_seal and without:
            print(
                f"{kind}: sealing takes {with_seal - without:.1f} CPU s, {with_seal / without - 1:.0%} on top"
            )
    print(f"median fsync of 4 KiB: {fsync:.2f} ms on {machine()['processor']}")


if __name__ == "__main__":
    main()
