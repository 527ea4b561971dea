import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.strictjson import parse_json


def read(data: bytes, max_bytes: int = 1_000) -> object:
    return parse_json(data, "statement", max_bytes, MalformedStatement)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"a":1,"a":1}',
        b'[{"b":{"a":1,"a":2}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"9007199254740993",
        b"1" * 900,
        b'"\\ud800"',
        b'{"\\uDEAD":1}',
        b"\xff",
        b'\xef\xbb\xbf{"a":1}',
        b"[1,]",
        b"{} {}",
        b"[" * 999,
        b'"' + b"a" * 1_000 + b'"',
    ],
    ids=lambda data: data[:20].decode("latin-1"),
)
def test_ambiguous_json_is_refused(data: bytes) -> None:
    """What two readers could read in two ways, or one could choke on, is refused in one line."""
    with pytest.raises(MalformedStatement) as caught:
        read(data)
    assert "\n" not in str(caught.value)


def test_deep_nesting_is_refused() -> None:
    """A megabyte of brackets fails as our error, not as a crash."""
    with pytest.raises(MalformedStatement):
        read(b"[" * 500_000 + b"]" * 500_000, 1_000_000)


def test_surrogate_pair_is_text() -> None:
    """A character beyond the basic plane may be escaped."""
    assert read(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@given(st.binary(max_size=200))
def test_no_other_error_on_any_bytes(data: bytes) -> None:
    """Any bytes give a value or our error."""
    with suppress(MalformedStatement):
        read(data)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
def test_values_come_back(value: object) -> None:
    """What JSON can carry is read as it was."""
    assert read(json.dumps(value).encode(), 100_000) == value
