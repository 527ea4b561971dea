"""Geographic queries on points: each relation, distances in metres, hostile input."""

import json

import numpy as np
import pytest

from veracity.server.ngsi_ld.errors import BadRequestData
from veracity.server.ngsi_ld.geo_query import parse_geo

LON = np.array([0.0, 1.0, 2.0, 5.0, np.nan])
LAT = np.array([0.0, 1.0, 0.5, 5.0, np.nan])
SQUARE = [[[-0.5, -0.5], [3, -0.5], [3, 3], [-0.5, 3], [-0.5, -0.5]]]
HOLED = [*SQUARE, [[0.5, 0.75], [1.5, 0.75], [1.5, 1.5], [0.5, 1.5], [0.5, 0.75]]]


def chosen(georel: str, geometry: str, coordinates: object) -> list[int]:
    """The numbers of the points that a query chooses."""
    query = parse_geo(georel, geometry, json.dumps(coordinates))
    return np.flatnonzero(query.matches(LON, LAT)).tolist()


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "want"),
    [
        ("within", "Polygon", SQUARE, [0, 1, 2]),
        ("within", "Polygon", HOLED, [0, 2]),
        ("intersects", "Polygon", SQUARE, [0, 1, 2]),
        ("disjoint", "Polygon", SQUARE, [3]),  # a point that is nowhere is not elsewhere
        ("within", "MultiPolygon", [SQUARE, [[[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]]], [0, 1, 2, 3]),
        ("equals", "Point", [1, 1], [1]),
        ("contains", "Point", [1, 1], [1]),
        ("overlaps", "Polygon", SQUARE, []),
        ("intersects", "MultiPoint", [[1, 1], [5, 5], [7, 7]], [1, 3]),
        ("near;maxDistance==111200", "Point", [0, 1], [0, 1]),
        ("near;maxDistance==111100", "Point", [0, 1], []),
        ("near;minDistance==200000", "Point", [0, 0], [2, 3]),
    ],
)
def test_what_a_place_chooses(georel: str, geometry: str, coordinates: object, want: list[int]) -> None:
    """A degree is 111.2 km on a sphere of the Earth's mean radius."""
    assert chosen(georel, geometry, coordinates) == want


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates"),
    [
        ("beside", "Point", "[0,0]"),
        ("within;maxDistance==1", "Point", "[0,0]"),
        ("near", "Point", "[0,0]"),
        ("near;maxDistance==far", "Point", "[0,0]"),
        ("near;maxDistance==-1", "Point", "[0,0]"),
        ("near;maxDistance==inf", "Point", "[0,0]"),
        ("near;maxDistance==1", "Polygon", json.dumps(SQUARE)),
        ("within", "Circle", "[0,0]"),
        ("within", None, "[0,0]"),
        ("within", "Point", None),
        ("within", "Point", "0,0"),
        ("within", "Point", "[" * 100_000),
        ("within", "Point", "[181,0]"),
        ("within", "Point", '["0","0"]'),
        ("within", "Point", "[true,false]"),
        ("within", "Point", "[NaN,0]"),
        ("within", "Polygon", "[[[0,0],[1,1],[0,0]]]"),
        ("within", "Polygon", "[[[0,0],[1,1],[1,0],[0,1]]]"),
        ("within", "Polygon", "[[]]"),
        ("within", "Polygon", "{}"),
        ("within", "MultiPolygon", json.dumps([SQUARE] * 500)),
        ("within", "MultiPoint", json.dumps([[0, 0]] * 2001)),
    ],
)
def test_what_is_no_place_is_refused(georel: str, geometry: str | None, coordinates: str | None) -> None:
    """With our own error, and soon."""
    with pytest.raises(BadRequestData):
        parse_geo(georel, geometry, coordinates)
