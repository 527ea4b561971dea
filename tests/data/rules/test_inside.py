"""Inside: boxes, polygons and circles, against plain arithmetic."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.errors import MalformedContract
from veracity.data.rules.area import Polygon
from veracity.data.rules.inside import read_inside
from veracity.data.rules.parameters import Parameters, Scope

SCOPE = Scope({"lat": "number", "lon": "number", "name": "string"})


def outside(positions: Sequence[tuple[float | None, float | None]], **area: object) -> list[bool | None]:
    p = Parameters("here", {"latitude": "lat", "longitude": "lon", **area})
    rule = read_inside(SCOPE, p)
    p.done()
    assert rule.columns == ("lon", "lat")
    rows = pl.DataFrame(positions, schema={"lon": pl.Float64, "lat": pl.Float64}, orient="row")
    return rows.select(rule.broken().alias("x"))["x"].to_list()


def test_a_box_holds_its_border() -> None:
    """Corners and edges are inside; a step beyond is not; without a position nothing is asked."""
    points = [(1.0, 2.0), (3.0, 4.0), (2.0, 3.0), (0.99, 3.0), (2.0, 4.01), (None, 3.0), (2.0, None)]
    assert outside(points, box=[1, 2, 3, 4]) == [False, False, False, True, True, None, None]


def test_a_box_may_span_the_180th_meridian() -> None:
    """West greater than east goes round by 180."""
    points = [(179.0, 0.0), (-179.0, 0.0), (0.0, 0.0), (177.0, 0.0)]
    assert outside(points, box=[178, -10, -178, 10]) == [False, False, True, True]


def test_a_polygon_holds_its_border_and_not_its_bay() -> None:
    """A ring with a bay: the point in the bay is outside, corners and edges are inside."""
    ring = [[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]]
    points = [(1.0, 1.0), (2.0, 2.0), (2.0, 1.0), (4.0, 2.0), (0.0, 0.0), (4.0, 4.0), (5.0, 4.0), (-1.0, 0.0)]
    assert outside([*points], polygon=ring) == [False, True, False, False, False, False, True, True]
    assert outside([*points], polygon=[*ring, ring[0]]) == outside([*points], polygon=ring)
    assert outside([*points], polygon=ring[::-1]) == outside([*points], polygon=ring)


def test_a_ring_round_the_180th_meridian_is_refused() -> None:
    """An edge longer than 180 degrees means the other way round: nobody knows which."""
    with pytest.raises(MalformedContract, match="180th meridian"):
        outside([], polygon=[[170, 0], [-170, 0], [-170, 10]])


@pytest.mark.parametrize("where", [(108.2, 16.06), (179.99, -17.0), (0.0, 89.9), (-70.0, -60.0)])
@pytest.mark.parametrize("radius_km", [0.5, 25.0, 3_000.0, 15_000.0])
def test_a_circle_is_as_large_as_it_says(where: tuple[float, float], radius_km: float) -> None:
    """Against the haversine formula: all points farther from the edge than 3 m are told rightly."""
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(-180, 180, 4_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 4_000)))
    near = rng.normal(0, radius_km / 80, (4_000, 2))
    lon = np.concatenate([lon, np.clip(where[0] + near[:, 0], -180, 180)])
    lat = np.concatenate([lat, np.clip(where[1] + near[:, 1], -90, 90)])
    x, y, x0, y0 = (np.radians(degrees) for degrees in (lon, lat, where[0], where[1]))
    half = np.sin((y - y0) / 2) ** 2 + np.cos(y) * np.cos(y0) * np.sin((x - x0) / 2) ** 2
    far_km = 2 * 6_371.009 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    circle = {"longitude": where[0], "latitude": where[1], "radius_km": radius_km}
    said = np.array(outside(list(zip(lon.tolist(), lat.tolist(), strict=True)), circle=circle))
    sure = np.abs(far_km - radius_km) > 0.003
    assert np.array_equal(said[sure], (far_km > radius_km)[sure])
    assert sure.mean() > 0.95


def test_what_is_not_on_the_globe_is_in_no_circle() -> None:
    """Latitudes beyond 90 and longitudes beyond 180 are faults, not the other side."""
    circle = {"longitude": 0, "latitude": 80, "radius_km": 20_000}
    assert outside([(0.0, 95.0), (181.0, 80.0), (180.0, 80.0)], circle=circle) == [True, True, False]


@pytest.mark.parametrize(
    "area",
    [
        {},
        {"box": [1, 2, 3, 4], "circle": {"longitude": 1, "latitude": 1, "radius_km": 1}},
        {"box": [1, 2, 3]},
        {"box": [1, 4, 3, 2]},
        {"box": [1, 2, 3, float("nan")]},
        {"box": [1, 2, 3, 10**400]},
        {"box": [1, 2, 3, "4"]},
        {"box": [-200, 0, 0, 1]},
        {"box": "1 2 3 4"},
        {"polygon": [[0, 0], [1, 1]]},
        {"polygon": [[0, 0], [1, 1], [2, 2]]},
        {"polygon": [[0, 0], [0, 0], [0, 0]]},
        {"polygon": [[0, 0], [1, 1], [2]]},
        {"polygon": [[0, 0], [1, 1], [2, 91]]},
        {"polygon": [[0, 0]] * 10_001},
        {"circle": {"longitude": 1, "latitude": 1}},
        {"circle": {"longitude": 1, "latitude": 1, "radius_km": 0}},
        {"circle": {"longitude": 1, "latitude": 1, "radius_km": 1, "radius_m": 1}},
        {"circle": [1, 1, 1]},
        {"box": [1, 2, 3, 4], "latitude": "name"},
        {"box": [1, 2, 3, 4], "latitude": ["lat"]},
    ],
)
def test_an_area_that_is_none_is_refused(area: dict[str, object]) -> None:
    """No area, two, one of nothing, one off the globe."""
    with pytest.raises(MalformedContract):
        outside([(1.0, 1.0)], **area)


whole = st.integers(-6, 6).map(float)


@settings(deadline=None, max_examples=200)
@given(ring=st.lists(st.tuples(whole, whole), min_size=3, max_size=12), x=whole, y=whole)
def test_a_polygon_counts_crossings(ring: list[tuple[float, float]], x: float, y: float) -> None:
    """Against a plain loop in exact integers, corners, edges and self-crossings among them."""
    said = bool(Polygon(tuple(ring)).holds(np.array([x]), np.array([y]))[0])
    crossings, on_edge = 0, False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        on_edge |= side == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)
        if (y1 <= y) != (y2 <= y):
            crossings += x1 + (y - y1) * (x2 - x1) / (y2 - y1) < x
    assert said == (on_edge or crossings % 2 == 1)


def test_a_large_ring_over_many_points_is_cut_into_pieces() -> None:
    """10,000 corners of a circle: points a hair inside and outside are told."""
    turn = np.linspace(0, 2 * math.pi, 10_000, endpoint=False)
    ring = Polygon(tuple(zip(np.cos(turn).tolist(), np.sin(turn).tolist(), strict=True)))
    at = np.linspace(0.1, 6.1, 500)
    assert ring.holds(np.cos(at) * 0.999, np.sin(at) * 0.999).all()
    assert not ring.holds(np.cos(at) * 1.001, np.sin(at) * 1.001).any()
