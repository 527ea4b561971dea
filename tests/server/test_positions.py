"""Where sensors stand: from a feed's own columns, from a registry, from an app's places; never made up."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from released_city import APP, new_released_city, use_rain_app
from small_city import AGENCY, clock, contract, key, new_city
from veracity.data.contract import parse_contract
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.models.places import set_places
from veracity.server.positions import Lookup, Positions, positions
from veracity.server.registers import Spot

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


def places(found: Positions) -> dict[tuple[str, ...], tuple[float, float]]:
    """Return what is known of places beside rows, by one lookup."""
    (lookup,) = found.lookups
    return {key: (spot.lon, spot.lat) for key, spot in lookup.spots.items()}


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
        assert places(found) == {("G00",): (108.5, 16.5)}
        assert positions(reader, reader.feed("gauges").contract).columns == ("lon", "lat")
    finally:
        reader.close()
    frame = found.with_points(pl.LazyFrame({"gauge": ["G01", "G00"]})).collect()
    assert frame.rows() == [("G01", None, None), ("G00", 108.5, 16.5)]


def test_an_apps_places_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the feeds that an app reads, by the column that its panel names: the places it has in this city."""
    use_rain_app(tmp_path, monkeypatch)
    city = new_released_city(tmp_path)
    with city.at() as home:
        set_places(home, APP, b"gauge,lon,lat\nG00,108.1,16.1\nG01,,\n")
        found = positions(home, home.feed("rain").contract)
    assert places(found) == {("G00",): (108.1, 16.1)}


def test_the_twins_stations_stand_somewhere(tmp_path: Path) -> None:
    """A feed of the built-in city has its places; one of another contract has none of them."""
    root = new_city(tmp_path / "city")
    source = files("veracity.city").joinpath("contracts/hydrology.yaml").read_text("utf-8")
    reader = Home.open(root, clock)
    try:
        found = positions(reader, parse_contract(source.encode()))
        other = positions(reader, parse_contract(source.replace("1.0.0", "1.0.1").encode()))
    finally:
        reader.close()
    assert len(places(found)) == 12
    assert not other.is_known


def test_nothing_known_is_nothing_said() -> None:
    """Rows without a position have none; their number and order stay."""
    rows = pl.LazyFrame({"a": [3, 1]})
    assert Positions().with_points(rows).collect().rows() == [(3, None, None), (1, None, None)]
    frame = pl.LazyFrame({"x": [1.0, 200.0, None], "y": [2.0, 2.0, 2.0]})
    found = Positions(columns=("x", "y")).with_points(frame).select("_lon", "_lat").collect()
    assert found.rows() == [(1.0, 2.0), (None, None), (None, None)]


def test_a_row_says_first_then_its_registry_then_the_rest() -> None:
    """What a row lacks is looked up; a number that names a thing is one; titles go with places."""
    registry = Lookup(("line", "stop"), {("1", "A"): Spot(108.0, 16.0, "An Bình")})
    others = Lookup(("stop",), {("A",): Spot(1.0, 1.0), ("B",): Spot(108.2, 16.2)})
    known = Positions(("x", "y"), (registry, others))
    rows: list[dict[str, Any]] = [
        {"line": 1, "stop": "A", "x": 108.5, "y": 16.5},
        {"line": 1, "stop": "A", "x": None, "y": 16.5},
        {"line": 2, "stop": "B", "x": 900.0, "y": 16.5},
        {"line": None, "stop": "C", "x": None, "y": None},
    ]
    spots = [known.of(row) for row in rows]
    assert spots == [Spot(108.5, 16.5, "An Bình"), Spot(108.0, 16.0, "An Bình"), Spot(108.2, 16.2), None]
    frame = known.with_points(pl.LazyFrame(rows)).select("_lon", "_lat").collect()
    assert frame.rows() == [(s.lon, s.lat) if s else (None, None) for s in spots]
