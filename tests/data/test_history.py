"""Which keys a table holds: exact, whatever the order of arrival, from a state as small as the sensors."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.history import PIECES, KeyHistory

START = datetime(2026, 9, 1, tzinfo=UTC)
SCHEMA = {"sensor": pl.String(), "place": pl.String(), "at": pl.Datetime("us", "UTC")}
Row = tuple[str | None, str | None, datetime | None]


class Held:
    """A table in memory that counts how often it is asked, and by what times."""

    def __init__(self) -> None:
        self.rows = pl.DataFrame(schema=SCHEMA)
        self.asked: list[tuple[str, object, object] | None] = []

    def scan(self, between: tuple[str, object, object] | None) -> pl.LazyFrame:
        self.asked.append(between)
        if between is None:
            return self.rows.lazy()
        return self.rows.lazy().filter(pl.col(between[0]).is_between(pl.lit(between[1]), pl.lit(between[2])))


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["x", "y"]),
        st.integers(0, 12).map(lambda h: START + timedelta(hours=h)),
    ),
    max_size=12,
)


@pytest.mark.parametrize("key", [("sensor", "at"), ("at",), ("sensor",), ("sensor", "place", "at")])
@settings(deadline=None, max_examples=40)
@given(st.lists(rows, max_size=6), st.booleans())
def test_as_if_every_row_were_looked_up(
    key: tuple[str, ...], batches: list[list[Row]], restored: bool
) -> None:
    """Against any sequence of batches the answer is that of a plain set of keys, also after a restart."""
    held, seen = Held(), set[tuple[object, ...]]()
    history = KeyHistory(key, "at", held.scan)
    for batch in batches:
        candidates = frame(list(batch))
        keys = candidates.select(key)
        known = history.known(keys)
        assert known.to_list() == [row in seen for row in keys.iter_rows()]
        accepted = candidates.filter(~known).unique(key, keep="first", maintain_order=True)
        seen.update(accepted.select(key).iter_rows())
        held.rows = pl.concat([held.rows, accepted])
        history.add(accepted)
        if restored:
            history = KeyHistory(key, "at", held.scan, history.newest)


def test_newer_rows_cost_no_reading() -> None:
    """Rows newer than all of the last commits are known to be new without a look at the table."""
    held = Held()
    history = KeyHistory(("sensor", "at"), "at", held.scan)
    history.add(frame([("a", "x", START)]))
    held.asked.clear()
    assert history.known(
        frame([("a", "x", START + timedelta(hours=1)), ("b", "x", START)]).select("sensor", "at")
    ).to_list() == [False, False]
    assert held.asked == []


def test_old_rows_are_looked_up_between_their_times() -> None:
    """Late rows make the table be read only where it can hold their times."""
    held = Held()
    held.rows = frame([("a", "x", START + timedelta(hours=h)) for h in range(100)])
    history = KeyHistory(("sensor", "at"), "at", held.scan)
    late = frame([("a", "x", START + timedelta(hours=h)) for h in (3, 5)]).select("sensor", "at")
    assert history.known(late).to_list() == [True, True]
    assert held.asked == [("at", START + timedelta(hours=3), START + timedelta(hours=5))]


def test_the_state_is_one_row_a_sensor() -> None:
    """However many rows were added, the state holds one row for each sensor."""
    history = KeyHistory(("sensor", "at"), "at", Held().scan)
    for h in range(50):
        history.add(frame([(s, "x", START + timedelta(hours=h)) for s in "abc"]))
    newest = history.newest
    assert newest is not None
    assert newest.height == 3
    assert set(newest["_newest"]) == {START + timedelta(hours=49)}


def test_a_key_without_time_has_no_state() -> None:
    """Without event time in the key nothing is kept, and every row is looked up."""
    held = Held()
    history = KeyHistory(("sensor",), "at", held.scan)
    history.add(frame([("a", "x", START)]))
    assert history.newest is None
    held.rows = frame([("a", "x", START)])
    assert history.known(frame([("a", "x", START), ("b", "x", START)]).select("sensor")).to_list() == [
        True,
        False,
    ]


def test_many_small_commits() -> None:
    """Some hundred commits of one row are held as a few pieces, and their keys are known as before."""
    held = Held()
    history = KeyHistory(("sensor", "at"), "at", held.scan)
    for n in range(2 * PIECES + 3):
        history.add(frame([("a", "x", START + timedelta(hours=n))]))
    asked = len(held.asked)
    again = frame([("a", "x", START + timedelta(hours=n)) for n in (0, PIECES, 2 * PIECES + 3)])
    assert history.known(again.select("sensor", "at")).to_list() == [True, True, False]
    assert len(held.asked) == asked


def test_an_empty_batch() -> None:
    """No rows in, no answers out, nothing learned."""
    held = Held()
    history = KeyHistory(("sensor", "at"), "at", held.scan)
    assert history.known(frame([]).select("sensor", "at")).is_empty()
    history.add(frame([]))
    assert KeyHistory(("sensor", "at"), "at", held.scan).known(
        frame([("a", "x", START)]).select("sensor", "at")
    ).to_list() == [False]
