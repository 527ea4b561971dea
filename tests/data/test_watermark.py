"""Watermarks: what a feed is believed to have, never going back, whoever falls silent."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from veracity.data.watermark import Heard, Watermark, heard, panel_watermark

S = 1_000_000
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def mark(lateness_s: int = 10, idle_s: int = 60) -> Watermark:
    return Watermark(lateness_s * S, idle_s * S)


def test_the_slowest_device_holds_the_watermark() -> None:
    """It is the least of the devices' newest event times, less the allowed lateness."""
    now = mark().advanced({"a": Heard(100 * S, 101 * S), "b": Heard(90 * S, 101 * S)}, 101 * S)
    assert now.at_us == 80 * S
    assert now.has_passed(80 * S)
    assert not now.has_passed(80 * S + 1)
    assert now.advanced({"b": Heard(120 * S, 121 * S)}, 121 * S).at_us == 90 * S


def test_nothing_has_passed_before_the_first_reading() -> None:
    """A feed without readings has no watermark."""
    assert mark().advanced({}, 5 * S).at_us is None
    assert not mark().has_passed(-(2**60))


def test_a_silent_device_is_left_out_and_forgotten() -> None:
    """One that died holds up the others for the stated time and no longer; its memory is freed."""
    both = mark().advanced({"a": Heard(100 * S, 100 * S), "b": Heard(100 * S, 100 * S)}, 100 * S)
    held = both.advanced({"a": Heard(160 * S, 160 * S)}, 160 * S)
    assert held.at_us == 90 * S
    free = held.advanced({"a": Heard(161 * S, 161 * S)}, 161 * S)
    assert free.at_us == 151 * S
    assert set(free.devices) == {"a"}
    back = free.advanced({"b": Heard(101 * S, 162 * S)}, 162 * S)
    assert back.at_us == 151 * S
    assert back.has_passed(101 * S)


def test_where_all_are_silent_it_stays() -> None:
    """No reading, no belief: time alone closes nothing."""
    now = mark().advanced({"a": Heard(100 * S, 100 * S)}, 100 * S)
    assert now.advanced({}, 10_000 * S).at_us == 90 * S


def test_a_clock_ahead_closes_nothing_early() -> None:
    """An event of next year counts as of its arrival."""
    assert mark().advanced({"a": Heard(10**15, 100 * S)}, 100 * S).at_us == 90 * S


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 500), st.integers(0, 90)), max_size=30))
def test_it_never_goes_back(steps: list[tuple[str, int, int]]) -> None:
    """In whatever order event times come."""
    now, at = mark(), 0
    for device, event, waited in steps:
        at += waited
        after = now.advanced({device: Heard(event * S, at * S)}, at * S)
        assert now.at_us is None or (after.at_us is not None and after.at_us >= now.at_us)
        now = after


def test_devices_are_read_from_rows() -> None:
    """The newest event and arrival of each device, those without a time or a name left out."""
    rows = pl.DataFrame(
        {
            "station": ["a", "a", "b", None, "c"],
            "at": [T0, T0 + timedelta(seconds=5), T0 + timedelta(days=9), T0, None],
            "came": [T0 + timedelta(seconds=9)] * 5,
        }
    )
    got = heard(rows, ["station"], "at", "came")
    zero = int(T0.timestamp()) * S
    assert sorted(got.values(), key=lambda h: h.newest_us) == [
        Heard(zero + 5 * S, zero + 9 * S),
        Heard(zero + 9 * S, zero + 9 * S),
    ]
    assert len(heard(rows, [], "at", "came")) == 1


def test_a_panel_waits_for_all_its_feeds() -> None:
    """It is closed up to the least of its feeds' watermarks."""
    assert panel_watermark([5, 3]) == 3
    assert panel_watermark([5, None]) is None
    assert panel_watermark([]) is None
