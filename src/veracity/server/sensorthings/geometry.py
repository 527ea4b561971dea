"""Points, lines and polygons, and where a point lies in them.

Planar, in degrees of WGS 84 (longitude, latitude).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Point = tuple[float, float]
Ring = tuple[Point, ...]


@dataclass(frozen=True)
class Geometry:
    """Points, lines and polygons; of one kind: ``dimension`` 0, 1 or 2.

    A polygon is its outer ring and its holes, each closed.
    """

    points: tuple[Point, ...] = ()
    lines: tuple[Ring, ...] = ()
    polygons: tuple[tuple[Ring, ...], ...] = ()

    @property
    def dimension(self) -> int:
        """0 of points, 1 of lines, 2 of polygons."""
        return 2 if self.polygons else 1 if self.lines else 0

    @property
    def point(self) -> Point | None:
        """The point, if it is one."""
        return self.points[0] if len(self.points) == 1 and not self.lines and not self.polygons else None


def point_of_geojson(value: Any) -> Geometry | None:
    """Return the point of a GeoJSON point, or of a feature that is one; None of anything else."""
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    found = value.get("coordinates")
    return Geometry(points=((found[0], found[1]),)) if isinstance(found, list) and len(found) >= 2 else None


def locate(point: Point, other: Geometry) -> str:
    """Say where a point lies: in the interior (``I``), on the boundary (``B``), outside (``E``)."""
    if point in other.points:
        return "I"
    if other.lines and any(_on_line(point, line) for line in other.lines):
        return "B" if point in ends(other) else "I"
    found = [_in_polygon(point, rings) for rings in other.polygons]
    return "I" if "I" in found else "B" if "B" in found else "E"


def ends(geometry: Geometry) -> set[Point]:
    """Return the boundary points of lines: ends that an odd number of lines have (the mod-2 rule)."""
    ends: set[Point] = set()
    for line in geometry.lines:
        ends ^= {line[0]} ^ {line[-1]}
    return ends


def _on_line(point: Point, line: Ring) -> bool:
    return any(_on_segment(point, a, b) for a, b in pairwise(line))


def _on_segment(point: Point, a: Point, b: Point) -> bool:
    cross = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
    inside = min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
    return cross == 0 and inside


def _in_polygon(point: Point, rings: Sequence[Ring]) -> str:
    if any(_on_line(point, ring) for ring in rings):
        return "B"
    if not _in_ring(point, rings[0]) or any(_in_ring(point, hole) for hole in rings[1:]):
        return "E"
    return "I"


def _in_ring(point: Point, ring: Ring) -> bool:
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def distance(a: Geometry, b: Geometry) -> float:
    """Return how far apart two geometries are, in degrees; ValueError if neither is a point."""
    point, other = (a.point, b) if a.point is not None else (b.point, a)
    if point is None:
        raise ValueError("want a point on one side, got none")
    if locate(point, other) != "E":
        return 0.0
    parts = [*other.lines, *(ring for rings in other.polygons for ring in rings)]
    to_lines = [_to_segment(point, a, b) for line in parts for a, b in pairwise(line)]
    return min([*(math.dist(point, p) for p in other.points), *to_lines])


def _to_segment(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    along = 0.0 if square == 0 else ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / square
    along = min(1.0, max(0.0, along))
    return math.dist(point, (a[0] + along * dx, a[1] + along * dy))


def length(geometry: Geometry) -> float:
    """Return the length of lines, in degrees."""
    return sum(math.dist(a, b) for line in geometry.lines for a, b in pairwise(line))
