"""Cleaning: types, rules, reasons, duplicates, wide files."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.clean import Cleaned, check_columns, clean, table_schema
from veracity.data.contract import Contract, parse_contract
from veracity.data.errors import WrongFile

NOW = datetime(2026, 1, 2, tzinfo=UTC)

YAML = b"""
apiVersion: v3.1.0
kind: DataContract
id: air
version: 1.0.0
status: active
schema:
  - name: o
    properties:
      - name: at
        logicalType: timestamp
        primaryKey: true
        primaryKeyPosition: 2
        logicalTypeOptions: {timezone: false, defaultTimezone: Asia/Ho_Chi_Minh, format: "dd/MM/yyyy HH:mm"}
        customProperties: [{property: formats, value: ["MM-dd-yyyy hh:mm a"]}]
      - name: station
        logicalType: string
        primaryKey: true
        logicalTypeOptions: {pattern: "^S[0-9]+$", maxLength: 4}
      - name: pm25
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 500}
        customProperties: [{property: decimal, value: ","}, {property: aliases, value: [PM2.5]}]
      - {name: n, logicalType: integer}
      - {name: ok, logicalType: boolean}
      - {name: day, logicalType: date}
      - name: wind
        logicalType: string
        quality: [{type: library, metric: invalidValues, arguments: {validValues: [N, S]}, mustBe: 0}]
    customProperties:
      - {property: missing, value: ["", NA, "-200", "-"]}
slaProperties:
  - {property: latency, value: 2, unit: h}
"""
CONTRACT = parse_contract(YAML)


def run(contract: Contract = CONTRACT, /, **columns: Sequence[str | None]) -> Cleaned:
    n = len(next(iter(columns.values())))
    base: dict[str, Sequence[str | None]] = {
        "at": ["01/01/2026 08:00"] * n,
        "station": [f"S{i}" for i in range(n)],
    }
    frame = pl.DataFrame(base | columns, schema_overrides=dict.fromkeys(columns, pl.String))
    return clean(frame.with_columns(_record=pl.int_range(n, dtype=pl.Int64)), contract, NOW)


def test_text_becomes_the_contracts_types() -> None:
    """Decimal commas, booleans, dates, whole numbers and local times are read as declared."""
    got = run(pm25=[" 12,5 "], n=["7"], ok=["Yes"], day=["2026-01-01"], wind=["N"])
    assert got.reasons == {}
    row = got.accepted.row(0, named=True)
    assert row["pm25"] == 12.5
    assert row["n"] == 7
    assert row["ok"] is True
    assert str(row["day"]) == "2026-01-01"
    assert row["at"] == datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
    assert dict(got.accepted.schema) == table_schema(CONTRACT)


@pytest.mark.parametrize("token", ["", "NA", "-200", "-", "  "])
def test_missing_tokens_are_missing(token: str) -> None:
    """A missing token is null, not a wrong number."""
    got = run(pm25=[token])
    assert got.accepted["pm25"].to_list() == [None]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("pm25", "abc", "type:pm25"),
        ("pm25", "inf", "type:pm25"),
        ("pm25", "1.2.3", "type:pm25"),
        ("pm25", "-0,1", "range:pm25"),
        ("pm25", "500,1", "range:pm25"),
        ("n", "1.5", "type:n"),
        ("n", "99999999999999999999", "type:n"),
        ("ok", "maybe", "type:ok"),
        ("day", "2026-02-30", "type:day"),
        ("wind", "X", "enum:wind"),
        ("station", "X1", "pattern:station"),
        ("station", "S1234", "length:station"),
        ("station", "", "required:station"),
        ("station", None, "required:station"),
        ("at", "31/02/2026 08:00", "type:at"),
        ("at", "", "required:at"),
        ("at", "02/01/2026 08:00", "future:at"),
    ],
)
def test_a_broken_rule_quarantines_with_its_reason(column: str, value: str | None, reason: str) -> None:
    """The row is not accepted; its reason and its text as received are kept."""
    got = run(**{column: [value]})
    assert got.accepted.is_empty()
    assert got.reasons == {reason: 1}
    assert got.quarantined["reasons"].to_list() == [[reason]]
    assert got.quarantined[column].to_list() == [value]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("at", "0001-01-01T00:00:00+07:00", "type:at"),
        ("at", "0000-01-01T00:00:00", "type:at"),
        ("at", "-0044-03-15T00:00:00", "type:at"),
        ("at", "+12000-01-01T00:00:00Z", "type:at"),
        ("at", "9999-12-31T23:59:59-01:00", "type:at"),
        ("day", "0000-12-31", "type:day"),
        ("day", "+10000-01-01", "type:day"),
    ],
)
def test_a_time_outside_the_years_1_to_9999_is_no_time(column: str, value: str, reason: str) -> None:
    """One such row is put aside; the rest of the batch goes on."""
    got = run(**{column: [value]})
    assert got.reasons == {reason: 1}
    assert got.quarantined[column].to_list() == [value]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_native_times_outside_the_calendar_are_put_aside(unit: Literal["ms", "us", "ns"]) -> None:
    """A Parquet time that no calendar has is a reason, as is a date: no crash."""
    contract = parse_contract(YAML.replace(b', format: "dd/MM/yyyy HH:mm"', b""))
    stamps = pl.Series([1_700_000_000, -(2**63) + 1, 2**63 - 1]).cast(pl.Datetime(unit))
    days = pl.Series([None, 2**31 - 1, -(2**31)], dtype=pl.Int32).cast(pl.Date)
    frame = pl.DataFrame({"_record": [0, 1, 2], "at": stamps, "station": ["S1", "S2", "S3"], "day": days})
    got = clean(frame, contract, NOW)
    assert got.reasons["type:day"] == 2
    assert got.accepted["_record"].to_list() == [0]
    assert unit == "ns" or got.reasons["type:at"] == 2


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00", "2026-01-01 00:00", "2026-01-01T07:00:00+07:00"])
def test_a_date_may_be_written_as_its_midnight(text: str) -> None:
    """A time at midnight, UTC where it has an offset, is a date; any other time is not."""
    assert str(run(day=[text]).accepted["day"][0]) == "2026-01-01"
    assert run(day=[text.replace("00:00", "00:01")]).reasons == {"type:day": 1}


@pytest.mark.parametrize("dtype", [pl.String, pl.Float32, pl.Float64, pl.Int16, pl.Decimal(9, 1)])
@pytest.mark.parametrize("column", ["pm25", "n"])
def test_a_missing_number_is_missing_however_it_is_written(column: str, dtype: pl.DataType) -> None:
    """-200, -200.0 and -2e2, text or native, are one token."""
    native = pl.Series(["-200", None]).cast(pl.Float64).cast(dtype)
    frame = pl.DataFrame(
        {"_record": [0, 1], "at": ["01/01/2026 08:00"] * 2, "station": ["S1", "S2"], column: native}
    )
    got = clean(frame, CONTRACT, NOW)
    assert got.accepted[column].to_list() == [None, None]
    assert run(**{column: ["-2e2"]}).accepted[column].to_list() == [None]


@pytest.mark.parametrize("dtype", [pl.String, pl.Float64])
def test_a_number_too_large_for_the_tables_unit_is_none(dtype: pl.DataType) -> None:
    """What is infinite once it is converted is set aside, as what was sent as infinite is."""
    unit = b"customProperties: [{property: unit, value: ug/m3}, {property: sourceUnit, value: mg/m3}]"
    contract = parse_contract(
        YAML.replace(
            b"- {name: n, logicalType: integer}", b"- name: n\n        logicalType: number\n        " + unit
        )
    )
    native = pl.Series(["1e306", "1e300", None]).cast(dtype)
    frame = pl.DataFrame(
        {"_record": [0, 1, 2], "at": ["01/01/2026 08:00"] * 3, "station": ["S1", "S2", "S3"], "n": native}
    )
    got = clean(frame, contract, NOW)
    assert got.accepted["n"].to_list() == [1e303, None]
    assert got.reasons == {"type:n": 1}


def test_a_row_keeps_every_reason() -> None:
    """Two broken rules are two reasons on one row."""
    got = run(pm25=["-5"], wind=["X"])
    assert got.quarantined["reasons"].to_list() == [["range:pm25", "enum:wind"]]
    assert got.reasons == {"range:pm25": 1, "enum:wind": 1}


def test_several_shapes_of_time_in_one_column() -> None:
    """Each of the contract's shapes is read, then ISO 8601 with and without an offset."""
    shapes = ["01/01/2026 08:00", "01-01-2026 08:00 AM", "2026-01-01 08:00:00", "2026-01-01T01:00:00Z"]
    got = run(at=[*shapes, "2026-01-01T08:00:00+07:00"])
    assert set(got.accepted["at"].to_list()) == {datetime(2026, 1, 1, 1, tzinfo=UTC)}
    assert got.accepted.height == 5


def test_the_first_of_equal_keys_is_kept() -> None:
    """Later rows with the same key are quarantined; a broken row claims no key."""
    got = run(station=["S1", "S1", "S2", "S1"], pm25=["-1", "1", "2", "3"])
    assert got.accepted["pm25"].to_list() == [1.0, 2.0]
    assert got.reasons == {"range:pm25": 1, "duplicate-key": 1}
    assert got.quarantined["_record"].to_list() == [0, 3]


def test_a_key_in_the_table_is_a_duplicate() -> None:
    """History counts as much as the batch."""
    frame = pl.DataFrame({"_record": [0, 1], "at": ["01/01/2026 08:00"] * 2, "station": ["S1", "S2"]})
    got = clean(frame, CONTRACT, NOW, lambda keys: keys["station"] == "S2")
    assert got.accepted["station"].to_list() == ["S1"]
    assert got.reasons == {"duplicate-key": 1}


def test_lateness_is_counted_not_punished() -> None:
    """A reading older on arrival than the latency is accepted and counted."""
    got = run(pm25=["1"])
    assert (got.accepted.height, got.n_late) == (1, 1)


def test_an_alias_is_read_and_an_absent_optional_column_is_null() -> None:
    """Header variants of one column name the same field; what is optional may be absent."""
    frame = pl.DataFrame({"_record": [0], "at": ["01/01/2026 08:00"], "station": ["S1"], "PM2.5": ["3"]})
    got = clean(frame, CONTRACT, NOW)
    assert got.accepted["pm25"].to_list() == [3.0]
    assert got.accepted["wind"].to_list() == [None]


def test_a_file_without_a_required_column_is_the_wrong_file() -> None:
    """The error names the column wanted and those there; a later part without it is quarantined."""
    frame = pl.DataFrame({"_record": [0], "at": ["01/01/2026 08:00"]})
    with pytest.raises(WrongFile, match="station"):
        check_columns(frame, CONTRACT)
    assert clean(frame, CONTRACT, NOW).reasons == {"required:station": 1}


WIDE = parse_contract(b"""
apiVersion: v3.1.0
kind: DataContract
id: river
version: 1.0.0
status: active
schema:
  - name: o
    properties:
      - {name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: station, logicalType: string, primaryKey: true}
      - {name: stage, physicalName: "wl_{station}", logicalType: number}
      - {name: rain, physicalName: "rf_{station}", logicalType: number}
""")


def test_a_wide_file_becomes_one_row_a_station() -> None:
    """wl_7 and rf_7 of one record are one row of station 7; an empty cell is no observation."""
    frame = pl.DataFrame(
        {
            "_record": [0, 1],
            "at": ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"],
            "wl_7": ["1.5", None],
            "rf_7": ["0", "2"],
            "wl_9": [None, ""],
        }
    )
    got = clean(frame, WIDE, NOW)
    rows = got.accepted.select("_record", "station", "stage", "rain").rows()
    assert rows == [(0, "7", 1.5, 0.0), (1, "7", None, 2.0)]


def test_a_wide_contract_refuses_a_file_with_no_such_column() -> None:
    """No column fits any template: the wrong file; in a later part, no observations."""
    frame = pl.DataFrame({"_record": [0], "at": ["2026-01-01T00:00:00Z"], "x": ["1"]})
    with pytest.raises(WrongFile, match="wl_"):
        check_columns(frame, WIDE)
    assert clean(frame, WIDE, NOW).accepted.is_empty()


values = st.one_of(st.none(), st.sampled_from(["", "NA", "1", "2,5", "x", "-1", "1e3", "999", "nan"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["S1", "S2", "S3", "bad", ""]), values), min_size=1, max_size=30))
def test_nothing_is_lost_and_order_is_kept(rows: list[tuple[str, str | None]]) -> None:
    """accepted + quarantined = received, each record once, both in order of arrival."""
    got = run(station=[a for a, _ in rows], pm25=[b for _, b in rows])
    kept, put_aside = got.accepted["_record"].to_list(), got.quarantined["_record"].to_list()
    assert sorted(kept + put_aside) == list(range(len(rows)))
    assert kept == sorted(kept)
    assert put_aside == sorted(put_aside)
    assert all(got.quarantined["reasons"].list.len() > 0)
