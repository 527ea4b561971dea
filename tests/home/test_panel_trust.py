"""Panels weighted by trust, through a real home: built, audited, and never on changed health."""

import io
import json
from pathlib import Path

import polars as pl
import pytest

import veracity
from small_city import clock, contract, new_city
from veracity.data.errors import MalformedPanel, TableMismatch
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer

PANEL = """\
name: rain-daily
grid: {every: 1d}
columns:
  - {name: rain, feed: rain, value: rain, aggregate: mean, window: 1d, weight: trust, trust_column: true}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A city with two simulated gauges, two days; G01 is out of range half of the first day."""
    root = new_city(tmp_path / "city")
    rows = []
    for day in (1, 2):
        for hour in range(24):
            for gauge, rain in (("G00", 1.0), ("G01", 900.0 if day == 1 and hour % 2 else 3.0)):
                at = f"2026-09-0{day}T{hour:02}:30:00Z"
                rows.append({"gauge": gauge, "observed_at": at, "rain": rain})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "rain.ndjson").write_text(text, encoding="utf-8")
    (tmp_path / "panel.yaml").write_text(PANEL, encoding="utf-8")
    veracity.open(root, clock).ingest("rain", tmp_path / "rain.ndjson")
    return root


def test_a_panel_leans_on_the_trusted_sensor(root: Path) -> None:
    """A mean weighted by trust is nearer to the sensor that broke no rule, and an audit makes it again."""
    city = veracity.open(root, clock)
    built = city.panel(root.parent / "panel.yaml")
    of = {t.day: (v, s) for t, v, s in built.frame.select("time", "rain", "rain_trust").iter_rows()}
    # On the first day nothing is known of either: 24 readings of 1 and 12 of 3.
    assert of[2][0] == pytest.approx(5 / 3)
    assert 1 < of[3][0] < 1.6
    assert 0.5 < of[3][1] < 0.9
    report = city.audit()
    assert report.is_clean
    assert report.panels == 1


@pytest.mark.parametrize("fault", ["changed", "lost"])
def test_changed_health_is_found(root: Path, fault: str) -> None:
    """Health that was changed or is gone gives no panel, and an audit names it, batch and panel."""
    city = veracity.open(root, clock)
    city.panel(root.parent / "panel.yaml")
    (path,) = (root / "store" / "health" / "rain").iterdir()
    if fault == "lost":
        path.unlink()
    else:
        rows = pl.read_parquet(path).with_columns(_broken=pl.lit(0, pl.Int64))
        body = io.BytesIO()
        rows.write_parquet(body)
        path.chmod(0o644)
        path.write_bytes(body.getvalue())
    with pytest.raises(TableMismatch, match="health"):
        city.panel(root.parent / "panel.yaml")
    found = [(f.where, f.what) for f in city.audit().findings]
    assert ("rain batch 0", "health") in found
    assert any(where.startswith("panel rain-daily") for where, _ in found)


def test_a_feed_without_sensors_has_no_trust(root: Path) -> None:
    """A panel that asks for trust of a feed whose key has no time is refused in words."""
    path = contract(root.parent, "free")
    text = path.read_text().replace(", primaryKey: true, primaryKeyPosition: 2", "")
    path.write_text(text, encoding="utf-8")
    with open_writer(root, clock) as home:
        add_feed(home, path)
    (root.parent / "free.panel").write_text(PANEL.replace("feed: rain", "feed: free"), encoding="utf-8")
    with pytest.raises(MalformedPanel, match="whose key has its time"):
        veracity.open(root, clock).panel(root.parent / "free.panel")
