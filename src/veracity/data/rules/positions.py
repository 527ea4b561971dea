"""Where sensors stand, and which others are near: exact, so that every machine ranks them alike."""

from dataclasses import dataclass

import numpy as np

from veracity.data.rules.readings import Floats, Ints

EARTH_M = 6_371_009.0
FARTHEST_KM = 1_000.0
NONE = -1
_CELLS = 1_000_000  # distances held at once: 8 MB for each array of them
_FAR = np.iinfo(np.int64).max
Table = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Positions:
    """Where each sensor stands: the first sound position that it ever gave.

    Of two sensors the one with the lower code must be the lower in every call, however a feed is cut
    into batches (codes in order of first appearance, or of the key): it breaks ties of distance.

    Attributes
    ----------
    latitude, longitude
        (m,) float64 by sensor code, degrees north and east; NaN where unknown.
    since
        (m,) int64: the arrival in this batch that made it known; -1 if known before the batch;
        anything where unknown.
    """

    latitude: Floats
    longitude: Floats
    since: Ints

    def __len__(self) -> int:
        return len(self.since)

    @property
    def known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(m,) bool: whether the sensor's position is known by the end of the batch."""
        return np.isfinite(self.latitude) & np.isfinite(self.longitude)

    @property
    def n_recent(self) -> int:
        """How many positions became known within the batch."""
        return int((self.known & (self.since >= 0)).sum())

    def place_m(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return (m, 3) places on the globe in whole metres from its centre; NaN where unknown.

        Whole numbers, so that squares of distances are exact; the straight line between two places
        that are 100 km apart is 1 m shorter than the way along the ground.
        """
        east = np.abs(self.longitude)
        level = _sine(90.0 - np.abs(self.latitude))
        x = level * _sine(90.0 - east)
        y = level * np.sign(self.longitude) * _sine(np.minimum(east, 180.0 - east))
        return np.rint(EARTH_M * np.column_stack((x, y, _sine(self.latitude))))


def nearest(positions: Positions, sensors: Ints, within_km: float, most: int) -> Table:
    """Return (len(sensors), w) codes of each sensor's ``most`` nearest others, -1 past the last.

    Nearest first; ties go to the lower code. Every known position counts, whenever in the batch it
    became known. Call it for ``block`` sensors at once, so that it takes below 100 MB.
    """
    place, m = positions.place_m(), len(positions)
    square = np.zeros((len(sensors), m))
    for axis in range(3):
        square += (place[sensors, axis][:, None] - place[:, axis]) ** 2
    square[np.arange(len(sensors)), sensors] = np.inf
    near = square <= (within_km * 1_000.0) ** 2  # false for NaN
    key = np.where(near, np.where(near, square, 0.0).astype(np.int64) * m + np.arange(m), _FAR)
    width = min(most, m)
    if width < m:
        key = np.partition(key, width, axis=1)[:, :width]
    key.sort(axis=1)
    key = key[:, : int((key != _FAR).sum(axis=1).max(initial=0))]
    codes: Table = np.where(key == _FAR, NONE, key % m)
    return codes


def block(positions: Positions) -> int:
    """Return for how many sensors at once distances to all others may be held."""
    return max(1, _CELLS // max(1, len(positions)))


def _sine(degrees: Floats) -> Floats:
    """Sine of -90 to 90 degrees by its series: additions and products only, the same bits everywhere."""
    x = degrees * (np.pi / 180.0)
    square, total = x * x, np.ones_like(x)
    for k in range(20, 0, -2):  # the term left out is below 3e-16
        total = 1.0 - square * total / (k * (k + 1.0))
    return np.asarray(x * total, dtype=np.float64)
