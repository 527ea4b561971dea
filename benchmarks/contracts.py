"""Claim: nine rules over 5 million rows of 1,000 sensors, exact to the row, in 1.5 CPU s and 400 MB or less.

Beside it, over the same file in the same run, what other tools make of the same nine rules: Pandera
(Polars and pandas), Great Expectations, Pointblank and datacontract-cli, each in a process of its own
(benchmarks/peers). Every verdict is compared with what was planted: benchmarks/planted.py. Data is
simulated (seed 0). Clocks run from opening the file to knowing each rule's rows; imports are not on them.

Then: ours over 50 million rows, and batches of 10,000 rows against the history of the rest.

    python benchmarks/contracts.py [--rows N] [--large N] [--peers-python PATH]
"""

import argparse
import hashlib
import json
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from measure import cost, in_process, peak_mb, report, workspace
from planted import (
    BOX,
    HIGH,
    LOW,
    PATTERN,
    ROW_RULES,
    RULES,
    STALE_AFTER_US,
    UNIT,
    Rows,
    names_digest,
    plan_of,
    rows_digest,
    write_feed,
)
from veracity.data.clean import Cleaned, clean, empty_memory
from veracity.data.contract import Contract, parse_contract
from veracity.data.history import KeyHistory
from veracity.data.rules.memory import Memory
from veracity.feeds.files import inspect
from veracity.home.batch import silent_sensors
from veracity.home.sources import read_parts
from veracity.home.state import with_keys

PEERS = Path(__file__).parent / "peers"
PART = 262_144
BATCH, N_BATCHES = 10_000, 30
Span = tuple[datetime, datetime]
EVER = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: bench
version: 1.0.0
status: active
tags: [simulated]
schema:
  - name: observations
    properties:
      - name: sensor
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        logicalTypeOptions: {pattern: "PATTERN"}
        quality:
          - type: custom
            engine: veracity
            implementation: {rule: registry, feed: sensors, match: {sensor: id}}
      - {name: time, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - name: value
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: LOW, maximum: HIGH}
        customProperties: [{property: unit, value: UNIT}]
      - name: unit
        logicalType: string
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: [UNIT]}, mustBe: 0}
      - {name: lat, logicalType: number}
      - {name: lon, logicalType: number}
    quality:
      - name: city
        type: custom
        engine: veracity
        implementation: {rule: inside, latitude: lat, longitude: lon, box: BOX}
      - {type: custom, engine: veracity, implementation: {rule: order}}
      - {type: custom, engine: veracity, implementation: {rule: freshness, within: STALE}}
"""
# the contract's reasons, and which of the nine rules each is
REASONS = {
    "required:value": "null",
    "range:value": "range",
    "pattern:sensor": "pattern",
    "enum:unit": "unit",
    "inside:city": "position",
    "duplicate-key": "duplicate",
    "order:time": "order",
    "registry:sensor": "registry",
}


@dataclass(frozen=True)
class Settings:
    """What a tool is told beside the file: the sensors that may report, and when the feed ended."""

    registry: list[str]
    end: datetime

    @classmethod
    def read(cls, path: Path) -> "Settings":
        """Read what ``make`` wrote."""
        told = json.loads(path.read_text())
        return cls(told["registry"], datetime.fromisoformat(told["end"]))


def nine_rules() -> Contract:
    """Return the contract with the nine rules."""
    (south, north), (west, east) = BOX["lat"], BOX["lon"]
    given = {
        "PATTERN": PATTERN,
        "LOW": LOW,
        "HIGH": HIGH,
        "UNIT": UNIT,
        "BOX": [west, south, east, north],
        "STALE": f"{STALE_AFTER_US // 1_000_000} s",
    }
    text = CONTRACT
    for name, value in given.items():
        text = text.replace(name, str(value))
    return parse_contract(text.encode())


class KeysOnDisk:
    """The keys accepted so far, a file a part as in a lake, so that history does not grow in memory."""

    def __init__(self, folder: Path, contract: Contract) -> None:
        self._folder = folder
        self._contract = contract
        self._files: list[tuple[Path, datetime, datetime]] = []
        self.history = KeyHistory(contract.key, contract.time, self._scan)

    def add(self, accepted: pl.DataFrame) -> None:
        """Take in the accepted rows of a part."""
        self.history.add(accepted)
        if accepted.is_empty():
            return
        path = self._folder / f"{len(self._files)}.arrow"
        accepted.select(self._contract.key).write_ipc(path)
        times = accepted["time"]
        self._files.append((path, cast(datetime, times.min()), cast(datetime, times.max())))

    def _scan(self, between: tuple[str, object, object] | None) -> pl.LazyFrame:
        low, high = EVER if between is None else cast(Span, between[1:])
        files = [path for path, first, last in self._files if first <= high and last >= low]
        if not files:
            return pl.LazyFrame(schema={"sensor": pl.String, "time": pl.Datetime("us", "UTC")})
        return pl.scan_ipc(files).filter(pl.col("time").is_between(low, high))


class Ours:
    """The engine over the parts of a feed, with its memory and its keys carried from part to part."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.contract = nine_rules()
        self.now = settings.end
        self.registries = {"sensors": pl.DataFrame({"id": settings.registry})}
        self.keys = KeysOnDisk(folder, self.contract)
        self.memory: Memory = empty_memory(self.contract)

    def judge(self, raw: pl.DataFrame) -> Cleaned:
        """Hold one part to the contract and remember it."""
        cleaned = clean(
            raw, self.contract, self.now, self.keys.history.known, self.memory, registries=self.registries
        )
        self.keys.add(cleaned.accepted)
        self.memory = with_keys(cleaned.memory, self.keys.history.newest)
        return cleaned

    def stale(self) -> list[str]:
        """Return the sensors that have been silent for too long at the feed's end."""
        silent = silent_sensors(self.contract, self.memory, self.now)
        return [] if silent is None else silent["sensor"].to_list()


def rows_of(cleaned: Cleaned) -> Iterator[tuple[str, Rows]]:
    """Yield for each rule broken in a part the positions of its rows."""
    verdicts = cleaned.verdicts
    if verdicts is None:
        return
    for reason in verdicts.columns:
        if reason in REASONS:
            yield REASONS[reason], verdicts["_record"].filter(verdicts[reason]).to_numpy()


def ours(feed: Path, settings: Settings, part: int) -> dict[str, Any]:
    """Measure our engine over a file."""
    found: dict[str, list[Rows]] = {rule: [] for rule in ROW_RULES}
    before = peak_mb()
    with workspace() as folder, cost() as c:
        engine = Ours(settings, folder)
        for rows in read_parts(inspect(feed), engine.contract, records_per_part=part, seal=False):
            for rule, at in rows_of(engine.judge(rows.raw)):
                found[rule].append(rows.first_record + at)
        stale = engine.stale()
        verdicts = {rule: np.unique(np.concatenate([np.zeros(0, int), *at])) for rule, at in found.items()}
    told = {rule: _verdict("rows", len(at), rows_digest(at)) for rule, at in verdicts.items()}
    return {
        "tool": f"Veracity, parts of {part:,}",
        "wall_s": c.wall_s,
        "cpu_s": c.cpu_s,
        "peak_mb": peak_mb(),
        "before_mb": before,
        "verdicts": told | {"stale": _verdict("names", len(stale), names_digest(stale))},
    }


def _verdict(gives: str, n: int, digest: str) -> dict[str, Any]:
    return {"gives": gives, "how": "own", "n": n, "digest": digest}


def batches(feed: Path, settings: Settings) -> dict[str, Any]:
    """Measure batches of 10,000 rows, one after the other, against the history of the rows before."""
    n = int(pl.scan_parquet(feed).select(pl.len()).collect().item())
    history = max(0, n - (N_BATCHES + 1) * BATCH)
    costs = []
    with workspace() as folder:
        engine = Ours(settings, folder)
        for start in range(0, history, PART):
            engine.judge(_raw(feed, start, min(PART, history - start)))
        for start in range(history, n - BATCH + 1, BATCH):
            raw = _raw(feed, start, BATCH)
            with cost() as c:
                engine.judge(raw)
            costs.append(c)
    counted = costs[1:]
    wall = sorted(c.wall_s * 1_000 for c in counted)
    return {
        "case": f"a batch of {BATCH:,} after {history:,}",
        "batches": len(counted),
        "wall_ms_median": statistics.median(wall),
        "wall_ms_most": wall[-1],
        "cpu_ms_median": statistics.median(c.cpu_s * 1_000 for c in counted),
    }


def _raw(feed: Path, start: int, n: int) -> pl.DataFrame:
    rows = pl.scan_parquet(feed).slice(start, n).collect()
    return rows.with_columns(_record=pl.int_range(rows.height, dtype=pl.Int64))


def make(feed: Path, n: int) -> dict[str, Any]:
    """Write the feed, what tools are told, and the truth; return the truth."""
    plan = plan_of(n)
    truth = write_feed(feed, plan)
    end = pl.scan_parquet(feed).select(pl.col("time").max()).collect().item().astimezone(UTC)
    settings = {"registry": plan.registry, "end": end.isoformat()}
    feed.with_suffix(".json").write_text(json.dumps(settings))
    with feed.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"truth": truth.verdicts(), "sha256": digest, "mb": feed.stat().st_size / 1e6}


def peer(python: Path, script: Path, feed: Path) -> dict[str, Any]:
    """Run a peer in its own environment and process."""
    command = [python, script, feed, feed.with_suffix(".json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{script.name} failed:\n{done.stderr[-4_000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def judged(result: dict[str, Any], truth: dict[str, list[Any]], n: int) -> dict[str, Any]:
    """Return a line of the table: how many of the nine verdicts are exact to the row, and which are not."""
    verdicts = result["verdicts"]
    exact = [rule for rule in RULES if verdicts[rule]["digest"] == truth[rule][1]]
    counted = [r for r in RULES if verdicts[r]["digest"] is None and verdicts[r]["n"] == truth[r][0]]
    own = [rule for rule in RULES if verdicts[rule]["how"] == "own"]
    return {
        "tool": result["tool"],
        "records": n,
        "cpu_s": result["cpu_s"],
        "wall_s": result["wall_s"],
        "peak_mb": result["peak_mb"],
        "exact_rows": f"{len(exact)} of {len(RULES)}",
        "right_count_only": len(counted),
        "own_rules": len(own),
        "wrong": ", ".join(r for r in RULES if r not in exact and r not in counted) or "-",
        "before_mb": result["before_mb"],
    }


def main() -> None:
    """Make the feed, run every tool over it, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--large", type=int, default=50_000_000, help="rows of the memory case; 0: none")
    parser.add_argument("--parts", type=int, nargs="*", default=[131_072, PART, 524_288])
    parser.add_argument(
        "--peers-python", type=Path, help="Python with requirements/peers.txt; else ours only"
    )
    parser.add_argument("--name", default="contracts", help="of the JSON file")
    parser.add_argument("--case", nargs=3)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(case(*options.case)))
        return
    with workspace() as folder:
        feed = folder / "feed.parquet"
        made = in_process(__file__, "make", feed, options.rows)
        results = [in_process(__file__, "ours", feed, part) for part in options.parts]
        if options.peers_python:
            results += [peer(options.peers_python, script, feed) for script in sorted(PEERS.glob("*_*.py"))]
        lines = [judged(result, made["truth"], options.rows) for result in results]
        batch = in_process(__file__, "batches", feed, 0)
        feed.unlink()
        if options.large:
            large = in_process(__file__, "make", feed, options.large)
            lines.append(judged(in_process(__file__, "ours", feed, PART), large["truth"], options.large))
    about = {
        "claim": "9 rules, 5 M rows, row verdicts: <= 1.5 CPU s, <= 400 MB; a batch of 10,000 rows < 20 ms",
        "seed": 0,
        "simulated": True,
        "data": made,
        "peers": {r["tool"]: r["versions"] for r in results if "versions" in r},
        "batches": batch,
        "verdicts": {r["tool"]: r["verdicts"] for r in results},
    }
    report(options.name, about, lines)
    print(
        f"the file: {made['mb']:.0f} MB; {batch['case']} rows: median {batch['wall_ms_median']:.1f} ms,"
        f" CPU {batch['cpu_ms_median']:.1f} ms, longest {batch['wall_ms_most']:.1f} ms"
    )


def case(name: str, feed: str, number: str) -> dict[str, Any]:
    """Run one case in this process."""
    path = Path(feed)
    if name == "make":
        return make(path, int(number))
    settings = Settings.read(path.with_suffix(".json"))
    return batches(path, settings) if name == "batches" else ours(path, settings, int(number))


if __name__ == "__main__":
    main()
