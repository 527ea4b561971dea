"""A message's body is cut into records without changing a byte of any."""

from contextlib import suppress
from itertools import accumulate

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from veracity.data.bodies import cut_body
from veracity.data.errors import MalformedBody
from veracity.data.records import TextFormat, split_records

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=12) | st.just('"},{"'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=4), min_size=1, max_size=6)


@given(OBJECTS, st.sampled_from([b",", b", ", b" ,", b" , "]))
def test_the_items_of_an_array_are_its_own_bytes(objects: list[dict[str, object]], comma: bytes) -> None:
    items = [orjson.dumps(o) for o in objects]
    assert cut_body(b"[" + comma.join(items) + b"]", "ndjson") == items


@given(OBJECTS, st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.booleans())
def test_lines_are_records(objects: list[dict[str, object]], end: bytes, last: bool) -> None:
    items = [orjson.dumps(o) for o in objects]
    assert cut_body(end.join(items) + (end if last else b""), "ndjson") == items


def test_a_string_that_looks_like_a_boundary_is_none() -> None:
    """One boundary with a blank and one false one are as many as there are boundaries."""
    body = b'[{"a":"},{"}, {"b":1}]'
    assert cut_body(body, "ndjson") == [b'{"a":"},{"}', b'{"b":1}']


def test_csv_lines() -> None:
    assert cut_body(b'station,pm25\r\nS1,"1,5"\r\n', "csv") == [b"station,pm25", b'S1,"1,5"']


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", "ndjson", "got none"),
        (b" \r\n", "csv", "got none"),
        (b"[]", "ndjson", "one object or more"),
        (b"[1]", "ndjson", "one object or more"),
        (b'[{"a":1},]', "ndjson", "a JSON array"),
        (b'[{"a":1},\n{"b":2}]', "ndjson", "line breaks"),
        (b'{\n "a": 1\n}', "ndjson", "over several"),
        (b'a,b\n"1\n2",3', "csv", "quoted fields"),
        (b'h,i\nx"y,"2', "csv", "quoted fields"),
        (b'h,i\n"1"2,3', "csv", "quoted fields"),
        (b"[" * 100_000, "ndjson", "a JSON array"),
    ],
)
def test_what_cannot_be_cut_is_refused(body: bytes, kind: str, said: str) -> None:
    with pytest.raises(MalformedBody, match=said):
        cut_body(body, kind)  # type: ignore[arg-type]


CELL = st.text(st.sampled_from('ab",;\r'), max_size=4).map(str.encode)


@example([[[b'x"y', b'"2']], [[b'a"', b'b"c']]])
@given(st.lists(st.lists(st.lists(CELL, min_size=1, max_size=3), min_size=1, max_size=3), max_size=6))
def test_no_message_reaches_into_the_next(bodies: list[list[list[bytes]]]) -> None:
    """Put together, the records of many messages are found again as they were, quotes or not."""
    records = []
    for rows in bodies:
        with suppress(MalformedBody):
            records += cut_body(b"\n".join(b",".join(cells) for cells in rows), "csv")
    ends = split_records(b"".join(r + b"\n" for r in records), TextFormat("csv"), at_end=True)
    assert ends.tolist() == list(accumulate(len(r) + 1 for r in records))
