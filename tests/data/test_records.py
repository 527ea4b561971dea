"""Parsing records: nothing is lost, and each record reads alone as it reads among others."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.records import (
    RECORD_BYTES,
    ParsedRecords,
    TextFormat,
    parse_one,
    parse_records,
    split_records,
)
from veracity.data.text import UnreadableRecord

CSV, NDJSON = TextFormat("csv"), TextFormat("ndjson")
CSV_BITS = [
    *(b"a", b"b", b",", b",", b'"', b'""', b"\n", b"\n", b"\r\n", b"\r", b" ", b"\xe9", b"\xc3\xa9", b"\x81"),
    *(b"1,2\n", b"x,y\n", b"a,b\n", b'"q","r"\n', b"\xef\xbb\xbf", b"\0", b'"b\nc",2\n'),
]
JSON_LINES = [
    *(b'{"a":1}', b'{"a":1,"b":"x"}', b'{"b":null,"a":2.5}', b'{"a":1,"a":2}', b'{"a":null,"a":1}', b"[1]"),
    *(b'{"a" :1,"b":2}', b'{"a":1, "a" :2}', b'{"a":"\\ud800"}', b'{"a":"\\ud83d\\ude00"}', b"", b" ", b"{}"),
    *(
        b'{"c":{"d":1,"d":2}}',
        b'{"c":{"d":1},"a":[1,{"z":2}]}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\xe9"}',
    ),
    *(
        b'{"a":1}{"b":2}',
        b'{"a":1,',
        b'{"a":"\\":n"}',
        b'{"a":"10 :30"}',
        b'\xef\xbb\xbf{"a":3}',
        b' {"a":7} \r',
    ),
    *(b'{"\\u0061":1,"a":2}', b'{"a":"x","e":1,"f":2}', b'{"a":true}', b'{"a":"1"}', b'{"_record":5,"a":1}'),
]
CSV_TEXT = st.lists(st.sampled_from(CSV_BITS), max_size=40).map(b"".join)
JSON_TEXT = st.lists(st.sampled_from(JSON_LINES), max_size=8).map(b"\n".join)


def parse(data: bytes, fmt: TextFormat, columns: tuple[str, ...] | None, **more: object) -> ParsedRecords:
    return parse_records(data, split_records(data, fmt, at_end=True), fmt, columns, **more)  # type: ignore[arg-type]


def accounted(parsed: ParsedRecords, n: int) -> None:
    assert parsed.n_records == n
    rows, refused = parsed.frame["_record"].to_list(), [r.record for r in parsed.refusals]
    assert rows == sorted(set(rows))
    assert refused == sorted(set(refused))
    assert not set(rows) & set(refused)


def reads_alone_the_same(
    data: bytes, fmt: TextFormat, parsed: ParsedRecords, types: dict[str, type[pl.DataType]]
) -> None:
    rows = {row.pop("_record"): row for row in parsed.frame.to_dicts()}
    start = 0
    for i, end in enumerate(split_records(data, fmt, at_end=True).tolist()):
        columns = [columns for first, columns in parsed.layouts if first <= i][-1]
        try:
            alone = parse_one(data[start:end], fmt, columns, ("a", "b"), types).to_dicts()[0]
        except UnreadableRecord:
            assert i not in rows
        else:
            for name in columns:
                got, want = rows[i][name], alone[name]
                assert got == want or float(got) == float(want)
        start = end


@given(CSV_TEXT)
@settings(deadline=None, max_examples=300)
def test_csv_record_reads_alone_as_among_others(data: bytes) -> None:
    """A CSV record with its layout gives the row it gave in the batch, or none in both."""
    parsed = parse(data, CSV, ("x", "y"), known=("a", "b"))
    accounted(parsed, len(split_records(data, CSV, at_end=True)))
    reads_alone_the_same(data, CSV, parsed, {})


@given(JSON_TEXT, st.sampled_from([{}, {"a": pl.Float64}]))
@settings(deadline=None, max_examples=200)
def test_ndjson_record_reads_alone_as_among_others(data: bytes, types: dict[str, type[pl.DataType]]) -> None:
    """An NDJSON record gives the values it gave in the batch, whatever its neighbours did to types."""
    parsed = parse(data, NDJSON, None, known=("a", "b"), types=types)
    accounted(parsed, len(split_records(data, NDJSON, at_end=True)))
    reads_alone_the_same(data, NDJSON, parsed, types)


@given(st.binary(max_size=300), st.sampled_from([CSV, NDJSON]), st.sampled_from([None, ("a", "b")]))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_accounted_for(data: bytes, fmt: TextFormat, columns: tuple[str, ...] | None) -> None:
    """Random bytes raise nothing: each record is a row, a header, blank or refused."""
    accounted(parse(data, fmt, columns, known=("a", "b")), len(split_records(data, fmt, at_end=True)))


@pytest.mark.parametrize("fmt", [CSV, NDJSON])
def test_pieces_of_an_over_long_record_are_all_refused(fmt: TextFormat) -> None:
    """No piece of a record over 64 KiB gives a row, not even one that looks like a record."""
    good = b"3,4\n" if fmt is CSV else b'{"x":3,"y":4}\n'
    data = b" " * RECORD_BYTES + good + good
    parsed = parse(data, fmt, ("x", "y"), known=())
    assert [(r.record, r.line, r.code) for r in parsed.refusals] == [(0, 1, "too-long"), (1, 1, "too-long")]
    assert parsed.frame["_record"].to_list() == [2]
    after = parse(good + good, fmt, ("x", "y"), continued=True, first_line=9)
    assert [(r.record, r.line, r.code) for r in after.refusals] == [(0, 9, "too-long")]


@pytest.mark.parametrize(
    ("fmt", "data", "truncated", "codes"),
    [
        (CSV, b"1,2\n3", False, ["truncated"]),
        (CSV, b"1,2\n3,4", False, []),
        (CSV, b"1,2\n3,4", True, ["truncated"]),
        (CSV, b"1,2\n3,4\n", True, []),
        (CSV, b'1,2\n3,"4', False, ["truncated"]),
        (NDJSON, b'{"x":1}\n{"x":', False, ["truncated"]),
        (NDJSON, b'{"x":1}\n{"x":2}', False, []),
        (NDJSON, b'{"x":1}\n{"x":2}', True, ["truncated"]),
    ],
)
def test_truncated_last_record(fmt: TextFormat, data: bytes, truncated: bool, codes: list[str]) -> None:
    """A last record that the file broke off in is refused, a whole one without newline is not."""
    parsed = parse(data, fmt, ("x", "y"), truncated=truncated)
    assert [r.code for r in parsed.refusals] == codes
    assert parsed.frame.height == 2 - len(codes)


def test_ends_must_fit() -> None:
    """Ends that do not cover the data are a bug of the caller's, and said so."""
    with pytest.raises(ValueError, match="want the last to be 4"):
        parse_records(b"1,2\n", np.array([3]), CSV, ("x", "y"))


@pytest.mark.parametrize("record", [b"x,y\n", b"\n", b"1\n"])
def test_parse_one_says_why_there_is_no_row(record: bytes) -> None:
    """A header, a blank record and a refused one each give an error of ours."""
    with pytest.raises(UnreadableRecord, match="want one row, got"):
        parse_one(record, CSV, ("x", "y"))
