"""Geographic queries of NGSI-LD (ETSI GS CIM 009, section 4.10) on entities that are points. Pure."""

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from veracity.server.ngsi_ld.errors import BadRequestData

MAX_POSITIONS = 2_000
_EARTH_M = 6_371_008.8  #: mean radius
_RELATIONS = ("within", "intersects", "disjoint", "equals", "contains", "overlaps")
_DEPTHS = {"Point": 1, "MultiPoint": 2, "LineString": 2, "Polygon": 3, "MultiPolygon": 4}

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ring = Floats  #: (n, 2), longitude and latitude, closed


@dataclass(frozen=True)
class GeoQuery:
    """What is asked of an entity's place.

    ``relation`` is one of those above, or ``near`` with a distance in metres: at most, or at least.
    ``points`` are (n, 2); ``polygons`` rings, the first of each the outer one.
    """

    relation: str
    points: Floats
    polygons: tuple[tuple[Ring, ...], ...]
    at_most_m: float | None = None
    at_least_m: float | None = None

    def matches(self, lon: Floats, lat: Floats) -> Bools:
        """Return (n,) which points fulfil it; one without a position fulfils nothing."""
        known = np.isfinite(lon) & np.isfinite(lat)
        with np.errstate(invalid="ignore"):
            return known & self._matches(lon, lat)

    def _matches(self, lon: Floats, lat: Floats) -> Bools:
        if self.relation == "near":
            distance = _distance_m(lon, lat, self.points)
            near = np.ones(len(lon), np.bool_)
            if self.at_most_m is not None:
                near &= distance <= self.at_most_m
            if self.at_least_m is not None:
                near &= distance >= self.at_least_m
            return near
        same = np.zeros(len(lon), np.bool_)
        for x, y in self.points:
            same |= (lon == x) & (lat == y)
        if self.relation in ("equals", "contains", "overlaps"):
            is_one = not self.polygons and len(self.points) == 1
            return same if is_one and self.relation != "overlaps" else np.zeros(len(lon), np.bool_)
        inside = same
        for rings in self.polygons:
            within = _in_ring(lon, lat, rings[0])
            for hole in rings[1:]:
                within &= ~_in_ring(lon, lat, hole)
            inside = inside | within
        return ~inside if self.relation == "disjoint" else inside


def parse_geo(georel: str, geometry: str | None, coordinates: str | None) -> GeoQuery:
    """Read the three parameters; ``BadRequestData`` if they are not a query, or are too large."""
    name, *settings = georel.split(";")
    if name != "near" and (name not in _RELATIONS or settings):
        raise BadRequestData(f"georel: want near or one of {', '.join(_RELATIONS)}, got {georel[:60]!r}")
    if geometry not in _DEPTHS or coordinates is None:
        raise BadRequestData(f"geometry: want one of {', '.join(_DEPTHS)} with coordinates, got {geometry!r}")
    if len(coordinates) > 60 * MAX_POSITIONS:
        raise BadRequestData(f"coordinates: want at most {MAX_POSITIONS} positions, got more")
    try:
        said = json.loads(coordinates)
    except (ValueError, RecursionError) as exc:
        raise BadRequestData(f"coordinates: want a JSON array, got {coordinates[:40]!r}") from exc
    points, polygons = _shapes(geometry, said)
    if name != "near":
        return GeoQuery(name, points, polygons)
    if geometry not in ("Point", "MultiPoint"):
        raise BadRequestData(f"georel: want near a Point, got {geometry}")
    limits = dict(_limit(setting) for setting in settings)
    if len(settings) != 1:
        raise BadRequestData(f"georel: want near;maxDistance==<metres> or minDistance, got {georel[:60]!r}")
    return GeoQuery("near", points, (), limits.get("maxDistance"), limits.get("minDistance"))


def _limit(setting: str) -> tuple[str, float]:
    name, _, text = setting.partition("==")
    try:
        metres = float(text[:30])
    except ValueError:
        metres = math.nan
    if name not in ("maxDistance", "minDistance") or not 0 <= metres < math.inf:
        raise BadRequestData(f"georel: want maxDistance==<metres> or minDistance, got {setting[:40]!r}")
    return name, metres


def _shapes(geometry: str, said: Any) -> tuple[Floats, tuple[tuple[Ring, ...], ...]]:
    none = np.zeros((0, 2))
    if geometry == "Point":
        return _positions([said]), ()
    if geometry in ("MultiPoint", "LineString"):
        return _positions(said), ()
    listed = said if geometry == "MultiPolygon" else [said]
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_POSITIONS:
        raise BadRequestData("coordinates: want an array of polygons, got something else")
    polygons, n = [], 0
    for rings in listed:
        if not isinstance(rings, list) or not rings or len(rings) > MAX_POSITIONS:
            raise BadRequestData("coordinates: want an array of rings, got something else")
        read = tuple(_positions(ring) for ring in rings)
        n += sum(map(len, read))
        if n > MAX_POSITIONS or any(len(r) < 4 or not np.array_equal(r[0], r[-1]) for r in read):
            raise BadRequestData(
                f"coordinates: want closed rings of 4 positions or more, {MAX_POSITIONS} in all"
            )
        polygons.append(read)
    return none, tuple(polygons)


def _positions(said: Any) -> Floats:
    if not isinstance(said, list) or not 0 < len(said) <= MAX_POSITIONS:
        raise BadRequestData(f"coordinates: want 1 to {MAX_POSITIONS} positions, got something else")
    for position in said:
        is_pair = isinstance(position, list) and 2 <= len(position) <= 3
        if not is_pair or not all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in position):
            raise BadRequestData("coordinates: want positions [longitude, latitude], got something else")
        if not (abs(position[0]) <= 180 and abs(position[1]) <= 90):
            raise BadRequestData("coordinates: want degrees on Earth, got others")
    return np.array([position[:2] for position in said], np.float64)


def _distance_m(lon: Floats, lat: Floats, points: Floats) -> Floats:
    """Return (n,) the great-circle distance to the nearest of some points (haversine)."""
    nearest = np.full(len(lon), np.inf)
    for x, y in np.radians(points):
        half = np.sin((np.radians(lat) - y) / 2) ** 2
        half = half + np.cos(np.radians(lat)) * math.cos(y) * np.sin((np.radians(lon) - x) / 2) ** 2
        nearest = np.fmin(nearest, 2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
    return nearest


def _in_ring(lon: Floats, lat: Floats, ring: Ring) -> Bools:
    """Return (n,) which points are in a ring, by the crossings of a ray (degrees as if on a plane)."""
    inside = np.zeros(len(lon), np.bool_)
    for (x0, y0), (x1, y1) in pairwise(ring):
        if y0 != y1:
            crosses = (y0 > lat) != (y1 > lat)
            inside ^= crosses & (lon < (x1 - x0) * (lat - y0) / (y1 - y0) + x0)
    return inside
