"""Sensor health: what is counted, and that no contract's column can be taken for one of ours."""

from datetime import UTC, datetime

import polars as pl
import pytest

from veracity.data.clean import clean
from veracity.data.contract import Contract, parse_contract
from veracity.data.health import COUNTS, health_rows, health_schema
from veracity.data.trust import reading_scores, trust_scores

RECEIVED = datetime(2026, 9, 2, tzinfo=UTC)
OURS = ("day", "property", "readings", "broken", "set_aside", "compared", "disagreed")
SCORES = ("score", "low", "high", "n", "received_at")


def contract(sensor: str = "gauge", value: str = "stage") -> Contract:
    return parse_contract(
        f"""\
apiVersion: v3.1.0
kind: DataContract
id: gauges
version: 1.0.0
status: active
schema:
  - name: gauges
    properties:
      - {{name: {sensor}, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}}
      - {{name: {value}, logicalType: number, required: true, logicalTypeOptions: {{maximum: 10}}}}
      - {{name: rain, logicalType: number}}
""".encode()
    )


def health(of: Contract, rows: list[tuple[str, str, str, str]]) -> pl.DataFrame:
    names = [f.name for f in of.fields]
    raw = pl.DataFrame([(i, *row) for i, row in enumerate(rows)], schema=["_record", *names], orient="row")
    found = health_rows(clean(raw, of, RECEIVED).judged, of)
    assert found is not None
    return found


def test_a_broken_reading_is_a_reading() -> None:
    """What cannot be read, or is missing though required, counts as a reading that broke a rule."""
    day = "2026-09-01"
    rows = [
        ("G1", f"{day}T00:00Z", "1", ""),
        ("G1", f"{day}T01:00Z", "high", "x"),
        ("G1", f"{day}T02:00Z", "", ""),
        ("G1", f"{day}T03:00Z", "11", "2"),
        ("G1", "soon", "1", "0"),
    ]
    found = health(contract(), rows)
    counted = {(d is not None, p): counts for _, d, p, *counts in found.rows()}
    assert counted == {
        (True, ""): [4, 3, 3, 0, 0],
        (True, "stage"): [4, 3, 3, 0, 0],
        (True, "rain"): [2, 1, 1, 0, 0],
        (False, ""): [1, 1, 1, 0, 0],
        (False, "stage"): [1, 0, 0, 0, 0],
        (False, "rain"): [1, 0, 0, 0, 0],
    }
    assert found.filter(pl.col("_broken") > pl.col("_readings")).is_empty()
    assert dict(found.schema) == dict(health_schema(contract()))


@pytest.mark.parametrize("name", [*OURS, *SCORES])
def test_a_contract_may_name_its_sensor_as_it_likes(name: str) -> None:
    """A key column called as one of the counts, or a score, is a sensor's name like any other."""
    rows = [(f"G{i % 2}", f"2026-09-01T{i:02}:00Z", "1" if i else "11", "") for i in range(12)]
    found = health(contract(name), rows)
    assert found[name].unique().sort().to_list() == ["G0", "G1"]
    plain = health(contract("zebra"), rows)
    assert found.select(*COUNTS).equals(plain.select(*COUNTS))
    scores = [
        trust_scores(frame.with_columns(_received_at=pl.lit(RECEIVED, pl.Datetime("us", "UTC"))))
        for frame in (found, plain)
    ]
    assert scores[0].rename({name: "zebra"}).equals(scores[1])
    at = pl.Series("at", [datetime(2026, 9, 2, 1, tzinfo=UTC)] * 2).dt.cast_time_unit("us")
    asked = pl.DataFrame([pl.Series(name, ["G1", "G0"]), at])
    got, want = (
        reading_scores(s, asked.rename({name: sensor}), "at", "stage").tolist()
        for s, sensor in zip(scores, (name, "zebra"), strict=True)
    )
    assert got == want
    assert got[0] > got[1]
