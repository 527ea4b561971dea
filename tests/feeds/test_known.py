"""Which rows were given before."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from veracity.feeds.known import Known

ROWS = st.lists(st.integers(0, 9).map(lambda n: b'{"n":%d}' % n))


@given(before=ROWS, after=ROWS)
def test_new_are_those_not_known_each_once_in_their_order(before: list[bytes], after: list[bytes]) -> None:
    """Asking does not make them known; a copy with the same memory answers alike."""
    known = Known()
    known.add(before)
    expected = list(dict.fromkeys(row for row in after if row not in before))
    assert known.new(after) == known.new(after) == expected
    copy = Known()
    copy.memory = known.memory
    assert copy.new(after) == expected
    copy.replace(after)
    assert copy.new(before) == list(dict.fromkeys(row for row in before if row not in after))


def test_those_known_longest_are_forgotten() -> None:
    """What is said again stays known; the memory never holds more than the limit."""
    known = Known(limit=3)
    known.add([b"1", b"2", b"3", b"1", b"4"])
    assert known.new([b"1", b"2", b"3", b"4"]) == [b"2"]
    small = Known(limit=2)
    small.memory = known.memory
    assert small.new([b"3", b"1", b"4"]) == [b"3"]


def test_a_name_that_is_ignored_makes_no_other_row() -> None:
    """Such as the time at which it was said."""
    known = Known(ignoring=("at",))
    known.add([b'{"at":1,"n":1}'])
    assert known.new([b'{"at":2,"n":1}', b'{"at":2,"n":2}']) == [b'{"at":2,"n":2}']


def test_a_memory_that_is_none_is_as_if_nothing_were_known() -> None:
    """Whatever it is."""
    known = Known()
    memories: list[Any] = [None, 7, "no base64", "AAAA", ["x"], {}]
    for memory in memories:
        known.add([b"1"])
        known.memory = memory
        assert known.new([b"1"]) == [b"1"]
