"""Readings of one series, sensor after sensor: what sequence rules look at."""

from dataclasses import dataclass

import numpy as np

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Readings:
    """Readings sorted by sensor; each sensor's in order of arrival, event times strictly ascending.

    Before the new readings of a sensor stand the last ones that the state remembers (as many as
    the largest ``window`` of the series' rules, or all there were if fewer). A reading that was
    absent, unsound, or not newer than its sensor's newest is in no sequence.

    Attributes
    ----------
    sensor
        (n,) int64, ascending codes of sensors; a code means the same within one call only.
    time_us
        (n,) int64, event time in microseconds since 1970 UTC.
    value
        (n,) float64, finite, in the table's unit.
    is_new
        (n,) bool: to be judged. The others are remembered.
    ordinal
        (n,) int64: how many readings of this sensor and series came before it, ever.
    run_start_us, run_n
        (n,) int64: when the run of identical values that it stands in began, and the run's length up
        to and with it. Exact however far back the run began.
    arrival
        (n,) int64: the row's position in the batch; -1 for remembered readings.
    """

    sensor: Ints
    time_us: Ints
    value: Floats
    is_new: Bools
    ordinal: Ints
    run_start_us: Ints
    run_n: Ints
    arrival: Ints

    def __len__(self) -> int:
        return len(self.value)

    @property
    def back(self) -> Ints:
        """(n,) int64: how many readings of the same sensor stand before it here."""
        n = len(self)
        first = np.ones(n, dtype=np.bool_)
        first[1:] = self.sensor[1:] != self.sensor[:-1]
        start = np.maximum.accumulate(np.where(first, np.arange(n), 0))
        return np.asarray(np.arange(n) - start, dtype=np.int64)

    def lag(self, k: int) -> tuple[Bools, Ints]:
        """Return which readings have a ``k``-th reading before them, and its position (0 where none)."""
        at = np.arange(len(self)) - k
        has = self.back >= k
        return has, np.where(has, at, 0)


def readings_of(sensor: Ints, time_us: Ints, value: Floats) -> Readings:
    """Return whole histories as readings, all new: for tests and for trying rules on archives.

    ``sensor`` must be ascending and each sensor's times strictly ascending.
    """
    n = len(value)
    first = np.ones(n, dtype=np.bool_)
    first[1:] = sensor[1:] != sensor[:-1]
    start = np.maximum.accumulate(np.where(first, np.arange(n), 0))
    begins = first.copy()
    begins[1:] |= value[1:] != value[:-1]
    run = np.maximum.accumulate(np.where(begins, np.arange(n), 0))
    return Readings(
        sensor=sensor,
        time_us=time_us,
        value=value,
        is_new=np.ones(n, dtype=np.bool_),
        ordinal=np.asarray(np.arange(n) - start, dtype=np.int64),
        run_start_us=time_us[run],
        run_n=np.asarray(np.arange(n) - run + 1, dtype=np.int64),
        arrival=np.arange(n, dtype=np.int64),
    )
