"""Areas on the map: a box, a polygon, a circle. Exact, so that every machine says the same."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from veracity.data.rules.positions import EARTH_M, Positions
from veracity.data.rules.readings import Bools, Floats

_CELLS = 1_000_000  # points times edges looked at at once: 8 MB an array

Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]


class Area(Protocol):
    """A part of the map."""

    def holds(self, longitude: Floats, latitude: Floats) -> Bools:
        """Tell which points lie in it or on its border; (n,) degrees, finite."""


@dataclass(frozen=True)
class Box:
    """From west to east and from south to north; with ``west > east`` it spans the 180th meridian."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, longitude: Floats, latitude: Floats) -> Bools:
        """Tell which points lie in it or on its border."""
        after, before = longitude >= self.west, longitude <= self.east
        between = (after | before) if self.west > self.east else (after & before)
        return np.asarray(between & (latitude >= self.south) & (latitude <= self.north))


@dataclass(frozen=True)
class Polygon:
    """The inside of a ring of ``(longitude, latitude)``, edges straight in degrees.

    Where the ring crosses itself a point is inside that an odd number of edges separate from the
    far west. A point is on the border if it is on an edge as far as 64-bit floats can tell.
    """

    ring: tuple[tuple[float, float], ...]

    def holds(self, longitude: Floats, latitude: Floats) -> Bools:
        """Tell which points lie in it or on its border."""
        ring: Table = np.array(self.ring, dtype=np.float64)
        out = np.zeros(len(longitude), dtype=np.bool_)
        low, high = ring.min(axis=0), ring.max(axis=0)
        near = np.flatnonzero(
            (longitude >= low[0]) & (longitude <= high[0]) & (latitude >= low[1]) & (latitude <= high[1])
        )
        step = max(1, _CELLS // len(ring))
        for i in range(0, len(near), step):
            at = near[i : i + step]
            out[at] = _within(ring, longitude[at], latitude[at])
        return out


@dataclass(frozen=True)
class Circle:
    """The points at most ``radius_km`` from a centre along a sphere of 6,371 km, to within 2 m."""

    longitude: float
    latitude: float
    radius_km: float

    def holds(self, longitude: Floats, latitude: Floats) -> Bools:
        """Tell which points lie in it; none beyond 90 degrees north or 180 degrees east."""
        on_globe = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
        along = self.radius_km * 1_000 / EARTH_M * (180 / np.pi)  # the radius as an angle, in degrees
        fixed = (self.latitude, 0.0, 0.0), (self.longitude, 0.0, along)
        places = _places(
            np.concatenate([fixed[0], np.where(on_globe, latitude, 0.0)]),
            np.concatenate([fixed[1], np.where(on_globe, longitude, 0.0)]),
        )
        reach = _square(places[2] - places[1])
        return np.asarray(on_globe & (_square(places[3:] - places[0]) <= reach))


def _places(latitude: Floats, longitude: Floats) -> Table:
    return Positions(latitude, longitude, np.zeros(len(latitude), dtype=np.int64)).place_m()


def _square(line: Floats | Table) -> Floats:
    """Return the squared length of lines in whole metres: exact, whatever the order of the sum."""
    return np.asarray(line[..., 0] ** 2 + line[..., 1] ** 2 + line[..., 2] ** 2)


def _within(ring: Table, longitude: Floats, latitude: Floats) -> Bools:
    """Cast a ray west from each point and count the edges that it meets."""
    x, y = longitude[:, None], latitude[:, None]
    x1, y1 = ring[:, 0], ring[:, 1]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
    up, down = (y1 <= y) & (y < y2), (y2 <= y) & (y < y1)
    crossed = (up & (side < 0)) | (down & (side > 0))
    beside = (np.minimum(x1, x2) <= x) & (x <= np.maximum(x1, x2))
    level = (np.minimum(y1, y2) <= y) & (y <= np.maximum(y1, y2))
    on_edge = (side == 0) & beside & level
    return np.asarray((crossed.sum(axis=1) % 2 == 1) | on_edge.any(axis=1))
