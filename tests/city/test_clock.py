"""The twin's time."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from veracity.city import ImpossibleTwin
from veracity.city.clock import make_clock

START = datetime(2026, 9, 1, tzinfo=UTC)


def test_steps_and_local_hours() -> None:
    """Step i is the reading at start + 5 min x (i + 1); the local hour is seven ahead of UTC."""
    clock = make_clock(START, 2)
    assert clock.n_steps == 576
    assert clock.time(0) == START + timedelta(minutes=5)
    assert clock.time(575) == START + timedelta(days=2)
    local = [(clock.time(i) + timedelta(hours=7)) for i in range(clock.n_steps)]
    assert np.allclose(clock.local_hour, [t.hour + t.minute / 60 for t in local])


def test_weekend_is_local() -> None:
    """Saturday begins at local midnight, which is 17:00 UTC on Friday."""
    friday = make_clock(datetime(2026, 9, 4, tzinfo=UTC), 4)
    expected = [(friday.time(i) + timedelta(hours=7)).weekday() >= 5 for i in range(friday.n_steps)]
    assert friday.weekend.tolist() == expected
    assert 0 < sum(expected) < friday.n_steps


def test_another_zone_is_the_same_instant() -> None:
    """A start given in another zone is turned into UTC."""
    assert make_clock(datetime(2026, 9, 1, 7, tzinfo=timezone(timedelta(hours=7))), 2).start == START


@pytest.mark.parametrize(
    ("start", "days"),
    [
        (datetime(2026, 9, 1), 2),
        (START.replace(minute=5), 2),
        (START.replace(year=1999), 2),
        (START, 1),
        (START, 61),
        (START, True),
    ],
)
def test_impossible_times(start: datetime, days: int) -> None:
    """A start without zone or off the hour, or a length out of bounds, is refused as ours."""
    with pytest.raises(ImpossibleTwin, match="want"):
        make_clock(start, days)
