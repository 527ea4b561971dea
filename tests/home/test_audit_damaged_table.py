"""An audit of a damaged table ends with findings, wherever the damage is, and never in a crash."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import veracity
from veracity.home.city import City

NOW = datetime(2026, 9, 3, tzinfo=UTC)
STEP_BYTES = 41
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: rain
version: 1.0.0
status: active
schema:
  - name: observations
    logicalType: object
    properties:
      - {name: at, logicalType: timestamp, primaryKey: true}
      - {name: mm, logicalType: number, customProperties: [{property: unit, value: mm}]}
"""
PANEL = """\
name: rain-hourly
grid: {every: 1h}
columns: [{name: mm, feed: rain, value: mm, aggregate: sum, window: 1h}]
"""


@pytest.fixture
def city(tmp_path: Path) -> City:
    """Forty hours of rain and a panel whose grid is left to the data."""
    lines = [f'{{"at":"2026-09-0{1 + h // 24}T{h % 24:02}:00:00Z","mm":{h / 8}}}\n' for h in range(40)]
    for name, text in (("rain.yaml", CONTRACT), ("panel.yaml", PANEL), ("rain.ndjson", "".join(lines))):
        (tmp_path / name).write_text(text)
    veracity.init(tmp_path / "city", "example.org/city", lambda: NOW)
    city = veracity.open(tmp_path / "city", lambda: NOW)
    city.add_feed(tmp_path / "rain.yaml")
    city.ingest("rain", [tmp_path / "rain.ndjson"])
    city.panel(tmp_path / "panel.yaml")
    assert city.audit().is_clean
    return city


def test_any_damage_to_a_table_is_a_finding(city: City) -> None:
    """A byte changed anywhere in the table's file makes findings."""
    (path,) = (city.root / "store" / "tables" / "rain").glob("*.parquet")
    whole = path.read_bytes()
    for at in range(0, len(whole), STEP_BYTES):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        assert not city.audit().is_clean, f"byte {at} of {len(whole)}"
    path.write_bytes(whole)
    assert city.audit().is_clean


@pytest.mark.parametrize("moved", [2**62, -(2**62), 2**55])
def test_times_beyond_all_calendars_are_a_finding(city: City, moved: int) -> None:
    """A time that Python has no date for is a finding, in the table and in the panel made from it."""
    (path,) = (city.root / "store" / "tables" / "rain").glob("*.parquet")
    rows = pl.read_parquet(path)
    moved_first = pl.when(pl.int_range(pl.len()) == 0).then(moved).otherwise(pl.col("at").to_physical())
    rows.with_columns(moved_first.cast(rows.schema["at"]).alias("at")).write_parquet(path)
    report = city.audit()
    assert {"table", "panel made again"} <= {f.what for f in report.findings}
