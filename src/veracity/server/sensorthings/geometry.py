"""Geometry as the interface needs it: what WKT and GeoJSON say, and where a point lies in it.

Every place that this server has is a point. So the nine relations of Simple Features (OGC 06-103r4,
section 6.1.15) are those between a point and anything, which follow exactly from whether the point is in
the interior, on the boundary or outside. Planar, in degrees of WGS 84 (longitude, latitude).
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MAX_POINTS = 2_000
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|([A-Za-z]+)|([(),]))")
_SRID = re.compile(r"\s*SRID\s*=\s*(\d{1,6})\s*;", re.IGNORECASE)

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


def parse_wkt(text: str) -> Geometry:
    """Parse well-known text; ValueError if it is none, or has more than ``MAX_POINTS`` points."""
    srid = _SRID.match(text)
    if srid is not None:
        if srid.group(1) not in ("4326", "4979"):
            raise ValueError(f"want SRID 4326, got {srid.group(1)}")
        text = text[srid.end() :]
    tokens, at = list[str](), 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(tokens) > 8 * MAX_POINTS:
            raise ValueError(f"want well-known text, got {text[at : at + 20]!r}")
        tokens.append(match.group(match.lastindex or 1))
        at = match.end()
    if not tokens:
        raise ValueError("want well-known text, got none")
    kind = tokens.pop(0).upper()
    if tokens and tokens[0].upper() in ("Z", "M", "ZM"):
        tokens.pop(0)
    return _shaped(kind, _Nested(tokens).read())


class _Nested:
    """Nested lists of coordinates out of tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at, self._n = tokens, 0, 0

    def read(self) -> Any:
        value = self._group(0)
        if self._at != len(self._tokens):
            raise ValueError(f"want the end, got {self._tokens[self._at]!r}")
        return value

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise ValueError("want more coordinates, got the end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _group(self, depth: int) -> list[Any]:
        """Return what one pair of brackets holds: positions, or groups."""
        if self._take() != "(" or depth > 4:
            raise ValueError("want a group of coordinates, got none")
        found: list[Any] = []
        while True:
            if self._at < len(self._tokens) and self._tokens[self._at] == "(":
                found.append(self._group(depth + 1))
            else:
                found.append(self._position())
            ends = self._take()
            if ends == ")":
                return found
            if ends != ",":
                raise ValueError(f"want a comma or an end, got {ends!r}")

    def _position(self) -> Point:
        numbers = []
        while self._at < len(self._tokens) and self._tokens[self._at] not in ("(", ")", ","):
            numbers.append(_finite(float(self._take())))
        if not 2 <= len(numbers) <= 4:
            raise ValueError(f"want two coordinates, got {len(numbers)}")
        self._n += 1
        if self._n > MAX_POINTS:
            raise ValueError(f"want at most {MAX_POINTS} points, got more")
        return numbers[0], numbers[1]


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("want a finite coordinate, got another")
    return number


def _shaped(kind: str, nested: list[Any]) -> Geometry:
    try:
        if kind == "POINT" and len(nested) == 1:
            return Geometry(points=(_as_point(nested[0]),))
        if kind == "MULTIPOINT":
            return Geometry(points=tuple(_as_point(p[0] if isinstance(p, list) else p) for p in nested))
        if kind == "LINESTRING":
            return Geometry(lines=(_line(nested),))
        if kind == "MULTILINESTRING":
            return Geometry(lines=tuple(map(_line, nested)))
        if kind == "POLYGON":
            return Geometry(polygons=(tuple(map(_ring, nested)),))
        if kind == "MULTIPOLYGON":
            return Geometry(polygons=tuple(tuple(map(_ring, rings)) for rings in nested))
    except (TypeError, IndexError) as exc:
        raise ValueError(f"want the coordinates of a {kind}, got others") from exc
    raise ValueError(f"want a point, line string or polygon, got {kind[:20]!r}")


def _as_point(position: Any) -> Point:
    if not isinstance(position, tuple):
        raise TypeError(position)
    return position


def _line(nested: Any) -> Ring:
    points = tuple(map(_as_point, nested))
    if len(points) < 2:
        raise ValueError("line: want two points, got one")
    return points


def _ring(nested: Any) -> Ring:
    points = tuple(map(_as_point, nested))
    if len(points) < 4 or points[0] != points[-1]:
        raise ValueError("ring: want it closed, of four points or more, got another")
    return points


def point_of_geojson(value: Any) -> Geometry | None:
    """Return the point of a GeoJSON point, or of a feature that is one; None of anything else."""
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    found = value.get("coordinates")
    return Geometry(points=((found[0], found[1]),)) if isinstance(found, list) and len(found) >= 2 else None


def matrix(a: Geometry, b: Geometry) -> str:
    """Return the DE-9IM matrix of two geometries, one of which is a point.

    ValueError if neither is.
    """
    if a.point is not None:
        return _point_matrix(a.point, b)
    if b.point is not None:
        m = _point_matrix(b.point, a)
        return "".join(m[3 * column + row] for row in range(3) for column in range(3))
    raise ValueError("want a point on one side, got none")


def _point_matrix(point: Point, other: Geometry) -> str:
    where = locate(point, other)
    if other.dimension == 0:
        rest = "0" if any(p != point for p in other.points) else "F"
        boundary = "F"
    else:
        rest = str(other.dimension)
        ends = _ends(other)
        boundary = "1" if other.dimension == 2 else "0" if ends - {point} else "F"
    return "".join("0" if where == w else "F" for w in "IBE") + "FFF" + rest + boundary + "2"


def locate(point: Point, other: Geometry) -> str:
    """Say where a point lies: in the interior (``I``), on the boundary (``B``), outside (``E``)."""
    if point in other.points:
        return "I"
    if other.lines and any(_on_line(point, line) for line in other.lines):
        return "B" if point in _ends(other) else "I"
    found = [_in_polygon(point, rings) for rings in other.polygons]
    return "I" if "I" in found else "B" if "B" in found else "E"


def _ends(geometry: Geometry) -> set[Point]:
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


def is_related(relation: str, pattern: str) -> bool:
    """Tell whether a matrix matches a pattern of ``T F * 0 1 2``."""
    return all(p == "*" or p == r or (p == "T" and r != "F") for r, p in zip(relation, pattern, strict=True))


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


def _matches(*patterns: str) -> Callable[[Geometry, Geometry], bool]:
    def related(a: Geometry, b: Geometry) -> bool:
        relation = matrix(a, b)
        return any(is_related(relation, pattern) for pattern in patterns)

    return related


def _crosses(a: Geometry, b: Geometry) -> bool:
    """Tell whether they cross: points and lines, points and polygons, in either order."""
    patterns = {True: "T*T******", False: "T*****T**"}
    return a.dimension != b.dimension and is_related(matrix(a, b), patterns[a.dimension < b.dimension])


def _overlaps(a: Geometry, b: Geometry) -> bool:
    return a.dimension == b.dimension and is_related(matrix(a, b), "T*T***T**")


_INTERSECTS = _matches("T********", "*T*******", "***T*****", "****T****")
RELATIONS: dict[str, Callable[[Geometry, Geometry], bool]] = {
    "st_equals": _matches("T*F**FFF*"),
    "st_disjoint": _matches("FF*FF****"),
    "st_intersects": _INTERSECTS,
    "geo.intersects": _INTERSECTS,
    "st_touches": _matches("FT*******", "F**T*****", "F***T****"),
    "st_within": _matches("T*F**F***"),
    "st_contains": _matches("T*****FF*"),
    "st_crosses": _crosses,
    "st_overlaps": _overlaps,
}
