"""The parts beneath: identifiers, the cache, segments of files."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.server.sensorthings import ids
from veracity.server.sensorthings.cache import ByteCache
from veracity.server.sensorthings.errors import MalformedQuery, NoSuchEntity
from veracity.server.sensorthings.feed_columns import SEGMENT_ROWS, DataFile, Sensors, segments
from veracity.server.sensorthings.query import split
from veracity.server.sensorthings.resource_path import Step, parse_path


@given(st.lists(st.text(max_size=8), min_size=1, max_size=3), st.integers(0, 10**11), st.integers(0, 10**11))
def test_identifiers_are_read_back(key: list[str], batch: int, record: int) -> None:
    """Whatever a key holds, its identifier is plain ASCII, without quotes, brackets or slashes."""
    datastream = ids.datastream_id("feed", key, "value")
    assert datastream.isascii()
    assert not set(datastream) & set("'\"()/ ?#%&")
    made = ids.ObservationId(datastream, batch, record)
    assert ids.parse_observation_id(str(made)) == made


@given(st.text(max_size=10), st.text(max_size=10))
def test_two_keys_have_two_identifiers(a: str, b: str) -> None:
    """Escaping loses nothing: it is undone."""
    assert ids.parts_of(ids.joined(a, b)) == [a, b]
    assert (ids.escaped(a) == ids.escaped(b)) is (a == b)


@pytest.mark.parametrize(
    "text", ["", "a", "a:1", "a:x:1", "a:1:-1", "a:01:1", "a b:1:1", "a~2:1:1", ":1:1", "a:1:1e3"]
)
def test_what_is_no_identifier_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert ids.parse_observation_id(text) is None


def test_the_cache_is_bounded_and_forgets_the_oldest() -> None:
    """Bytes held stay within the bound; what was used last stays."""
    cache = ByteCache(30_000)
    for key in range(5):
        cache.put(key, pl.Series([0] * 1_000))
        cache.peek(0)
    assert cache.n_bytes <= 30_000
    assert [key for key in range(5) if cache.peek(key) is not None] == [0, 3, 4]
    cache.put("large", pl.Series([0] * 100_000))
    assert cache.peek("large") is None
    assert cache.get(0, lambda: pl.Series([1])).len() == 1_000


def test_only_the_last_segment_grows() -> None:
    """A file more leaves all segments but the last as they are, whatever the sizes."""
    sizes = [SEGMENT_ROWS // 3, 5, SEGMENT_ROWS * 2, 1, 1, SEGMENT_ROWS, *[1_000] * 700]
    at = datetime(2026, 9, 1, tzinfo=UTC)
    files = [DataFile(f"{i}", n, i, i, at, at) for i, n in enumerate(sizes)]
    before = segments(files[:-1])
    after = segments(files)
    assert [f for s in after for f in s.files] == files
    assert after[: len(before) - 1] == before[:-1]
    assert all(s.n_rows <= SEGMENT_ROWS or len(s.files) == 1 for s in after)


def test_sensors_keep_their_numbers() -> None:
    """A number is given once, in the order of first sight."""
    sensors = Sensors()
    assert sensors.numbers(pl.Series(["b", "a", "b"])).to_list() == [0, 1, 0]
    assert sensors.numbers(pl.Series(["c", "a"])).to_list() == [2, 1]
    assert (sensors.keys, sensors.number("c"), sensors.number("x")) == (["b", "a", "c"], 2, None)


def test_paths_and_lists_are_cut_outside_of_quotes() -> None:
    """A slash, a comma or a bracket within quotes is text."""
    assert parse_path("Things('a/b''c')/name/$value") == [
        Step("Things", "a/b'c"),
        Step("name"),
        Step("$value"),
    ]
    assert parse_path("Things(rain:G01)") == [Step("Things", "rain:G01")]  # some clients leave the quotes out
    assert split("a($filter=x eq ',)';$top=1),b", ",") == ["a($filter=x eq ',)';$top=1)", "b"]
    for wrong in ("", "/", "Things()", "Things('a", "Th1ngs", "$all", "a/" * 20):
        with pytest.raises(NoSuchEntity):
            parse_path(wrong)
    for text in ("a(", "a)", "a('", "a(b))"):
        with pytest.raises(MalformedQuery):
            split(text, ",")
