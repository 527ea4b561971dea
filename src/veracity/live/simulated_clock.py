"""A clock that runs faster than the machine's, the same in every process of a simulated city."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class RunningClock:
    """Simulated time, as a function of the machine's: ``begins`` at ``since_s``, ``speed`` times as fast.

    Attributes
    ----------
    begins
        The simulated time at ``since_s``.
    since_s
        Unix time of the machine.
    speed
        Simulated seconds in one of the machine's.
    now_s
        The machine's clock.
    """

    begins: datetime
    since_s: float
    speed: float
    now_s: Callable[[], float] = field(default=time.time, compare=False, repr=False)

    def __call__(self) -> datetime:
        """Return the simulated time now, UTC."""
        return self.at(self.now_s())

    def at(self, unix_s: float) -> datetime:
        """Return the simulated time at one of the machine's, such as when the broker got a message.

        Examples
        --------
        >>> RunningClock(datetime(2026, 1, 1, tzinfo=UTC), 1_000.0, 60.0).at(1_010.0).isoformat()
        '2026-01-01T00:10:00+00:00'
        """
        return (self.begins + timedelta(seconds=(unix_s - self.since_s) * self.speed)).astimezone(UTC)

    def unix_s(self, stamp: datetime) -> float:
        """Return when it is, on the machine's clock, that simulated time."""
        return self.since_s + (stamp - self.begins).total_seconds() / self.speed
