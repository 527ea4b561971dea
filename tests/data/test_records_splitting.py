"""Cutting text into records loses nothing and does not depend on how it arrives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.bytescan import NEWLINE, QUOTE, positions
from veracity.data.csv_cells import record_end
from veracity.data.records import RECORD_BYTES, TextFormat, split_records
from veracity.data.splitting import stray_quotes
from veracity.data.text import UnsupportedText

CSV, NDJSON = TextFormat("csv"), TextFormat("ndjson")
BITS = [b"a", b"1", b",", b'"', b'""', b'"x"', b"\n", b"\r\n", b"\r", b" ", b"\xef\xbb\xbf", b"\xff", b"\0"]
TEXT = st.lists(st.sampled_from(BITS), max_size=60).map(b"".join)
FORMATS = st.sampled_from([CSV, NDJSON, TextFormat("csv", separator=";")])


def cut(data: bytes, fmt: TextFormat) -> list[bytes]:
    ends = split_records(data, fmt, at_end=True).tolist()
    return [data[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


def cut_in_chunks(data: bytes, fmt: TextFormat, size: int) -> list[bytes]:
    out, pending = [], b""
    for at in range(0, len(data), size):
        pending += data[at : at + size]
        ends = split_records(pending, fmt, at_end=False).tolist()
        out += [pending[a:b] for a, b in zip([0, *ends], ends, strict=False)]
        pending = pending[ends[-1] if ends else 0 :]
    return out + cut(pending, fmt)


@given(TEXT, FORMATS)
def test_records_joined_are_the_text(data: bytes, fmt: TextFormat) -> None:
    """Joining the records gives the text back, and no record is empty or too long."""
    records = cut(data, fmt)
    assert b"".join(records) == data
    assert all(0 < len(record) <= RECORD_BYTES for record in records)


@given(TEXT, FORMATS, st.integers(1, 70))
def test_any_chunking_gives_the_same_records(data: bytes, fmt: TextFormat, size: int) -> None:
    """How the text arrives does not matter."""
    assert cut_in_chunks(data, fmt, size) == cut(data, fmt)


@given(TEXT)
def test_the_fast_cut_agrees_with_the_walk(data: bytes) -> None:
    """Judging quotes by their neighbours finds the ends that walking field by field does."""
    at, walked = 0, []
    while at < len(data):
        end = record_end(data, at, b",", True)
        assert end is not None
        walked.append(end)
        at = end
    assert split_records(data, CSV, at_end=True).tolist() == walked


@given(
    st.lists(
        st.tuples(st.sampled_from([b"x", b",", b'"', b"\n", b'","\n']), st.integers(1, 50_000)), max_size=6
    )
)
@settings(max_examples=40, deadline=None)
def test_long_records_are_cut_alike_in_any_chunking(runs: list[tuple[bytes, int]]) -> None:
    """Over-long lines and unclosed quotes are cut where their own bytes say, however they arrive."""
    data = b"".join(bit * n for bit, n in runs)[:400_000]
    records = cut(data, CSV)
    assert b"".join(records) == data
    assert all(0 < len(record) <= RECORD_BYTES for record in records)
    assert cut_in_chunks(data, CSV, 50_001) == records


@pytest.mark.parametrize(
    ("data", "records"),
    [
        (b'a,"x\ny"\nb,1\n', [b'a,"x\ny"\n', b"b,1\n"]),
        (b'5" pipe,1\nb,2\n', [b'5" pipe,1\n', b"b,2\n"]),
        (b'a,"open\nb,2\nc,3\n', [b'a,"open\n', b"b,2\n", b"c,3\n"]),
        (b'a,"x""\ny"\r\nb', [b'a,"x""\ny"\r\n', b"b"]),
        (b'"a\nb" c\nd\n', [b'"a\n', b'b" c\n', b"d\n"]),
        (b"\n\n", [b"\n", b"\n"]),
    ],
)
def test_quotes(data: bytes, records: list[bytes]) -> None:
    """A newline inside a properly quoted field ends no record; a stray quote swallows nothing."""
    assert cut(data, CSV) == records
    assert cut(data, NDJSON) == data.splitlines(keepends=True)


def test_unclosed_quote_does_not_swallow_the_file() -> None:
    """After a quote that nothing closes for 64 KiB, each line is a record again."""
    data = b'1,"open\n' + b"2,x\n" * 50_000
    assert len(cut(data, CSV)) == 50_001


def test_a_line_without_end_is_cut() -> None:
    """A megabyte without newline is cut into pieces of 64 KiB, at once, without waiting for its end."""
    ends = split_records(b"\0" * 1_000_000, NDJSON, at_end=False)
    assert ends.tolist() == list(range(RECORD_BYTES, 1_000_000, RECORD_BYTES))
    assert ends.dtype == np.int64


def test_hostile_quotes_cost_linear_work() -> None:
    """Lines made to open a quote each (walked one by one) are still cut in order."""
    data = b'x","\n' * 100_000
    assert b"".join(cut(data, CSV)) == data


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-7", "iso2022_jp", "hz", "cp037", "unicode_escape", "nonsense", "a\0b"]
)
def test_encodings_that_hide_newlines_are_not_accepted(encoding: str) -> None:
    """A codec in which ASCII bytes mean something else is an error of ours."""
    with pytest.raises(UnsupportedText):
        TextFormat("csv", encoding=encoding)


@pytest.mark.parametrize("separator", ["", ",,", '"', "\n", "\r", "é"])
def test_separators(separator: str) -> None:
    """A separator is one ASCII character that ends no line and quotes nothing."""
    with pytest.raises(UnsupportedText):
        TextFormat("csv", separator=separator)


def test_one_rule_for_quotes() -> None:
    """Lines and records are judged by the same function: an opening and a closing quote have their places."""
    text = b'"a","b""c"\nx"y"\n"open\n'
    quotes, homes = positions(text, QUOTE), np.array([0] * 6 + [1] * 2 + [2])
    ends = positions(text, NEWLINE) + 1
    stray = stray_quotes(
        np.frombuffer(text, np.uint8), quotes, homes, np.array([0, *ends[:-1]]), ends, ord(",")
    )
    assert stray.tolist() == [False] * 6 + [True, False, True]
