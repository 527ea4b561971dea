"""How two geometries lie to each other: the nine relations of Simple Features (OGC 06-103r4, 6.1.15). Pure.

Every place that this server has is a point. So the relations are those between a point and anything, which
follow exactly from whether the point is in the interior, on the boundary or outside.
"""

from collections.abc import Callable

from veracity.server.sensorthings.geometry import Geometry, Point, ends, locate


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
        boundary = "1" if other.dimension == 2 else "0" if ends(other) - {point} else "F"
    return "".join("0" if where == w else "F" for w in "IBE") + "FFF" + rest + boundary + "2"


def is_related(relation: str, pattern: str) -> bool:
    """Tell whether a matrix matches a pattern of ``T F * 0 1 2``."""
    return all(p == "*" or p == r or (p == "T" and r != "F") for r, p in zip(relation, pattern, strict=True))


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
