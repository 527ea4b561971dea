"""A city with rows in quarantine that people let in, or keep out, by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_city import clock, new_city
from veracity.home.audit import audit
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.releases import Outcome, release
from veracity.home.selection import Selection

AN, WHY = "Nguyễn Thị An", "the gauge was checked on site: the storm was real"
RANGE = Selection(reason="range")


def line(gauge: str, minute: int, rain: object) -> dict[str, Any]:
    """A reading; its value as it was received."""
    return {"gauge": gauge, "observed_at": f"2026-09-01T00:{minute:02}:00Z", "rain": rain}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write readings as NDJSON."""
    pl.DataFrame(rows, infer_schema_length=None).write_ndjson(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Batch 0: an accepted row, two out of range, one unreadable and one that comes twice."""
    root = new_city(tmp_path / "city")
    rows = [
        line("G01", 0, "1.5"),
        line("G01", 10, "900"),
        line("G02", 10, "500"),
        line("G02", 20, "n/a"),
        line("G01", 0, "7"),
    ]
    with open_writer(root, clock) as home:
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])
    return root


def in_city(root: Path, task: Callable[[Writer], Any]) -> Any:
    """Do something with the city, opened for writing."""
    with open_writer(root, clock) as home:
        return task(home)


def reading(root: Path, task: Callable[[Home], Any]) -> Any:
    """Ask the city something, opened for reading."""
    home = Home.open(root, clock)
    try:
        return task(home)
    finally:
        home.close()


def let_in(root: Path, chosen: Selection = RANGE, *waive: str) -> Outcome:
    """Let rows of the feed in, under a waiver of these rules."""
    done = in_city(root, lambda home: release(home, "rain", chosen, AN, WHY, waive))
    assert isinstance(done, Outcome)
    return done


def findings(root: Path) -> list[str]:
    """Return what an audit finds."""
    return [f"{f.where}: {f.what}: {f.detail}" for f in reading(root, audit).findings]


def predicate(root: Path, batch: int, feed: str = "rain") -> dict[str, Any]:
    """Return what the log says of a batch."""

    def read(home: Home) -> Any:
        row = home.index.batch(feed, batch)
        assert row is not None
        return home.index.predicate(row.idx)

    return dict(reading(root, read))
