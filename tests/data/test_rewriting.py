"""Files rewritten into one, on a disk and on S3: readers see the same rows, and lost writers are refused."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from servers import S3
from veracity.data import delta_log
from veracity.data.contract import parse_contract
from veracity.data.delta_log import LogFiles
from veracity.data.errors import TableMismatch
from veracity.data.lake import Table, collect_rows
from veracity.data.rewriting import GRACE, replaced, rewrite, sweep
from veracity.home.compaction import wall_clock
from veracity.log.doors import StoreUnavailable
from veracity.stores.opening import HomeObjects, open_home_objects

PREFIX = "tables/mm"
YAML = b"""
apiVersion: v3.1.0
kind: DataContract
id: mm
name: Rain
version: 1.0.0
status: active
schema:
  - name: rows
    properties:
      - {name: mm, logicalType: number, customProperties: [{property: unit, value: mm}]}
"""
N = 12
Open = Callable[[], Table]


def batch(number: int) -> pl.DataFrame:
    return pl.DataFrame({"mm": [number / 7, None], "_record": [0, 1], "_batch": [number, number]})


@pytest.fixture(params=["disk", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> HomeObjects:
    """A home's objects, in a directory and on a real S3 server."""
    if request.param == "disk":
        return open_home_objects(str(tmp_path / "store"))
    s3: S3 = request.getfixturevalue("s3")
    return open_home_objects(s3.url)


@pytest.fixture
def opening(objects: HomeObjects, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a table of some batches, each time as another process would."""
    monkeypatch.setattr(delta_log, "KEPT", 6)
    monkeypatch.setattr("veracity.data.lake._CHECKPOINT_EVERY", 5)

    def opened() -> Table:
        return Table(objects, PREFIX, objects.uri(PREFIX), objects.options)

    made = opened()
    made.create(parse_contract(YAML))
    for number in range(N):
        made.append(batch(number), number, [])
    return opened


def test_one_file_in_the_place_of_many(opening: Open, objects: HomeObjects) -> None:
    """Rows and batches stay; whoever opened before reads on until the files go; Delta's log stays short."""
    before, want = opening(), pl.concat(batch(number) for number in range(N))
    assert collect_rows(before.scan()).equals(want)
    n_bytes = rewrite(opening(), before.table_files(), [], wall_clock())
    after = opening()
    (file,) = after.table_files()
    assert (file.first, file.last, file.n_rows, file.n_bytes) == (0, N - 1, 2 * N, n_bytes)
    for table in (before, after):
        assert collect_rows(table.scan()).equals(want)
        assert collect_rows(table.scan(batch=5)).equals(batch(5))
        assert collect_rows(table.scan(up_to_batch=5)).equals(want[:12])
        assert table.changed_files(5) == []
        assert (table.holds(N - 1), table.holds(N)) == (True, False)
    assert replaced(after, wall_clock() - GRACE) == []
    assert sweep(after, wall_clock(), 5) == 5
    assert sweep(opening(), wall_clock(), 100) == N - 5
    assert sweep(opening(), wall_clock(), 100) == 0
    after = opening()
    for number in range(N, N + 12):
        after.append(batch(number), number, [])
    assert collect_rows(opening().scan()).height == 2 * (N + 12)
    assert min(LogFiles.listed(objects, PREFIX).commits) > 5


@pytest.mark.parametrize("meanwhile", ["append", "bar", "rewrite", "sweep"])
def test_a_writer_that_looked_before_another_is_refused(opening: Open, meanwhile: str) -> None:
    """What it would take out may be gone, and its own file swept: its commit must not take effect."""
    late = opening()
    group = late.table_files()
    other, want = opening(), pl.concat(batch(number) for number in range(N))
    if meanwhile == "append":
        other.append(batch(N), N, [])
        want = pl.concat([want, batch(N)])
    elif meanwhile == "bar":
        other.bar(N)
    else:
        rewrite(other, other.table_files(), [], wall_clock())
    if meanwhile == "sweep":
        sweep(other, wall_clock() + timedelta(hours=3), 100)
    with pytest.raises((StoreUnavailable, TableMismatch)):
        rewrite(late, group, [], wall_clock())
    late.reopen()
    late = opening()
    assert collect_rows(late.scan()).equals(want)
    assert sweep(late, wall_clock() + timedelta(hours=3), 100) >= (meanwhile != "sweep")  # what it left
    assert collect_rows(opening().scan()).equals(want)


def test_a_lost_sweeper_deletes_nothing(opening: Open) -> None:
    """Who looked before another committed must not delete: the other may have put a file in."""
    late, other = opening(), opening()
    seen = late.version
    rewrite(other, other.table_files(), [], wall_clock())
    assert (late.version, opening().version) == (seen, seen + 1)
    with pytest.raises(StoreUnavailable):
        sweep(late, wall_clock(), 100)
    assert collect_rows(opening().scan()).height == 2 * N
