"""Vietnam: each kind of dirt in the crawl is found, counted and named by a rule of the contract."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from real_data import CONTRACTS, NOW, ROOT, verdicts

import veracity
from veracity.home.city import City

STATIONS = ROOT / "examples" / "registries" / "vietnam_stations.csv"
FEED = "vietnam-aqi-findings"
KEY = ["timestamp", "station_id"]
PLACED = ["station_name", "city_name", "url", "latitude", "longitude", "source_file"]
MEASURED = [
    "aqi",
    "pm25",
    "pm10",
    "co",
    "no2",
    "o3",
    "temperature",
    "wind",
    "atmospheric_pressure",
    "humidity",
]
NAMES = [*KEY, *PLACED, *MEASURED]

# How many rows break each rule, of 22,542.
FOUND = {
    # of one station and hour more than one row; of these, all as in the first one
    "duplicate-key": 6_985,
    "repeated-row": 2_119,
    # "N/A" and "-"
    "type:aqi": 3,
    "type:pm25_index": 1_316,
    "type:pm10_index": 3_742,
    "type:co_index": 6_533,
    "type:no2_index": 5_823,
    "type:o3_index": 10_609,
    "type:humidity": 11,
    "type:pressure": 11,
    # 999, which is no reading, and is also out of range
    "relation:aqi-sentinel": 6,
    "relation:pm25-sentinel": 15,
    "range:aqi": 8,
    "range:pm25_index": 17,
    # an ozone of exactly 500; 0 and -20.5 degrees; humidity up to 131.9 %; wind up to 61 m/s
    "range:o3_index": 1,
    "range:temperature": 15,
    "range:humidity": 6,
    "range:wind": 10,
    "registry:city": 2_372,
    "registry:position": 4_564,
    "relation:highest-index": 21,
    # A station's later rows stand in the file of another city, before its own.
    "order:observed_at": 2_217,
    # One night in Nha Be: temperature, humidity and pressure the same from 20:00 to 04:00 and before.
    "stuck:temperature": 8,
    "stuck:humidity": 7,
    "stuck:pressure": 8,
    "spike:o3_index": 1,
    "spike:temperature": 1,
}


@pytest.fixture(scope="module")
def file(data: Path) -> Path:
    found = data / "vietnam_aqi_raw" / "vietnam_aqi_raw.parquet"
    if not found.is_file():
        pytest.skip("no real data: want vietnam_aqi_raw.parquet under VERACITY_DATA, got none")
    return found


@pytest.fixture(scope="module")
def raw(file: Path) -> pl.DataFrame:
    return pl.read_parquet(file)


@pytest.fixture(scope="module")
def city(file: Path, tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city that took the whole crawl at once."""
    made = city_with(tmp_path_factory.mktemp("vietnam") / "city", CONTRACTS / "vietnam_aqi_findings.yaml")
    made.ingest(FEED, file)
    return made


@pytest.fixture(scope="module")
def said(city: City, raw: pl.DataFrame) -> pl.DataFrame:
    """The raw rows, and beside each what the engine said of it."""
    return pl.concat([raw, verdicts(city, FEED)], how="horizontal")


def city_with(root: Path, contract: Path) -> City:
    """Make a city with the registry of stations and one more contract in force."""
    veracity.init(root, "example.org/city", lambda: NOW)
    made = veracity.open(root, lambda: NOW)
    made.add_feed(CONTRACTS / "vietnam_stations.yaml")
    (report,) = made.ingest("vietnam-stations", STATIONS)
    assert (report.received, report.accepted) == (40, 40)
    made.add_feed(contract)
    return made


def cut(raw: pl.DataFrame, n_cuts: int, folder: Path) -> Iterator[Path]:
    """Write the rows as files, cut at random places."""
    places = np.random.default_rng(3).choice(np.arange(1, raw.height), n_cuts, replace=False)
    cuts = [0, *sorted(places.tolist()), raw.height]
    for a, b in pairwise(cuts):
        part = folder / f"from-{a:05d}.parquet"
        raw[a:b].write_parquet(part)
        yield part


def count(rows: pl.DataFrame, where: pl.Expr) -> int:
    """Count the rows for which an expression is true."""
    return rows.filter(where).height


@pytest.mark.data
def test_each_kind_of_dirt_has_a_name(city: City, said: pl.DataFrame) -> None:
    """The verdicts count every kind of dirt exactly, only keys are set aside, and the audit is clean."""
    broken = {name: int(said[name].sum()) for name in said.columns if said.schema[name] == pl.Boolean}
    assert broken == FOUND
    assert dict(said["outcome"].value_counts().iter_rows()) == {"accepted": 15_557, "quarantined": 6_985}
    report = city.audit()
    assert (report.findings, report.records) == ([], 22_542 + 41)  # a header is a record


@pytest.mark.data
def test_many_batches_say_the_same(file: Path, raw: pl.DataFrame, city: City, tmp_path: Path) -> None:
    """Cut at 24 places into files of their own, the rows get the same verdicts, each and all."""
    pieces = city_with(tmp_path / "city", CONTRACTS / "vietnam_aqi_findings.yaml")
    for part in cut(raw, 24, tmp_path):
        pieces.ingest(FEED, part)
    assert verdicts(pieces, FEED).equals(verdicts(city, FEED))
    assert pieces.audit().findings == []


@pytest.mark.data
def test_the_names_fall_on_the_right_rows(said: pl.DataFrame) -> None:
    """What a rule flags is what the raw text shows, row for row."""
    number = {c: pl.col(c).cast(pl.Float64, strict=False) for c in (*MEASURED, "latitude", "longitude")}
    source = {f"{c}_index": c for c in ("pm25", "pm10", "co", "no2", "o3")} | {
        "pressure": "atmospheric_pressure"
    }
    for reason in (r for r in FOUND if r.startswith("type:")):
        name = reason.removeprefix("type:")
        assert said[reason].equals(said[source.get(name, name)].is_in(["N/A", "-"]).alias(reason))
    shown = {
        "relation:aqi-sentinel": number["aqi"] == 999,
        "relation:pm25-sentinel": number["pm25"] == 999,
        "range:o3_index": number["o3"] == 500,
        "range:temperature": number["temperature"] <= 0,
        "range:humidity": number["humidity"] > 100,
        "range:wind": number["wind"] > 33,
    }
    for reason, truth in shown.items():
        assert count(said, pl.col(reason) != truth.fill_null(value=False)) == 0
    assert said.filter("range:temperature").select(number["temperature"].min()).item() == -20.5
    assert said.filter("range:humidity").select(number["humidity"].max()).item() == 131.9


@pytest.mark.data
def test_what_comes_twice(said: pl.DataFrame) -> None:
    """6,985 rows come after another of their station and hour; 2,119 say just what the first one said.

    6,739 give the ten readings of a row before: the page was stale. The other 246 say something else.
    """
    twice = ~pl.struct(KEY).is_first_distinct()
    assert said.select((pl.col("duplicate-key") == twice).all()).item()
    others = [name for name in NAMES if name not in KEY]
    as_first = twice & pl.all_horizontal(pl.col(name) == pl.col(name).first().over(KEY) for name in others)
    assert said.select((pl.col("repeated-row") == as_first).all()).item()
    stale = ~pl.struct([*KEY, *MEASURED]).is_first_distinct()
    assert count(said.with_columns(stale=stale), pl.col("duplicate-key") & pl.col("stale")) == 6_739


@pytest.mark.data
def test_lines_that_were_saved_twice(file: Path, raw: pl.DataFrame, tmp_path: Path) -> None:
    """2,754 lines repeat an earlier one in all 18 columns, whether they come at once or in seven files.

    2,119 of them repeat the first row of their station and hour, the others a later one. Without the
    name of the source file they would be 2,756.
    """
    contract, feed = CONTRACTS / "vietnam_aqi_lines.yaml", "vietnam-aqi-lines"
    at_once, in_pieces = city_with(tmp_path / "a", contract), city_with(tmp_path / "b", contract)
    at_once.ingest(feed, file)
    for part in cut(raw, 6, tmp_path):
        in_pieces.ingest(feed, part)
    said = verdicts(at_once, feed)
    again = raw.select(~pl.struct(NAMES).is_first_distinct()).to_series()
    assert (int(said["duplicate-key"].sum()), said.columns) == (2_754, ["outcome", "duplicate-key"])
    assert said["duplicate-key"].equals(again)
    assert verdicts(in_pieces, feed).equals(said)
    assert at_once.audit().findings == in_pieces.audit().findings == []
    assert raw.height - raw.drop("source_file").unique().height == 2_756


@pytest.mark.data
def test_stations_under_another_city(said: pl.DataFrame) -> None:
    """386 rows of Hue are filed under Da Nang, 27 of Hanoi under Quang Ninh; 19 stations in all."""
    filed = said.filter("registry:city").group_by("station_id", "city_name").len()
    found = {(station, city): n for station, city, n in filed.iter_rows()}
    assert found[("12488", "Đà Nẵng")] == 386
    assert found[("1583", "Quảng Ninh")] == 27
    assert {c for s, c in found if s == "12960"} == {"Hà Nội", "Quảng Ninh"}  # of Bac Ninh
    assert {c for s, c in found if s == "13417"} == {"Đà Nẵng", "Nha Trang"}  # of Gia Lai
    assert found[("7219", "Sơn La")] == 431  # of Wenshan, in another country
    assert len({s for s, _ in found}) == 19


@pytest.mark.data
def test_the_registry_is_asked_as_of_the_reading(said: pl.DataFrame) -> None:
    """Vung Tau joined Ho Chi Minh City on 1 July 2025: rows of April filed there were still wrong."""
    of_vung_tau = (pl.col("city_name") == "TP. Hồ Chí Minh") & pl.col("station_id").is_in(["14642", "14643"])
    assert count(said, of_vung_tau) == count(said, of_vung_tau & pl.col("registry:city")) == 142 + 162


@pytest.mark.data
def test_one_station_in_many_places(said: pl.DataFrame) -> None:
    """8688 claims 8 places, 7 of them flagged; 1583 also 8 under Hanoi, and a ninth under Quang Ninh."""
    places = said.group_by("station_id", "city_name", "latitude", "longitude", "registry:position").len()
    of_8688, of_1583 = (places.filter(station_id=s) for s in ("8688", "1583"))
    assert (of_8688.height, count(of_8688, pl.col("registry:position"))) == (8, 7)
    assert (of_1583.filter(city_name="Hà Nội").height, of_1583.height) == (8, 9)
    assert count(of_1583, pl.col("registry:position")) == 8


@pytest.mark.data
def test_index_points_are_no_concentrations(raw: pl.DataFrame, file: Path, tmp_path: Path) -> None:
    """A contract that takes the index points for µg/m³ is told so by nine rows in ten.

    Of air with 55 µg/m³ of fine dust or less the index is more than twice that number (the
    published steps: 12.0 is 50, 35.4 is 100, 55.4 is 150; the newer ones begin with 9.0). 1 is left
    for rounding. The rule ``unit`` cannot tell: it compares sensors with each other and with their past,
    and here all are wrong alike, from the first reading on.
    """
    wrong = yaml.safe_load((CONTRACTS / "vietnam_aqi_findings.yaml").read_text(encoding="utf-8"))
    column: dict[str, Any] = next(p for p in wrong["schema"][0]["properties"] if p["name"] == "pm25_index")
    column["customProperties"][0]["value"] = "ug/m3"
    column["quality"] = [
        _rule(
            "index-of-it",
            rule="relation",
            action="flag",
            expect="pm25_index > 55 or aqi >= 2 * pm25_index - 1",
        ),
        _rule("by-values", rule="unit"),
    ]
    contract = tmp_path / "wrong.yaml"
    contract.write_text(yaml.safe_dump(wrong, sort_keys=False), encoding="utf-8")
    made = city_with(tmp_path / "city", contract)
    (report,) = made.ingest(FEED, file)

    numbers = raw.select(pl.col("aqi", "pm25").cast(pl.Float64, strict=False)).drop_nulls()
    clean = numbers.filter(pl.col("pm25") <= 55)
    impossible = count(clean, pl.col("aqi") < 2 * pl.col("pm25") - 1)
    assert (clean.height, impossible) == (10_449, report.reasons["relation:index-of-it"])
    assert impossible > 0.9 * clean.height
    assert "unit:by-values" not in report.reasons


def _rule(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "type": "custom", "engine": "veracity", "implementation": settings}
