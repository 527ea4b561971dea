"""Claim: what a feed of one batch a second costs does not grow with its past, once it is compacted.

A table as a live feed leaves it: a file of 50 rows and a commit of Delta's log each second, here written
by this script without fsync. Four states of it: with all its commits kept, as it was before Delta's log was
trimmed; trimmed; compacted, the replaced files still there; and these deleted. Of each: opening the
table, appending a batch (fsync off), one batch's rows, one minute of event time, all rows; CPU
milliseconds, the median of three.

    python benchmarks/compaction.py [--files N]
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import polars as pl

from measure import cost, report, workspace
from veracity.data import delta_log
from veracity.data.compaction import plan
from veracity.data.contract import Contract, parse_contract
from veracity.data.lake import Table, local_uri, statistics_of
from veracity.data.rewriting import rewrite, sweep
from veracity.stores.objects import LocalObjects

FEED = "tables/air"
CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: air
name: Air at fifty posts (simulated)
version: 1.0.0
status: active
tags: [simulated]
schema:
  - name: rows
    properties:
      - {name: post, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: pm25, logicalType: number, customProperties: [{property: unit, value: ug/m3}]}
"""
START = datetime(2026, 9, 1, tzinfo=UTC)
ROWS = 50
ALL = 10**9


@dataclass
class Case:
    """A table, and how many batches are in it."""

    objects: LocalObjects
    contract: Contract
    n: int

    def opened(self) -> Table:
        """The table as another process would open it."""
        return Table(self.objects, FEED, local_uri(self.objects.root, FEED))

    def batch(self, number: int) -> pl.DataFrame:
        """The rows of one second."""
        i = pl.int_range(ROWS, eager=True)
        at = pl.lit(START + timedelta(seconds=number)).cast(pl.Datetime("us", "UTC"))
        return pl.DataFrame({"i": i}).select(
            post=pl.format("P{}", "i"),
            at=at,
            pm25=((pl.col("i") * 7 + number) % 600) / 10,
            _record=pl.col("i"),
            _batch=pl.lit(number, pl.Int64),
        )

    def append(self) -> Callable[[], object]:
        """Get ready to append the next batch to a table that is open."""
        table, rows = self.opened(), self.batch(self.n)
        table.holds(self.n)
        self.n += 1
        return lambda: table.append(rows, self.n - 1, statistics_of(self.contract))


def made(root: Path, n: int) -> Case:
    """Write the files and the commits of ``n`` seconds, and a checkpoint of them all."""
    case = Case(LocalObjects(root, durable=False), parse_contract(CONTRACT), 0)
    case.opened().create(case.contract)
    names = statistics_of(case.contract)
    log = root / FEED / "_delta_log"
    for number in range(n):
        table = _Noting(case.objects, FEED, local_uri(root, FEED))
        table.append(case.batch(number), number, names)
        (log / f"{number + 1:020d}.json").write_bytes(table.commit)
    case.n = n
    return case


class _Noting(Table):
    """A table whose commits are written as text: the Delta library would take minutes for a day."""

    commit = b""

    def holds(self, batch: int) -> bool:  # noqa: ARG002
        return False

    @property
    def version(self) -> int:
        return 1

    def _commit(self, actions: Sequence[object], batch: int) -> None:
        (add,) = actions
        action = {
            "path": add.path,  # type: ignore[attr-defined]
            "partitionValues": {},
            "size": add.size,  # type: ignore[attr-defined]
            "modificationTime": batch,
            "dataChange": True,
            "stats": add.stats,  # type: ignore[attr-defined]
        }
        lines = ({"add": action}, {"txn": {"appId": "veracity", "version": batch}})
        self.commit = b"".join(orjson.dumps(line) + b"\n" for line in lines)


def median_ms(make: Callable[[], Callable[[], object]]) -> float:
    """The CPU milliseconds of what ``make`` gets ready, the median of three."""
    times = []
    for _ in range(3):
        task = make()
        with cost() as one:
            task()
        times.append(one.cpu_s * 1000)
    return statistics.median(times)


def row(state: str, case: Case, work_s: float) -> dict[str, object]:
    """Measure one state of the table; ``work_s`` is what it took to come to it."""
    folder = case.objects.root / FEED
    data, log = list(folder.glob("*.parquet")), list((folder / "_delta_log").iterdir())
    table = case.opened()
    n_files = table.files().height
    low = START + timedelta(seconds=case.n // 2)
    minute = ("at", low, low + timedelta(seconds=59))
    return {
        "state": state,
        "cpu_s_to_get_there": work_s,
        "files_in_table": n_files,
        "files_on_disk": len(data),
        "data_mb": sum(path.stat().st_size for path in data) / 1e6,
        "delta_log_files": len(log),
        "delta_log_mb": sum(path.stat().st_size for path in log) / 1e6,
        "open_ms": median_ms(lambda: case.opened().files),
        "one_batch_ms": median_ms(lambda: lambda: table.scan(batch=case.n // 2).collect()),
        "one_minute_ms": median_ms(lambda: lambda: table.scan(between=minute).collect()),
        "all_rows_ms": median_ms(lambda: lambda: table.scan().collect()),
        "append_ms": median_ms(case.append),
    }


def main() -> None:
    """Measure the four states."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000)
    n = parser.parse_args().files
    with workspace() as folder:
        case = made(folder, n)
        kept, delta_log.KEPT = delta_log.KEPT, ALL
        with cost() as summed_up:
            case.opened()._checkpoint()
        rows = [row("all commits kept", case, summed_up.cpu_s)]
        delta_log.KEPT, delta_log.MAX_TRIMMED = 0, ALL
        with cost() as trimming:
            case.opened()._checkpoint()
        delta_log.KEPT = kept
        rows.append(row("log trimmed", case, trimming.cpu_s))
        table = case.opened()
        with cost() as compacting:
            while groups := plan(table.table_files(), case.n):
                rewrite(table, groups[0], statistics_of(case.contract), datetime.now(UTC))
        rows.append(row("compacted", case, compacting.cpu_s))
        table = case.opened()
        with cost() as sweeping:
            sweep(table, datetime.now(UTC), ALL)
        rows.append(row("replaced files deleted", case, sweeping.cpu_s))
        about = {"simulated": True, "batches": n, "rows_in_a_batch": ROWS, "fsync": False}
        report("compaction", about, rows)


if __name__ == "__main__":
    main()
