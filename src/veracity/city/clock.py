"""The twin's time: five-minute steps from a whole hour, and what the clock on the wall says."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from veracity.city.errors import ImpossibleTwin

Floats = npt.NDArray[np.float64]

STEP = timedelta(minutes=5)
STEPS_PER_HOUR = 12
STEPS_PER_DAY = 288
LOCAL = timedelta(hours=7)  # Asia/Ho_Chi_Minh, which keeps no summer time
DAYS = (2, 60)
_YEARS = (2000, 2100)


@dataclass(frozen=True)
class Clock:
    """Steps ``0 … n_steps - 1``; step i is the reading at ``start + (i + 1) * 5 min``.

    A reading stands for the five minutes that end at its time.
    """

    start: datetime
    days: int

    @property
    def n_steps(self) -> int:
        """How many readings a sensor that never fails makes."""
        return self.days * STEPS_PER_DAY

    @property
    def n_hours(self) -> int:
        """How many hourly batches the readings fall into."""
        return self.days * 24

    @property
    def hours(self) -> Floats:
        """(n,) float64: hours since the start, of each step."""
        return np.arange(1, self.n_steps + 1) / STEPS_PER_HOUR

    @property
    def local_hour(self) -> Floats:
        """(n,) float64 in [0, 24): the hour of the day in Da Nang."""
        first = (self.start + LOCAL).hour
        return (self.hours + first) % 24.0

    @property
    def weekend(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: whether it is Saturday or Sunday in Da Nang."""
        midnight = (self.start + LOCAL).replace(hour=0)
        days = (self.hours + (self.start + LOCAL).hour) // 24.0
        return np.asarray((midnight.weekday() + days) % 7.0 >= 5.0)

    def time(self, step: int) -> datetime:
        """Return the event time of a step, UTC."""
        return self.start + (step + 1) * STEP

    def hour(self, hour: int) -> datetime:
        """Return when the batch of an hour begins, UTC."""
        return self.start + timedelta(hours=hour)


def make_clock(start: datetime, days: int) -> Clock:
    """Check a start and a length.

    Raises
    ------
    ImpossibleTwin
        Unless ``start`` is a whole hour with a time zone between the years 2000 and 2100 and
        ``days`` is from 2 (the storm and its flood need them) to 60.
    """
    if not isinstance(days, int) or isinstance(days, bool) or not DAYS[0] <= days <= DAYS[1]:
        raise ImpossibleTwin(f"days: want {DAYS[0]} to {DAYS[1]}, got {str(days)[:24]}")
    if start.tzinfo is None or not _YEARS[0] < start.year < _YEARS[1]:
        raise ImpossibleTwin(f"start: want a time with a zone, such as 2026-09-01T00:00:00Z, got {start}")
    utc = start.astimezone(UTC)
    if utc.minute or utc.second or utc.microsecond:
        raise ImpossibleTwin(f"start: want a whole hour (UTC), got {utc.isoformat()}")
    return Clock(utc, days)
