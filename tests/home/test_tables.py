"""Rows out of a home: as of a time, with their reasons, to files that are whole and marked."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from small_city import NOW, clock, ndjson, new_city, readings
from veracity.data.errors import TableMismatch
from veracity.home.errors import BadName, HomeUnusable, UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.tables import quarantine_rows, table_rows, write_rows


class Ticking:
    """A clock that goes on an hour at each call to ``tick``."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> None:
        self.now += timedelta(hours=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three batches, an hour apart."""
    folder = tmp_path_factory.mktemp("tables")
    root, ticking = new_city(folder / "city"), Ticking()
    with open_writer(root, ticking) as home:
        for i in range(3):
            ingest(home, "rain", [ndjson(folder / f"{i}.ndjson", i * 60, 60, broken=False)])
            ticking.tick()
    return root


def test_as_of_any_time(root: Path) -> None:
    """A table as of a time has what had been received by then, the batch of that very moment included."""
    home = Home.open(root, clock)
    heights = []
    for hours in (-1, 0, 0.5, 1, 2, 100):
        rows = table_rows(home, "rain", NOW + timedelta(hours=hours)).collect()
        heights.append(rows["_batch"].n_unique() if rows.height else 0)
        assert rows["_batch"].is_sorted()
    assert heights == [0, 1, 1, 2, 3, 3]
    assert table_rows(home, "rain").collect()["_batch"].n_unique() == 3
    with pytest.raises(UnknownFeed):
        table_rows(home, "snow")
    home.close()


def test_quarantine_keeps_the_row_as_received(root: Path) -> None:
    """Each row set aside is there with all its reasons, as it was received; asked by rule or by reason."""
    home = Home.open(root, clock)
    rows = quarantine_rows(home, "rain").collect()
    by_rule = quarantine_rows(home, "rain", "range").collect()
    by_reason = quarantine_rows(home, "rain", "range:rain").collect()
    assert by_rule.equals(by_reason)
    assert by_reason.height == sum(r["rain"] == 900.0 for r in readings(0, 180))
    assert {float(v) for v in by_reason["rain"]} == {900.0}
    assert quarantine_rows(home, "rain", "rang").collect().is_empty()
    assert quarantine_rows(home, "rain", "duplicate-key").collect().height == rows.height - by_rule.height
    accepted = table_rows(home, "rain").collect().height
    assert accepted + rows.height == 180
    home.close()


def test_a_feed_with_no_quarantine(tmp_path: Path) -> None:
    """Where nothing was set aside the answer is empty, with its columns."""
    root = new_city(tmp_path / "city")
    home = Home.open(root, clock)
    rows = quarantine_rows(home, "rain").collect()
    assert rows.columns == ["_batch", "_record", "reasons", "gauge", "observed_at", "rain"]
    assert rows.is_empty()
    assert quarantine_rows(home, "rain", "range").collect().is_empty()
    home.close()


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".ndjson"])
def test_files_say_that_they_are_simulated(root: Path, tmp_path: Path, suffix: str) -> None:
    """A file written from simulated rows says so in every row, whatever its format; no part is left."""
    home = Home.open(root, clock)
    path = tmp_path / f"out{suffix}"
    n = write_rows(quarantine_rows(home, "rain"), path, simulated=True)
    readers: list[tuple[str, Callable[..., pl.LazyFrame]]] = [
        (".parquet", pl.scan_parquet),
        (".csv", pl.scan_csv),
        (".ndjson", pl.scan_ndjson),
    ]
    read = dict(readers)[suffix](path).collect()
    assert read.height == n > 0
    assert read["simulated"].all()
    assert write_rows(table_rows(home, "rain"), path, simulated=False) > n
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    home.close()


def test_files_that_cannot_be(root: Path, tmp_path: Path) -> None:
    """Another suffix, or no folder to write in: refused, nothing written."""
    home = Home.open(root, clock)
    with pytest.raises(BadName, match="want a file ending in"):
        write_rows(table_rows(home, "rain"), tmp_path / "x.xlsx", simulated=True)
    with pytest.raises(HomeUnusable, match="want a folder"):
        write_rows(table_rows(home, "rain"), tmp_path / "none" / "x.csv", simulated=True)
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(HomeUnusable, match="want a file"):
        write_rows(table_rows(home, "rain"), tmp_path / "d.csv", simulated=True)
    assert [p.name for p in tmp_path.iterdir()] == ["d.csv"]
    home.close()


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".ndjson"])
def test_exports_never_hold_all_rows(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A table or quarantine larger than memory can be written: no step collects its rows."""
    home = Home.open(root, clock)
    collect = pl.LazyFrame.collect

    def small(self: pl.LazyFrame, **options: object) -> pl.DataFrame:
        frame = collect(self, **options)  # type: ignore[call-overload]
        assert isinstance(frame, pl.DataFrame)
        assert frame.height <= 1, "rows were collected"
        return frame

    monkeypatch.setattr(pl.LazyFrame, "collect", small)
    monkeypatch.setattr(pl, "read_parquet", lambda *_, **__: pytest.fail("a whole file was read"))
    aside = [quarantine_rows(home, "rain", reason) for reason in (None, "range")]
    for rows in (table_rows(home, "rain"), *aside):
        assert write_rows(rows, tmp_path / f"out{suffix}", simulated=True) > 1
    home.close()


def test_a_quarantine_file_that_is_gone(root: Path, tmp_path: Path) -> None:
    """Rows set aside that are missing are named, not passed over."""
    copy = Path(shutil.copytree(root, tmp_path / "city"))
    gone = next((copy / "store" / "quarantine" / "rain").iterdir())
    gone.unlink()
    home = Home.open(copy, clock)
    with pytest.raises(TableMismatch, match=gone.name):
        quarantine_rows(home, "rain")
    home.close()
