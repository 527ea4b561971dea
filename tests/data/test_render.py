"""Rendering rows as canonical NDJSON: the same bytes as RFC 8785, record by record."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.render import render_rows


def lines(frame: pl.DataFrame) -> list[bytes]:
    data, ends = render_rows(frame)
    assert int(ends[-1]) == len(data)
    starts = [0, *ends[:-1].tolist()]
    out = [data[a:b] for a, b in zip(starts, ends.tolist(), strict=True)]
    assert all(line.endswith(b"\n") for line in out)
    return [line[:-1] for line in out]


def exact(digits: str) -> int | float:
    return int(digits) if abs(int(digits)) < 2**53 else float(digits)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False) | st.none(),
            st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.none(),
            st.integers(-(2**53) + 1, 2**53 - 1) | st.none(),
            st.booleans() | st.none(),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_each_line_is_the_rfc_8785_form_of_its_row(rows: list[tuple[float, str, int, bool]]) -> None:
    """Built from whole columns, equal to a second implementation row by row."""
    frame = pl.DataFrame(
        rows, schema={"b": pl.Float64, "a": pl.String, "ü": pl.Int64, "c": pl.Boolean}, orient="row"
    )
    for line, row in zip(lines(frame), frame.to_dicts(), strict=True):
        assert line == rfc8785.dumps(row)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_float32_prints_as_its_shortest_decimal(values: list[float]) -> None:
    """0.7 in a float32 column prints as 0.7, and reads back to the same float32."""
    frame = pl.DataFrame({"v": pl.Series(values, dtype=pl.Float32)})
    for line, value in zip(lines(frame), values, strict=True):
        document = json.loads(line, parse_int=exact)
        assert line == rfc8785.dumps(document)
        assert pl.Series([document["v"]], dtype=pl.Float32)[0] == value


def test_times_missing_numbers_and_large_integers() -> None:
    """The cases JSON has no form for have a documented one."""
    frame = pl.DataFrame(
        {
            "t": [datetime(2026, 1, 1, 8), datetime(2026, 1, 1, 8, 0, 0, 1)],
            "u": pl.Series([datetime(2026, 1, 1, tzinfo=UTC)] * 2).dt.convert_time_zone("Asia/Ho_Chi_Minh"),
            "x": [float("nan"), float("inf")],
            "i": [2**53, -(2**53) + 1],
        }
    )
    assert [json.loads(line) for line in lines(frame)] == [
        {"i": "9007199254740992", "t": "2026-01-01T08:00:00", "u": "2026-01-01T00:00:00Z", "x": None},
        {"i": -9007199254740991, "t": "2026-01-01T08:00:00.000001", "u": "2026-01-01T00:00:00Z", "x": "inf"},
    ]


def test_many_equal_values_take_the_same_form() -> None:
    """The path that renders each distinct value once gives what the plain one gives."""
    n = 10_000
    frame = pl.DataFrame(
        {
            "s": ['a"b' if i % 3 else None for i in range(n)],
            "t": [datetime(2026, 1, 1, i % 24) if i % 5 else None for i in range(n)],
        }
    )
    few = lines(frame[:120])
    assert lines(frame) == few * (n // 120) + few[: n % 120]


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128,
        pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128,
    ],
)  # fmt: skip
def test_every_integer_type_prints_its_bounds(dtype: type[pl.DataType]) -> None:
    """The least, the greatest and none; what JSON numbers cannot carry exactly is text."""
    low, high = pl.select(a=dtype.min(), b=dtype.max()).row(0)  # type: ignore[attr-defined]
    got = [
        json.loads(line)["v"]
        for line in lines(pl.DataFrame({"v": pl.Series([low, high, None], dtype=dtype)}))
    ]
    assert got == [v if abs(v) < 2**53 else str(v) for v in (low, high)] + [None]


def test_nested_values_are_the_text_of_their_canonical_json() -> None:
    """Lists and structs, their nulls, their times, stay one flat text a cell; binary is base64."""
    frame = pl.DataFrame(
        {
            "l": [[1, None], None, []],
            "s": [{"b": 'x"', "a": 0.5}, {"b": None, "a": float("nan")}, None],
            "d": [[{"t": datetime(2026, 1, 1)}], [None], None],
            "x": [b"\xff", None, b""],
        }
    )
    frame = frame.with_columns(pl.Series("a", [[1, 2], None, [3, None]], dtype=pl.Array(pl.Int8, 2)))
    assert [json.loads(line) for line in lines(frame)] == [
        {
            "a": "[1,2]",
            "d": '[{"t":"2026-01-01T00:00:00"}]',
            "l": "[1,null]",
            "s": '{"a":0.5,"b":"x\\""}',
            "x": "/w==",
        },
        {"a": None, "d": "[null]", "l": None, "s": '{"a":null,"b":null}', "x": None},
        {"a": "[3,null]", "d": None, "l": "[]", "s": None, "x": ""},
    ]


def test_times_that_no_calendar_has_are_counts() -> None:
    """Beyond the years 1 to 9999 the plain count and its unit are shown: no crash, no guess."""
    beyond = [-(10**18), 253_402_300_800_000_000, -62_135_596_800_000_000]
    frame = pl.DataFrame(
        {
            "t": pl.Series(beyond).cast(pl.Datetime("us")),
            "m": pl.Series([2**63 - 1, None, 0]).cast(pl.Datetime("ms", "Asia/Ho_Chi_Minh")),
            "d": pl.Series([2**31 - 1, -719_163, -719_162], dtype=pl.Int32).cast(pl.Date),
            "z": pl.Series([0, 1_000, 86_399_999_999_999]).cast(pl.Time),
        }
    )
    assert [json.loads(line) for line in lines(frame)] == [
        {"d": "2147483647d", "m": "9223372036854775807ms", "t": "-1000000000000000000us", "z": "00:00:00"},
        {"d": "-719163d", "m": None, "t": "253402300800000000us", "z": "00:00:00.000001000"},
        {
            "d": "0001-01-01",
            "m": "1970-01-01T00:00:00Z",
            "t": "0001-01-01T00:00:00",
            "z": "23:59:59.999999999",
        },
    ]
