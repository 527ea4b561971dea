"""The contract benchmark: what is planted is exactly what it says, and the engine finds just that."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from planted import (  # noqa: E402 - benchmarks are scripts, not a package
    BOX,
    FATES,
    HIGH,
    LOW,
    ROW_RULES,
    RULES,
    UNIT,
    Plan,
    Truth,
    write_feed,
)


def make(folder: Path, plan: Plan) -> tuple[list[dict[str, Any]], Truth]:
    """Return a feed's rows and the truth about them."""
    truth = write_feed(folder / "feed.parquet", plan)
    assert [p.name for p in folder.iterdir()] == ["feed.parquet"]
    return pl.read_parquet(folder / "feed.parquet").rows(named=True), truth


def breaks(
    row: dict[str, Any], seen: set[object], newest: dict[str, datetime], registry: set[str]
) -> set[str]:
    """Judge one row in plain Python, rule by rule, and remember it."""
    name, time, value = row["sensor"], row["time"], row["value"]
    inside = all(low <= row[axis] <= high for axis, (low, high) in BOX.items())
    found = {
        "null": value is None,
        "range": value is not None and not LOW <= value <= HIGH,
        "pattern": not (len(name) == 5 and name[0] == "S" and name[1:].isdigit()),
        "unit": row["unit"] != UNIT,
        "position": not inside,
        "duplicate": (name, time) in seen,
        "order": name in newest and time < newest[name],
        "registry": name not in registry,
    }
    seen.add((name, time))
    newest[name] = max(time, newest.get(name, time))
    return {rule for rule, is_broken in found.items() if is_broken}


@pytest.mark.parametrize(("n", "sensors", "seed"), [(20_000, 50, 0), (30_000, 300, 1), (7_777, 13, 2)])
def test_planted_faults_are_what_a_plain_reading_of_the_rows_finds(
    tmp_path: Path, n: int, sensors: int, seed: int
) -> None:
    """Row by row, each rule is broken exactly where the truth says, and nowhere else."""
    plan = Plan(n, sensors, seed)
    rows, truth = make(tmp_path, plan)
    assert len(rows) == n
    seen: set[object] = set()
    newest: dict[str, datetime] = {}
    found: dict[str, list[int]] = {rule: [] for rule in ROW_RULES}
    for at, row in enumerate(rows):
        for rule in breaks(row, seen, newest, set(plan.registry)):
            found[rule].append(at)
    assert found == {rule: at.tolist() for rule, at in truth.rows.items()}
    limit = max(newest.values()) - timedelta(hours=1)
    assert sorted(truth.stale) == [name for name in plan.registry if newest[name] < limit]


def test_every_fault_is_planted_about_as_often_as_it_should_be(tmp_path: Path) -> None:
    """Shares of the rows come out near the plan, so the benchmark is about what it says."""
    n = 200_000
    _, truth = make(tmp_path, Plan(n, 100))
    for rule in ROW_RULES:
        wanted = sum(share for share, rules in FATES.values() if rule in rules)
        assert len(truth.rows[rule]) == pytest.approx(n * wanted, rel=0.3)
    assert len(truth.stale) == 2


def test_the_same_seed_gives_the_same_feed(tmp_path: Path) -> None:
    """Two runs of one seed compare the same data; another seed is other data."""
    feeds = []
    for i, seed in enumerate((0, 0, 1)):
        folder = tmp_path / str(i)
        folder.mkdir()
        write_feed(folder / "feed.parquet", Plan(5_000, 10, seed))
        feeds.append(pl.read_parquet(folder / "feed.parquet"))
    assert feeds[0].equals(feeds[1])
    assert not feeds[0].equals(feeds[2])


def test_the_engine_is_exact_to_the_row_however_the_feed_is_cut(tmp_path: Path) -> None:
    """All nine verdicts name just the rows that were planted, in parts of 704 rows and in one."""
    feed = tmp_path / "feed.parquet"
    truth = case("make", feed, 20_000)["truth"]
    for part in (704, 20_032):
        verdicts = case("ours", feed, part)["verdicts"]
        assert {rule: [verdicts[rule]["n"], verdicts[rule]["digest"]] for rule in RULES} == truth


def case(name: str, feed: Path, number: int) -> dict[str, Any]:
    """Run one case of the benchmark as it runs them: in a process of its own."""
    command = [sys.executable, str(BENCHMARKS / "contracts.py"), "--case", name, str(feed), str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
