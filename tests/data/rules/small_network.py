"""Small worlds of sensors with positions, brought to a network series whole or piece by piece."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from veracity.data.rules.network import NetworkSeries
from veracity.data.rules.positions import Positions
from veracity.data.rules.readings import Readings, readings_of

HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class World:
    """Rows in order of arrival; each sensor's times strictly ascending.

    ``placed``: (m,) from which row on a sensor's position is known; ``len(sensor)`` for never.
    """

    sensor: np.ndarray
    time_us: np.ndarray
    value: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    placed: np.ndarray

    def piece(self, begin: int, end: int, remembers: int) -> tuple[Readings, Positions]:
        """Return what a batch of the rows ``begin`` to ``end`` would be given."""
        new = np.arange(begin, end)
        old: list[int] = []
        for code in range(len(self.placed)):
            old += list(np.flatnonzero(self.sensor[:begin] == code)[-remembers:])
        rows = np.array([*old, *new], dtype=np.int64)
        rows = rows[np.lexsort((rows, self.sensor[rows]))]
        made = readings_of(self.sensor[rows], self.time_us[rows], self.value[rows])
        is_new = rows >= begin
        readings = replace(made, is_new=is_new, arrival=np.where(is_new, rows - begin, -1))
        known = self.placed < end
        latitude = np.where(known, self.latitude, np.nan)
        longitude = np.where(known, self.longitude, np.nan)
        unknown = np.iinfo(np.int64).max
        since = np.where(known, np.maximum(self.placed - begin, -1), unknown)
        return readings, Positions(latitude, longitude, since)

    def compare(self, series: NetworkSeries, cuts: Iterable[int] = ()) -> np.ndarray:
        """Return the series' values by row, where batches end at ``cuts``."""
        out = np.full(len(self.sensor), np.nan)
        begin = 0
        for end in sorted({*cuts, len(self.sensor)}):
            if end > begin:
                readings, positions = self.piece(begin, end, series.remembers)
                made = series.compare(readings, positions)
                new = readings.is_new
                out[readings.arrival[new] + begin] = made[new]
            begin = end
        return out


def hourly(values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> tuple[Readings, Positions]:
    """Return (t, m) hourly values, NaN where absent, as one batch that arrives hour by hour."""
    n_hours, m = values.shape
    sensor = np.repeat(np.arange(m), n_hours)
    time_us = np.tile(np.arange(n_hours) * HOUR_US, m)
    arrival = np.arange(n_hours * m).reshape(n_hours, m).T.ravel()
    value = np.asarray(values, dtype=np.float64).T.ravel()
    there = np.isfinite(value)
    readings = readings_of(sensor[there], time_us[there], value[there])
    known_before = np.full(m, -1, dtype=np.int64)
    return replace(readings, arrival=arrival[there]), Positions(latitude, longitude, known_before)


def sequence(readings: Readings, compared: np.ndarray) -> Readings:
    """Return the derived sequence that a network rule judges, all of it new."""
    there = np.isfinite(compared)
    made = readings_of(readings.sensor[there], readings.time_us[there], compared[there])
    return replace(made, arrival=readings.arrival[there])


def flagged(readings: Readings, broken: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return verdicts on hourly readings as (t, m)."""
    out = np.zeros(shape, dtype=np.bool_)
    out[readings.time_us[broken] // HOUR_US, readings.sensor[broken]] = True
    return out
