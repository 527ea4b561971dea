"""The lake: a batch is in the table once, in order, and any Delta reader reads it."""

import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from veracity.data.clean import table_schema
from veracity.data.contract import Contract, parse_contract
from veracity.data.errors import TableMismatch
from veracity.data.lake import Table, collect_rows, local_uri
from veracity.log.doors import StoreUnavailable
from veracity.stores.objects import LocalObjects

YAML = b"""
apiVersion: v3.1.0
kind: DataContract
id: all-types
name: Every type there is
version: 1.0.0
status: active
schema:
  - name: rows
    properties:
      - {name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: value, logicalType: number}
      - {name: n, logicalType: integer}
      - {name: ok, logicalType: boolean}
      - {name: day, logicalType: date}
"""
CONTRACT: Contract = parse_contract(YAML)
START = datetime(2026, 9, 1, tzinfo=UTC)
STATISTICS = ["at", "station"]


def batch(number: int, n: int = 10) -> pl.DataFrame:
    """Rows of one batch: an hour each, every type, some nulls."""
    rows = [
        {
            "at": START + timedelta(hours=number, minutes=i, microseconds=i),
            "station": f"S{i % 3} “{number}”",
            "value": None if i == 4 else i / 7,
            "n": -(2**62) + i if i else None,
            "ok": i % 2 == 0,
            "day": date(2026, 9, 1) if i != 5 else None,
            "_record": i,
            "_batch": number,
        }
        for i in range(n)
    ]
    return pl.DataFrame(rows, schema=table_schema(CONTRACT) | {"_batch": pl.Int64()})


def table(root: Path) -> Table:
    return Table(LocalObjects(root), "tables/all", local_uri(root, "tables/all"))


@pytest.fixture
def filled(tmp_path: Path) -> Table:
    """A table of five batches."""
    made = table(tmp_path)
    made.create(CONTRACT)
    for number in range(5):
        made.append(batch(number), number, STATISTICS)
    return made


def test_a_new_table_is_empty(tmp_path: Path) -> None:
    """A new table has the contract's columns, no rows, version 0; making it twice is once."""
    made = table(tmp_path)
    made.create(CONTRACT)
    made.create(CONTRACT)
    assert made.version == 0
    rows = made.scan().collect()
    assert rows.is_empty()
    assert dict(rows.schema) == table_schema(CONTRACT) | {"_batch": pl.Int64()}


def test_rows_come_back(filled: Table) -> None:
    """What was appended comes back in order of arrival, to the last bit, types included."""
    assert filled.version == 5
    assert filled.scan().collect().equals(pl.concat(batch(i) for i in range(5)))
    assert filled.scan(batch=3).collect().equals(batch(3))
    assert filled.scan(up_to_batch=1).collect().equals(pl.concat([batch(0), batch(1)]))
    assert filled.scan(up_to_batch=-1).collect().is_empty()


def test_a_batch_is_there_once(filled: Table, tmp_path: Path) -> None:
    """The same batch again changes nothing: not now, and not after opening anew."""
    before = filled.scan().collect()
    assert filled.append(batch(4), 4, STATISTICS) == 5
    again = table(tmp_path)
    assert again.holds(4)
    assert not again.holds(5)
    again.append(batch(2), 2, STATISTICS)
    assert again.version == 5
    assert again.scan().collect().equals(before)


def test_any_delta_reader_reads_it(filled: Table, tmp_path: Path) -> None:
    """Polars' own Delta reader and Delta's statistics see the same rows."""
    uri = local_uri(tmp_path, "tables/all")
    read = pl.read_delta(uri).sort("_batch", "_record").select(batch(0).columns)
    assert read.equals(pl.concat(batch(i) for i in range(5)))
    assert DeltaTable(uri).metadata().name == "all-types"


def test_files_that_cannot_hold_it_are_not_read(filled: Table, tmp_path: Path) -> None:
    """A range of times reads only the files of those times: the others may be gone."""
    folder = tmp_path / "tables" / "all"
    for path in folder.glob("*.parquet"):
        if not path.name.startswith("00000002-"):
            path.unlink()
    low, high = START + timedelta(hours=2), START + timedelta(hours=2, minutes=3)
    rows = filled.scan(between=("at", low, high)).collect()
    assert rows["_record"].to_list() == [0, 1, 2]  # the fourth is some microseconds past the end
    with pytest.raises(TableMismatch, match="as they were written"):
        collect_rows(filled.scan())


def test_statistics_are_true(filled: Table, tmp_path: Path) -> None:
    """The least and greatest values that a commit states are those of its rows."""
    actions = pl.DataFrame(DeltaTable(local_uri(tmp_path, "tables/all")).get_add_actions(flatten=True))
    for row in actions.iter_rows(named=True):
        rows = batch(row["min._batch"])
        assert (row["num_records"], row["min._record"], row["max._record"]) == (10, 0, 9)
        assert (row["min.at"], row["max.at"]) == (rows["at"].min(), rows["at"].max())
        assert (row["min.station"], row["max.station"]) == (rows["station"].min(), rows["station"].max())


@pytest.mark.parametrize("n", [24, 25, 990])
def test_files_of_many_columns_are_told_apart(tmp_path: Path, n: int) -> None:
    """Delta looks at the statistics of 32 columns unless told otherwise; ours stand last."""
    more = "".join(f"      - {{name: c{i}, logicalType: number}}\n" for i in range(n))
    contract = parse_contract(YAML + more.encode())
    made = Table(LocalObjects(tmp_path), "tables/wide", local_uri(tmp_path, "tables/wide"))
    made.create(contract)
    wide = [pl.lit(float(i)).alias(f"c{i}") for i in range(n)]
    order = [*table_schema(contract), "_batch"]
    for number in range(3):
        made.append(batch(number).with_columns(wide).select(order), number, STATISTICS)
    assert collect_rows(made.scan(batch=1))["_batch"].to_list() == [1] * 10
    next((tmp_path / "tables" / "wide").glob("00000000-*")).unlink()
    late = ("at", START + timedelta(hours=2), START + timedelta(hours=3))
    assert collect_rows(made.scan(between=late)).height == 10


def test_a_changed_file_is_noticed(filled: Table, tmp_path: Path) -> None:
    """A file whose bytes are not those of the digest in its name is named; one of another writer is not."""
    assert [filled.changed_files(i) for i in range(5)] == [[]] * 5
    (path,) = (tmp_path / "tables" / "all").glob("00000001-*")
    assert sha256(path.read_bytes()).hexdigest() in path.name
    batch(1).with_columns(value=pl.lit(0.5)).write_parquet(path)
    assert filled.changed_files(1) == [f"tables/all/{path.name}"]


def test_order_survives_a_compaction(filled: Table, tmp_path: Path) -> None:
    """After another writer compacted the files, rows still come in order of arrival."""
    DeltaTable(local_uri(tmp_path, "tables/all")).optimize.compact()
    again = table(tmp_path)
    assert again.scan().collect().equals(pl.concat(batch(i) for i in range(5)))
    assert again.scan(batch=2).collect().equals(batch(2))
    assert again.holds(4)
    again.append(batch(5), 5, STATISTICS)
    assert again.scan().collect().equals(pl.concat(batch(i) for i in range(6)))


def test_rows_of_another_writer_are_read_too(filled: Table, tmp_path: Path) -> None:
    """Rows that somebody else appended are not hidden: an audit must see them."""
    write_deltalake(local_uri(tmp_path, "tables/all"), batch(9, 2), mode="append")
    assert table(tmp_path).scan().collect()["_batch"].to_list()[-2:] == [9, 9]


def test_no_table(tmp_path: Path) -> None:
    """A table that is not there, or whose log is damaged, is an error of ours."""
    with pytest.raises(StoreUnavailable, match="want a Delta table at tables/all, got none"):
        _ = table(tmp_path).version
    made = table(tmp_path)
    made.create(CONTRACT)
    commit = tmp_path / "tables" / "all" / "_delta_log" / f"{0:020d}.json"
    good = commit.read_text()
    lines = [json.loads(line) for line in good.splitlines()]
    for body in (
        "",
        "{",
        "[]\n",
        json.dumps({"protocol": {"minReaderVersion": 99, "minWriterVersion": 99}}),
        json.dumps(lines[-1]),
    ):
        commit.write_text(body)
        with pytest.raises((TableMismatch, StoreUnavailable)) as caught:
            _ = table(tmp_path).scan().collect()
        assert "\n" not in str(caught.value)


def long_table(root: Path, n: int = 101) -> Table:
    filled = table(root)
    filled.create(CONTRACT)
    for number in range(n):
        filled.append(batch(number, 2), number, STATISTICS)
    return filled


@pytest.mark.parametrize("damaged", ["checkpoint", "hint", "both"])
def test_a_checkpoint_lost_to_a_power_loss_is_no_loss(tmp_path: Path, damaged: str) -> None:
    """Delta's checkpoint or the hint that names it emptied: whoever may write drops them and reads on."""
    want = long_table(tmp_path).scan().collect()
    log = tmp_path / "tables/all/_delta_log"
    (checkpoint,), hint = log.glob("*.checkpoint.parquet"), log / "_last_checkpoint"
    for path in (
        [checkpoint, hint] if damaged == "both" else [checkpoint if damaged == "checkpoint" else hint]
    ):
        path.write_bytes(b"")
    if damaged == "checkpoint":  # who may not write is told; there is nothing to read around it with
        reader = Table(
            LocalObjects(tmp_path, read_only=True), "tables/all", local_uri(tmp_path, "tables/all")
        )
        with pytest.raises(TableMismatch):
            reader.scan()
    again = table(tmp_path)
    assert again.holds(100)
    assert again.scan().collect().equals(want)
    again.append(batch(101, 2), 101, STATISTICS)
    assert table(tmp_path).holds(101)


def test_every_file_of_the_delta_log_is_made_durable(tmp_path: Path) -> None:
    """Commits and checkpoints alike are synced; the last commits are kept beside a checkpoint."""
    synced: list[str] = []

    class Noted(LocalObjects):
        def sync(self, path: str) -> None:
            synced.append(Path(path).name)
            super().sync(path)

    noted = Table(Noted(tmp_path), "tables/all", local_uri(tmp_path, "tables/all"))
    noted.create(CONTRACT)
    for number in range(101):
        noted.append(batch(number, 2), number, STATISTICS)
    on_disk = {p.name for p in (tmp_path / "tables/all/_delta_log").iterdir() if p.is_file()}
    assert on_disk == set(synced)
    assert {f"{n:020d}.json" for n in range(102)} <= on_disk
    assert "_last_checkpoint" in on_disk
