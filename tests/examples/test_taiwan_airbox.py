"""Taiwan: a wide file, one column for each of 516 sensors, five of which are in other countries."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from real_data import NOW, TakeIn, cell, states, verdicts

import veracity
from veracity.home.city import City

# Singapore, Singapore, Kuala Lumpur, Manila: the four that the data set is known for. The list of
# places has a fifth, V157, at 21.004 N 105.847 E: Hanoi.
ABROAD = {"V1", "V35", "V118", "V155", "V157"}


@pytest.mark.data
def test_taiwan_goes_the_whole_way(data: Path, take_in: TakeIn) -> None:
    """The wide table gives 511 x 744 rows, five sensors aside, a panel, a receipt and a clean audit."""
    file = data / "taiwan_airbox" / "pm25.parquet"
    taken = take_in("taiwan_airbox", file, ("taiwan_sensors", data / "taiwan_airbox" / "locations.csv"))

    named = taken.city.quarantine("taiwan-sensors").collect()
    assert set(named["sensor"]) == ABROAD
    assert named["reasons"].to_list() == [["inside:taiwan"]] * 5
    assert taken.counts == (516 * 744, 511 * 744, 5 * 744, 0)
    assert taken.report.reasons == {"registry:place": 5 * 744, "spike:pm25": 8}
    aside = taken.city.quarantine(taken.feed).collect()
    assert dict(aside["sensor"].value_counts().iter_rows()) == dict.fromkeys(ABROAD, 744)
    places = pl.read_csv(data / "taiwan_airbox" / "locations.csv")
    outside = ~pl.col("latitude").is_between(21, 27) | ~pl.col("longitude").is_between(118, 123)
    assert set(places.filter(outside)["sensor"]) == ABROAD

    panel = taken.panel("taiwan-hourly")
    assert panel.shape == (511 * 744, 8)
    assert states(panel, "pm25") == {"measured": 511 * 744}
    source = pl.read_parquet(file)
    midnight = datetime(2017, 3, 1, 15, tzinfo=UTC)  # 23:00 in Taipei
    day = source["V2"][:24].cast(pl.String).cast(pl.Float64)
    assert cell(panel, midnight, "pm25_day", sensor="V2") == (pytest.approx(day.mean()), "measured")
    assert cell(panel, midnight, "pm25_max_day", sensor="V2") == (47.125, "measured")

    row = taken.verified_row("sensor = 'V516' and observed_at = '2017-03-31 23:00'")
    assert row == {"observed_at": "2017-03-31T15:00:00Z", "sensor": "V516", "pm25": 16.4}

    audit = taken.audit()
    n_places = 517  # a header is a record
    assert (audit.records, audit.rows, audit.panels) == (744 + n_places, 511 * 744 + 511, 1)


LONG = """
apiVersion: v3.1.0
kind: DataContract
id: airbox-long
version: 1.0.0
status: active
schema:
  - name: observations
    logicalType: object
    properties:
      - {name: sensor, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: latitude, logicalType: number}
      - {name: longitude, logicalType: number}
      - name: pm25
        logicalType: number
        quality: [{type: custom, engine: veracity, implementation: {rule: alone}}]
    quality:
      - {name: taiwan, type: custom, engine: veracity,
         implementation: {rule: inside, action: flag, box: [118, 21, 123, 27],
                          latitude: latitude, longitude: longitude}}
"""


@pytest.mark.data
def test_positions_in_the_rows_tell_the_same(data: Path, tmp_path: Path) -> None:
    """Where rows give positions, a box names the five abroad; without a box, that they stand alone does.

    Two more stand alone, rightly placed: one on the south-east coast, one on Kinmen. While the first hour
    comes in, two are told before their neighbours are known. Whether hours come at once or one by one is
    all the same.
    """
    there = data / "taiwan_airbox"
    day = pl.read_parquet(there / "pm25.parquet").head(12)
    long = day.unpivot(index="timestamp", variable_name="sensor", value_name="pm25").rename(
        {"timestamp": "observed_at"}
    )
    rows = long.join(pl.read_csv(there / "locations.csv"), on="sensor", maintain_order="left")
    rows = rows.sort("observed_at", maintain_order=True)
    (tmp_path / "long.yaml").write_text(LONG, encoding="utf-8")
    at_once, hourly = (_city(tmp_path / name, tmp_path / "long.yaml") for name in ("a", "b"))
    rows.write_parquet(tmp_path / "day.parquet")
    at_once.ingest("airbox-long", tmp_path / "day.parquet")
    for hour, part in enumerate(rows.partition_by("observed_at", maintain_order=True)):
        part.write_parquet(tmp_path / f"{hour:02d}.parquet")
        hourly.ingest("airbox-long", tmp_path / f"{hour:02d}.parquet")

    said = verdicts(at_once, "airbox-long")
    assert verdicts(hourly, "airbox-long").equals(said)
    told = pl.concat([rows, said], how="horizontal")
    assert set(told.filter("inside:taiwan")["sensor"]) == ABROAD
    alone = told.filter("alone:pm25").group_by("sensor").len()
    assert set(alone.filter(pl.col("len") >= 11)["sensor"]) == ABROAD | {"V44", "V46"}
    assert alone.filter(pl.col("len") < 11).sort("sensor").rows() == [("V150", 1), ("V38", 1)]
    assert at_once.audit().findings == hourly.audit().findings == []


def _city(root: Path, contract: Path) -> City:
    veracity.init(root, "example.org/city", lambda: NOW)
    made = veracity.open(root, lambda: NOW)
    made.add_feed(contract)
    return made
