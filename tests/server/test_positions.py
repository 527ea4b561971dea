"""Where sensors stand: from a feed's own columns, from a registry, from an app's places; never made up."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from released_city import Released, use_mean_rain
from small_city import AGENCY, clock, contract, key
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.server.positions import Positions, positions

REGISTRY = """\
apiVersion: v3.1.0
kind: DataContract
id: gauges
name: Where gauges stand (made up)
version: 1.0.0
status: active
schema:
  - name: gauges
    properties:
      - {name: gauge, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: since, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: lon, logicalType: number}
      - {name: lat, logicalType: number}
"""
RULE = """\
    quality:
      - {name: known, type: custom, engine: veracity,
         implementation: {rule: registry, feed: gauges, match: {gauge: gauge}}}
slaProperties:"""


def test_a_registry_says_where(tmp_path: Path) -> None:
    """The newest row of each thing counts; one that is no place on Earth says nothing."""
    root = tmp_path / "city"
    init(root, "test.example/city", clock)
    (tmp_path / "gauges.yaml").write_text(REGISTRY, encoding="utf-8")
    rain = contract(tmp_path)
    rain.write_text(rain.read_text("utf-8").replace("slaProperties:", RULE), "utf-8")
    rows = [("G00", 1, 108.0, 16.0), ("G00", 2, 108.5, 16.5), ("G01", 1, 500.0, 16.0)]
    said = [{"gauge": g, "since": f"2026-0{m}-01T00:00:00Z", "lon": x, "lat": y} for g, m, x, y in rows]
    text = "".join(json.dumps(row) + "\n" for row in said)
    (tmp_path / "g.ndjson").write_text(text, encoding="utf-8")
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, tmp_path / "gauges.yaml")
        ingest(home, "gauges", [tmp_path / "g.ndjson"])
        add_feed(home, rain)
    reader = Home.open(root, clock)
    try:
        found = positions(reader, reader.feed("rain").contract)
        assert (found.column, dict(found.points or {})) == ("gauge", {"G00": (108.5, 16.5)})
        assert positions(reader, reader.feed("gauges").contract).columns == ("lon", "lat")
    finally:
        reader.close()
    frame = found.with_points(pl.LazyFrame({"gauge": ["G01", "G00"]})).collect()
    assert frame.rows() == [("G01", None, None), ("G00", 108.5, 16.5)]


def test_an_apps_places_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the feeds that the app was trained on, by the column that the list names; the newest list."""
    use_mean_rain(monkeypatch)
    released = Released.new(tmp_path)
    lists = [b"station,lon,lat\nG00,1,2\n", b"gauge,lon,lat\nG00,108.1,16.1\nG01,,\n"]
    with released.city.at() as home:
        assert not positions(home, home.feed("rain").contract).is_known
        for number, text in enumerate(lists):
            digest = hashlib.sha256(text).hexdigest()
            home.objects.put(f"places/{released.trained.train.name}/{number:08d}-{digest}.csv", text)
            assert positions(home, home.feed("rain").contract).is_known == (number == 1)
        home.objects.put(f"places/unknown/00000000-{'0' * 64}.csv", b"gauge,lon,lat\nG01,1,2\n")
        found = positions(home, home.feed("rain").contract)
    assert dict(found.points or {}) == {"G00": (108.1, 16.1)}


def test_nothing_known_is_nothing_said() -> None:
    """Rows without a position have none; their number and order stay."""
    rows = pl.LazyFrame({"a": [3, 1]})
    assert Positions().with_points(rows).collect().rows() == [(3, None, None), (1, None, None)]
    frame = pl.LazyFrame({"x": [1.0, 200.0, None], "y": [2.0, 2.0, 2.0]})
    found = Positions(columns=("x", "y")).with_points(frame).select("_lon", "_lat").collect()
    assert found.rows() == [(1.0, 2.0), (None, None), (None, None)]
