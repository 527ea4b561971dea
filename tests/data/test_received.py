"""One promise for every type of a Parquet file: the table's row is the row its rendered page gives."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.clean import Cleaned, clean
from veracity.data.contract import Contract, parse_contract
from veracity.data.records import TextFormat, parse_one, parse_records
from veracity.data.reexecution import known_names, source_types
from veracity.data.render import render_rows

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NDJSON = TextFormat("ndjson")
TYPES = ("string", "integer", "number", "boolean", "timestamp", "date")
MISSING = (
    ["", "NA"],
    ["-200", "NaN", "-9999.0", "inf", "1"],
    ["2024-01-01T00:00:00", "2024-01-01", "true", "253402300800000000us", "08:00:00", "x"],
)


@cache
def contract(kind: str, missing: int, fancy: bool) -> Contract:
    """Return a contract of one field ``v``, read from ``v`` or its alias ``w``, and a joined one."""
    options: dict[str, Any] = {}
    custom = [{"property": "aliases", "value": ["w"]}]
    if kind in ("timestamp", "date") and fancy:
        options["format"] = "yyyy-dd-MM" if kind == "date" else "yyyy-dd-MM'T'HH:mm:ss"
        custom.append({"property": "formats", "value": ["HH:mm:ss", "yyyyMMdd"]})
    if kind == "timestamp":
        options["defaultTimezone"] = "Asia/Ho_Chi_Minh"
    if kind in ("integer", "number"):
        options |= {"minimum": -1e6}
        if fancy:
            custom += [
                {"property": "decimal", "value": ","},
                {"property": "unit", "value": "m"},
                {"property": "sourceUnit", "value": "cm"},
            ]
    fields = [{"name": "v", "logicalType": kind, "required": True, "logicalTypeOptions": options}]
    fields[0]["customProperties"] = custom
    fields.append({"name": "both", "logicalType": "string", "transformSourceObjects": ["v", "w"]})
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "f",
        "version": "1.0.0",
        "status": "active",
        "schema": [
            {
                "name": "o",
                "properties": fields[: 1 if missing == 0 else 2],
                "customProperties": [{"property": "missing", "value": list(MISSING[missing])}],
            }
        ],
    }
    return parse_contract(json.dumps(document).encode())


def rendered(frame: pl.DataFrame, c: Contract) -> pl.DataFrame:
    """Return what the rendered pages of a frame parse to, as a receipt's verifier does it."""
    data, ends = render_rows(frame)
    columns = tuple(sorted(known_names(c, NDJSON, data)))
    parsed = parse_records(data, ends, NDJSON, columns, known=c.source_names, types=source_types(c))
    assert parsed.refusals == []
    starts = [0, *ends[:-1].tolist()]
    whole = fates(clean(parsed.frame, c, NOW))
    for i in range(0, len(starts), max(len(starts) // 2, 1)):  # some alone, as a receipt shows them
        one = parse_one(data[starts[i] : int(ends[i])], NDJSON, columns, c.source_names, source_types(c))
        alone = clean(one.with_columns(pl.lit(i, pl.Int64).alias("_record")), c, NOW)
        assert fates(alone).items() <= whole.items()
    return parsed.frame


def fates(cleaned: Cleaned) -> dict[int, str]:
    """Return what became of each record: its values, or its reasons and its text."""
    rows = [*cleaned.accepted.to_dicts(), *cleaned.quarantined.to_dicts()]
    return {row["_record"]: repr(row) for row in rows}


def agree(series: pl.Series, c: Contract, other: pl.Series | None = None) -> None:
    frame = pl.DataFrame([series.alias("v"), *([] if other is None else [other.alias("w")])])
    native = clean(frame.with_columns(_record=pl.int_range(frame.height, dtype=pl.Int64)), c, NOW)
    shown = clean(rendered(frame, c), c, NOW)
    assert native.accepted.to_dicts() == shown.accepted.to_dicts()
    assert native.quarantined.to_dicts() == shown.quarantined.to_dicts()
    assert native.reasons == shown.reasons


FLOATS = [
    0.0, -0.0, 1.0, 0.0 + 101, -200.0, -9999.0, 0.1, -0.7, 1.5, 1e-7, 5e-324, 1e13, 12345678901234.5, 1e16,
    2.0**53 - 1, 2.0**53, 2.0**53 + 2, 2.0**60, 2.0**63, 1e19, 1e21, 1.7976931348623157e308, float("nan"),
    float("inf"), float("-inf"), 20240102.0, None,
]  # fmt: skip
INTS = [0, 1, -1, 12, 100, 101, -128, 127, 255, 2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**53 + 1,
        -(2**53) - 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**127 - 1, 2**128 - 1, 20240102, -200, -9999,
        None]  # fmt: skip
TEXTS = ["", " ", "a", " NA ", "1", "1.0", "-200.0", "1e3", "1e21", "9007199254740993", "1,5", "true", "No",
         "x\\\"\n",
         "\\ud8ab", "2024-01-01", "2024-01-02T00:00:00", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00+07:00",
         "0001-01-01T00:00:00+07:00", "0000-01-01T00:00:00", "-0044-03-15", "9999-12-31T23:59:59.999999Z",
         "inf",
         "12000-01-01", "ü\u2028😀", None]  # fmt: skip
DAY = 86_400_000_000
MICROS = [0, 1, -1, DAY, 1_704_067_200_000_000, 1_704_067_200_000_000 + 17 * DAY // 24, 1_704_096_000_500_000,
          -(10**18), 2**63 - 1, -(2**63) + 1, -62_135_596_800_000_000, -62_135_596_800_000_001,
          253_402_300_799_999_999, 253_402_300_800_000_000, -62_135_571_600_000_000, None]  # fmt: skip
DAYS = [0, -1, 19_723, 19_724, -719_162, -719_163, 2_932_896, 2_932_897, 2**31 - 1, -(2**31), None]


def fitting(values: list[int | None], dtype: Any) -> pl.Series:
    low, high = pl.select(a=dtype.min(), b=dtype.max()).row(0)
    return pl.Series([v for v in values if v is None or low <= v <= high], dtype=dtype)


INTEGER_TYPES = (
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128,
)  # fmt: skip
UNITS: tuple[Literal["us", "ms", "ns"], ...] = ("us", "ms", "ns")
MOMENTS = pl.Series(MICROS, dtype=pl.Int64)
COLUMNS: dict[str, pl.Series] = {
    **{str(t): fitting(INTS, t) for t in INTEGER_TYPES},
    "Float64": pl.Series(FLOATS, dtype=pl.Float64),
    "Float64 small": pl.Series([*FLOATS[:13], None, float("nan")], dtype=pl.Float64),
    "Float32": pl.Series(FLOATS, dtype=pl.Float64).cast(pl.Float32),
    "Float16": pl.Series(FLOATS, dtype=pl.Float64).cast(pl.Float16),
    "String": pl.Series(TEXTS, dtype=pl.String),
    "Categorical": pl.Series(TEXTS, dtype=pl.Categorical),
    "Enum": pl.Series(TEXTS, dtype=pl.Enum([t for t in TEXTS if t is not None])),
    "Boolean": pl.Series([True, False, None]),
    "Null": pl.Series([None, None], dtype=pl.Null),
    "Decimal": pl.Series([Decimal("1.50"), Decimal("-200.00"), Decimal("1E+20"), Decimal("1.00"), None],
                         dtype=pl.Decimal(38, 2)),
    "Binary": pl.Series([b"", b"\xff", b"x", b"NA", None]),
    "Time": pl.Series([0, 28_800_000_000_000, 1, 86_399_999_999_999, None], dtype=pl.Int64).cast(pl.Time),
    "Duration": pl.Series([timedelta(0), timedelta(seconds=5.5), timedelta(days=-400), None]),
    "Date": pl.Series(DAYS, dtype=pl.Int32).cast(pl.Date),
    **{f"Datetime {u}": MOMENTS.cast(pl.Datetime(u)) for u in UNITS},
    "Datetime us UTC": MOMENTS.cast(pl.Datetime("us", "UTC")),
    "Datetime ms zoned": MOMENTS.cast(pl.Datetime("ms", "Asia/Ho_Chi_Minh")),
    "Datetime ns zoned": MOMENTS.cast(pl.Datetime("ns", "America/New_York")),
    "Datetime whole": pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2, 8), None]),
    "Datetime midnights": pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2), None]),
    "List": pl.Series([[1, None], [], None]),
    "Array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int8, 2)),
    "Struct": pl.Series([{"b": float("nan"), "a": [b"x"]}, {"b": 1.0, "a": None}, None]),
}  # fmt: skip


@pytest.mark.parametrize(("missing", "fancy"), [(0, False), (1, True), (2, False)])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_row_and_its_rendered_page_come_out_the_same(
    name: str, kind: str, missing: int, *, fancy: bool
) -> None:
    """Accepted values, reasons and quarantined text agree, alone and in a batch, for every type."""
    agree(COLUMNS[name], contract(kind, missing, fancy))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("first", list(COLUMNS)[::3])
@pytest.mark.parametrize("second", ["Float64 small", "Datetime us"])
def test_two_columns_of_one_field_agree_too(first: str, second: str, kind: str) -> None:
    """A field with an alias takes the first that holds a value, whatever the two types."""
    n = min(COLUMNS[first].len(), COLUMNS[second].len())
    agree(COLUMNS[first].tail(n), contract(kind, 1, False), COLUMNS[second].head(n))


def test_a_source_that_is_also_read_as_text_is_not_taken_as_a_number() -> None:
    """A number field and a string field of one source agree, whether JSON has 101 or 101.0."""
    document = yaml.safe_load(contract("number", 1, False).text)
    other = {"name": "code", "physicalName": "v", "logicalType": "string"}
    for extra in (other, {"name": "code", "transformSourceObjects": ["v", "w"]}):
        document["schema"][0]["properties"][1:] = [extra]
        c = parse_contract(json.dumps(document).encode())
        assert "v" not in source_types(c)
        agree(COLUMNS["Float64"], c)
    assert set(source_types(contract("number", 0, False))) == {"v", "w"}


@pytest.mark.parametrize("template", ["v_{station}", "{station}"])
@pytest.mark.parametrize("kind", TYPES)
def test_wide_columns_of_mixed_types_agree(kind: str, template: str) -> None:
    """Each station's column may have a type of its own; an absent or NaN cell is no row."""
    document = yaml.safe_load(contract(kind, 1, False).text)
    value = {"name": "v", "physicalName": template, "logicalType": kind}
    document["schema"][0]["properties"] = [value, {"name": "station", "logicalType": "string"}]
    c = parse_contract(json.dumps(document).encode())
    n = 3
    names = ["Float64 small", "Int16", "Null", "Datetime whole", "Date", "String", "Boolean", "List"]
    columns = [
        COLUMNS[name].tail(n).extend_constant(None, n - COLUMNS[name].tail(n).len()).alias(f"v_{i}")
        for i, name in enumerate(names)
    ]
    for chosen in (columns, columns[:1], columns[3:4], columns[2:3]):
        frame = pl.DataFrame(chosen)
        native = clean(frame.with_columns(_record=pl.int_range(n, dtype=pl.Int64)), c, NOW)
        shown = clean(rendered(frame, c), c, NOW)
        assert native.accepted.to_dicts() == shown.accepted.to_dicts()
        assert native.quarantined.to_dicts() == shown.quarantined.to_dicts()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TYPES),
    st.integers(0, 2),
    st.one_of(
        st.lists(st.floats() | st.none(), min_size=1).map(lambda v: pl.Series(v, dtype=pl.Float64)),
        st.lists(st.floats(width=32) | st.none(), min_size=1).map(lambda v: pl.Series(v, dtype=pl.Float32)),
        st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1).map(lambda v: pl.Series(v, dtype=pl.Int64)),
        st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1).map(
            lambda v: pl.Series(v, dtype=pl.Int64).cast(pl.Datetime("us"))
        ),
        st.lists(st.datetimes() | st.none(), min_size=1).map(lambda v: pl.Series(v, dtype=pl.Datetime("us"))),
        st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.none(), min_size=1).map(
            lambda v: pl.Series(v, dtype=pl.String)
        ),
    ),
)
def test_any_values_of_the_common_types_agree(kind: str, missing: int, series: pl.Series) -> None:
    """The same promise, for values nobody thought of."""
    agree(series, contract(kind, missing, False))
