"""What a sensor's neighbours let expect: a series made of one property and the sensors' positions.

A network series is judged like any series of a sensor. Its values are the sensor's own readings
set against the median of its neighbours' latest readings, as they were known when the reading
arrived, so that a verdict never depends on how a feed is cut into batches.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.positions import FARTHEST_KM, Positions, Table, block, nearest
from veracity.data.rules.readings import Bools, Floats, Ints, Readings
from veracity.data.rules.rule import Rule

Samples = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Mode = Literal["difference", "ratio", "standing", "alone"]
FRESH_S = 7_200.0
CONSIDERED = 4  # times ``nearest``: so many known neighbours are asked for a recent reading
_ROWS = 131_072  # readings worked on at once: below 40 MB with 16 neighbours each
_CELLS = 4_000_000  # cells of windows compared at once


@dataclass(frozen=True)
class NetworkSeries:
    """A series made from a property's readings and those of the sensors around.

    A reading has neighbours where its sensor's position is known with it or before it. They are, of
    the ``4 * nearest`` sensors nearest to it with a position known before the reading arrived, the
    ``nearest`` first ones whose latest reading, of those that arrived before, is at most
    ``max_age_s`` older or newer. With fewer than ``at_least`` nothing is expected.

    In an archive written sensor after sensor, not hour after hour, no neighbour is up to date and
    nothing is said: sort it by time first.

    Attributes
    ----------
    source, latitude, longitude
        Names of the property and of the columns that give a sensor's position in degrees.
    mode
        ``difference``: the reading less the median of its neighbours' latest.
        ``ratio``: the reading over that median; only where both are above zero.
        ``standing``: how high the reading stands among its own sensor's last ``past`` readings (0 the
        lowest, 1 the highest), less the median of its neighbours' latest standings. Offsets, gains and
        units cancel: what is left is whether sensors are high and low at the same times.
        ``alone``: 1 where fewer than ``at_least`` others are ``within_km``, else 0; only while at least
        30 positions are known and nine in ten of them are not alone.
    nearest, at_least
        How many neighbours are listened to; the fewest that count.
    within_km, max_age_s
        How far a neighbour may be, how old its latest reading.
    past
        Readings that a standing is taken in; unused by the other modes.
    """

    source: str
    latitude: str
    longitude: str
    mode: Mode = "difference"
    nearest: int = 8
    at_least: int = 3
    within_km: float = 30.0
    max_age_s: float = FRESH_S
    past: int = 168

    @property
    def name(self) -> str:
        """The series' name, such as ``pm25~difference:lat:lon:8:3:30.0:7200.0``: one for each choice."""
        parts = (self.latitude, self.longitude, self.nearest, self.at_least, self.within_km, self.max_age_s)
        more = (self.past,) if self.mode == "standing" else ()
        return f"{self.source}~{self.mode}:" + ":".join(str(p) for p in (*parts, *more))

    @property
    def remembers(self) -> int:
        """How many last readings of the source each sensor must have in ``compare``, new ones apart."""
        return self.past + 1 if self.mode == "standing" else 1

    def compare(self, readings: Readings, positions: Positions) -> Floats:
        """Return (n,) the series' values, NaN where there is none and for remembered readings.

        ``readings`` are of the source, with every sensor that has a remembered reading, whether or
        not it has new ones. Remembered readings' own derived values are the engine's to remember.
        """
        if self.mode == "alone":
            return self._alone(readings, positions)
        own = self._own(readings)
        expected, _ = self._median(own, readings, positions)
        with np.errstate(over="ignore"):
            if self.mode == "ratio":
                both = (own > 0.0) & (expected > 0.0)
                made = np.where(both, own / np.where(both, expected, 1.0), np.nan)
            else:
                made = own - expected
        return np.where(np.isfinite(made), made, np.nan)

    def expected(self, readings: Readings, positions: Positions) -> tuple[Floats, Ints]:
        """Return (n,) the neighbours' median, NaN where it cannot be said, and how many they were."""
        return self._median(self._own(readings), readings, positions)

    def _own(self, readings: Readings) -> Floats:
        return standing(readings, self.past) if self.mode == "standing" else readings.value

    def _median(self, own: Floats, readings: Readings, positions: Positions) -> tuple[Floats, Ints]:
        expected = np.full(len(readings), np.nan)
        n_found = np.zeros(len(readings), dtype=np.int64)
        latest = _Latest(readings, own)
        asked = positions.since[readings.sensor] <= readings.arrival  # false for remembered ones
        asked &= positions.known[readings.sensor] & readings.is_new & np.isfinite(own)
        rows = np.flatnonzero(asked)
        sensors, first = np.unique(readings.sensor[rows], return_index=True)
        bounds = np.append(first, len(rows))
        most = CONSIDERED * self.nearest + positions.n_recent
        size = block(positions)
        for b in range(0, len(sensors), size):
            some = sensors[b : b + size]
            table = nearest(positions, some, self.within_km, most)
            low, high = bounds[b], bounds[b + len(some)]
            for at in range(low, high, _ROWS):
                part = rows[at : min(at + _ROWS, high)]
                line = np.searchsorted(some, readings.sensor[part])
                found, n = self._listen(part, line, table, latest, readings, positions)
                n_found[part] = n
                expected[part] = np.where(n >= self.at_least, _middle(found, n), np.nan)
        return expected, n_found

    def _listen(
        self,
        rows: Ints,
        line: Ints,
        table: Table,
        latest: "_Latest",
        readings: Readings,
        positions: Positions,
    ) -> tuple[Samples, Ints]:
        """Collect (r, nearest) values of the rows' neighbours, NaN past the last, and their number.

        ``line``: (r,) where in ``table`` each row's sensor stands.
        """
        found = np.full((len(rows), self.nearest), np.nan)
        n, n_known = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
        arrival, time = readings.arrival[rows], readings.time_us[rows]
        age_us = int(self.max_age_s * 1e6)
        left = np.arange(len(rows))
        for rank in range(table.shape[1]):
            other = table[line[left], rank]
            left, other = left[other >= 0], other[other >= 0]
            known = positions.since[other] < arrival[left]
            n_known[left] += known
            asked, other = left[known], other[known]
            value, when, has = latest.before(other, arrival[asked])
            has &= (np.abs(when - time[asked]) <= age_us) & np.isfinite(value)
            hit = asked[has]
            found[hit, n[hit]] = value[has]
            n[hit] += 1
            left = left[(n[left] < self.nearest) & (n_known[left] < CONSIDERED * self.nearest)]
            if not len(left):
                break
        return found, n

    def _alone(self, readings: Readings, positions: Positions) -> Floats:
        joined = _joined(positions, self.within_km, self.at_least)
        arrived = np.where(positions.known, positions.since, np.iinfo(np.int64).max)
        n_known = np.searchsorted(np.sort(arrived), readings.arrival, side="right")
        n_joined = np.searchsorted(np.sort(joined), readings.arrival, side="right")
        asked = readings.is_new & (arrived[readings.sensor] <= readings.arrival)
        asked &= (n_known >= 30) & (10 * n_joined >= 9 * n_known)
        alone = joined[readings.sensor] > readings.arrival
        return np.where(asked, alone.astype(np.float64), np.nan)


@dataclass(frozen=True)
class NetworkRule(Rule):
    """A sequence rule on a network series."""

    network: NetworkSeries

    @property
    def series(self) -> str:
        """Name of the network series."""
        return self.network.name

    def to_object(self) -> Mapping[str, Any]:
        """Return the rule with all its settings as JSON values, those of the network too."""
        return {**super().to_object(), "network": asdict(self.network)}


class _Latest:
    """Each sensor's last reading before an arrival, found by one search in (sensor, arrival)."""

    def __init__(self, readings: Readings, value: Floats) -> None:
        self._stride = int(readings.arrival.max(initial=-1)) + 2
        self._key = readings.sensor * self._stride + readings.arrival + 1
        self._readings = readings
        self._value = value

    def before(self, sensor: Ints, arrival: Ints) -> tuple[Floats, Ints, Bools]:
        """Return value, time and whether there is one; ``sensor`` and ``arrival`` are (r,)."""
        at = np.searchsorted(self._key, sensor * self._stride + arrival + 1) - 1
        has = at >= 0
        at = np.where(has, at, 0)
        has &= self._readings.sensor[at] == sensor
        return self._value[at], self._readings.time_us[at], has


def read_network(
    scope: Scope, p: Parameters, mode: Mode, *, past: int = 168, at_least: int = 3, within_km: float = 30.0
) -> NetworkSeries:
    """Take the settings of a network series; see the class.

    ``latitude``, ``longitude``: columns, of these names if absent. ``nearest`` (8), ``at_least`` (3),
    ``within_km`` (30), ``max_age`` (twice the contract's frequency; 2 h without one). Some rules have
    other defaults: the arguments.
    """
    name = p.judged(scope, "a place")
    listened = p.whole("nearest", 8, low=1, high=64)
    fresh_s = FRESH_S if scope.frequency_s is None else 2.0 * scope.frequency_s
    return NetworkSeries(
        source=name,
        latitude=p.column("latitude", scope, ("number",), "latitude"),
        longitude=p.column("longitude", scope, ("number",), "longitude"),
        mode=mode,
        nearest=listened,
        at_least=p.whole("at_least", min(at_least, listened), low=1, high=listened),
        within_km=p.number("within_km", within_km, low=0.001, high=FARTHEST_KM),
        max_age_s=p.duration_s("max_age", fresh_s),
        past=past,
    )


def standing(readings: Readings, past: int) -> Floats:
    """Return (n,) the share of the sensor's last ``past`` readings that lie below, equal ones half.

    NaN where fewer are there. Counts only, so exact.
    """
    out = np.full(len(readings), np.nan)
    rows = np.flatnonzero(readings.back >= past)
    if not len(rows):
        return out
    windows = np.lib.stride_tricks.sliding_window_view(readings.value, past)
    step = max(1, _CELLS // past)
    for at in range(0, len(rows), step):
        part = rows[at : at + step]
        before, value = windows[part - past], readings.value[part][:, None]
        twice = 2 * (before < value).sum(axis=1) + (before == value).sum(axis=1)
        out[part] = twice / (2.0 * past)
    return out


def _middle(found: Samples, n: Ints) -> Floats:
    """Median of each row's first ``n`` values; the rest are NaN."""
    ordered = np.sort(found, axis=1)  # NaN last
    row, top = np.arange(len(n)), np.maximum(n - 1, 0)
    middle = ordered[row, top // 2] * 0.5 + ordered[row, (top + 1) // 2] * 0.5  # never overflows
    return np.asarray(middle, dtype=np.float64)


def _joined(positions: Positions, within_km: float, at_least: int) -> Ints:
    """Return (m,) since which arrival a sensor has ``at_least`` others near; the largest integer if never."""
    never = np.iinfo(np.int64).max
    joined = np.full(len(positions), never)
    sensors = np.flatnonzero(positions.known)
    most = at_least + positions.n_recent
    for at in range(0, len(sensors), block(positions)):
        some = sensors[at : at + block(positions)]
        table = nearest(positions, some, within_km, most)
        if table.shape[1] < at_least:
            continue
        came = np.where(table >= 0, positions.since[table], never)
        came = np.partition(came, at_least - 1, axis=1)[:, at_least - 1]
        joined[some] = np.maximum(came, positions.since[some])
    return joined
