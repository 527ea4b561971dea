"""One feed's messages in order of arrival."""

from datetime import UTC, datetime, timedelta

import numpy as np

from veracity.city import Fault, stations_of
from veracity.city.clock import make_clock
from veracity.city.faults import Kind, Planted
from veracity.city.stream import Stream, make_stream

START = datetime(2026, 9, 1, tzinfo=UTC)
CLOCK = make_clock(START, 2)
FEED = "hydrology"


def stream(kind: Kind | None = None, steps: tuple[int, ...] = (), arrivals: tuple[int, ...] = ()) -> Stream:
    """The stream of a feed with at most one fault, at station 3."""
    planted = []
    if kind is not None:
        fault = Fault(kind, FEED, "HY04", START, START + timedelta(days=1), len(steps), "accepted")
        planted.append(Planted(fault, 3, steps, arrivals=arrivals))
    return make_stream(np.random.default_rng(1), CLOCK, FEED, planted)


def batches_of(s: Stream, step: int, station: int) -> list[int]:
    """In which hours' batches a message arrives."""
    return [
        hour
        for hour in range(CLOCK.n_hours)
        for a, b in zip(s.steps[s.batch(hour)], s.stations[s.batch(hour)], strict=True)
        if (a, b) == (step, station)
    ]


def test_without_faults_every_message_comes_once_in_its_hour() -> None:
    """All stations at all steps, each in the batch of its own hour, steps in order."""
    s = stream()
    k = len(stations_of(FEED))
    assert len(set(zip(s.steps.tolist(), s.stations.tolist(), strict=True))) == len(s.steps) == k * 576
    assert (np.diff(s.steps) >= 0).all()
    for hour in range(CLOCK.n_hours):
        assert set((s.steps[s.batch(hour)] // 12).tolist()) == {hour}
    assert s.stations[:k].tolist() != list(range(k))


def test_gap_late_and_duplicate() -> None:
    """A gap takes messages out, a late one moves between batches, a duplicate is in two."""
    assert batches_of(stream("gap", (12, 13)), 13, 3) == []
    assert batches_of(stream("late", (12, 13), (75, 75)), 12, 3) == [6]
    assert batches_of(stream("duplicate", (12,), (24,)), 12, 3) == [1, 2]
    assert batches_of(stream("duplicate", (12,), (13,)), 12, 3) == [1, 1]


def test_a_late_burst_keeps_its_order() -> None:
    """Messages that arrive together arrive in the order they were measured."""
    s = stream("late", tuple(range(12, 24)), (90,) * 12)
    span = s.batch(7)
    late = [
        a for a, b in zip(s.steps[span].tolist(), s.stations[span].tolist(), strict=True) if b == 3 and a < 24
    ]
    assert late == list(range(12, 24))
