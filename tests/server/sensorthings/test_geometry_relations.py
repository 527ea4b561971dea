"""Places: the nine relations of Simple Features between a point and anything, and distances."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.server.sensorthings.geometry import distance, length, point_of_geojson
from veracity.server.sensorthings.relations import RELATIONS, is_related, matrix
from veracity.server.sensorthings.wkt import parse_wkt

SQUARE = "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))"


@pytest.mark.parametrize(
    ("point", "other", "true"),
    [
        ("POINT (3 3)", SQUARE, {"st_within", "st_intersects", "geo.intersects"}),
        ("POINT (1.5 1.5)", SQUARE, {"st_disjoint"}),
        ("POINT (1 1.5)", SQUARE, {"st_touches", "st_intersects", "geo.intersects"}),
        ("POINT (0 2)", SQUARE, {"st_touches", "st_intersects", "geo.intersects"}),
        ("POINT (5 5)", SQUARE, {"st_disjoint"}),
        ("POINT (1 1)", "LINESTRING (0 0, 2 2)", {"st_within", "st_intersects", "geo.intersects"}),
        ("POINT (0 0)", "LINESTRING (0 0, 2 2)", {"st_touches", "st_intersects", "geo.intersects"}),
        (
            "POINT (1 2)",
            "POINT (1 2)",
            {"st_equals", "st_within", "st_contains", "st_intersects", "geo.intersects"},
        ),
        ("POINT (1 2)", "POINT (1 3)", {"st_disjoint"}),
        ("POINT (1 2)", "MULTIPOINT ((1 2), (3 4))", {"st_within", "st_intersects", "geo.intersects"}),
        ("MULTIPOINT (1 2, 9 9)", "POINT (1 2)", {"st_contains", "st_intersects", "geo.intersects"}),
        (SQUARE, "POINT (3 3)", {"st_contains", "st_intersects", "geo.intersects"}),
        ("POINT (0 0)", "LINESTRING (0 0, 1 0, 1 1, 0 0)", {"st_within", "st_intersects", "geo.intersects"}),
        ("POINT (9 9)", f"MULTI{SQUARE.replace('((', '(((', 1)}), ((8 8, 10 8, 10 10, 8 8)))", None),
    ],
)
def test_relations_are_those_of_simple_features(point: str, other: str, true: set[str] | None) -> None:
    """Inside, on the boundary and outside of points, lines and polygons with holes."""
    a = parse_wkt(point)
    try:
        b = parse_wkt(other)
    except ValueError:
        assert true is None
        return
    found = {name for name, relation in RELATIONS.items() if relation(a, b)}
    assert true is None or found == true


def test_a_matrix_can_be_asked_for() -> None:
    """``st_relate`` compares the whole matrix with a pattern."""
    inside = matrix(parse_wkt("POINT (3 3)"), parse_wkt(SQUARE))
    assert inside == "0FFFFF212"
    assert is_related(inside, "T*F**F***")
    assert matrix(parse_wkt(SQUARE), parse_wkt("POINT (3 3)")) == "0F2FF1FF2"
    assert not is_related(inside, "T*T******")
    with pytest.raises(ValueError, match="point"):
        matrix(parse_wkt(SQUARE), parse_wkt(SQUARE))


def test_distances_are_in_degrees() -> None:
    """To the nearest of a geometry; nothing within."""
    assert distance(parse_wkt("POINT (0 3)"), parse_wkt("POINT (4 0)")) == 5
    assert distance(parse_wkt("LINESTRING (1 1, 1 5)"), parse_wkt("POINT (3 3)")) == 2
    assert distance(parse_wkt("POINT (3 3)"), parse_wkt(SQUARE)) == 0
    assert distance(parse_wkt("POINT (1.5 1.5)"), parse_wkt(SQUARE)) == 0.5
    assert length(parse_wkt("LINESTRING (0 0, 3 4, 3 5)")) == 6


def test_places_come_as_geojson() -> None:
    """A point, or a feature that is one; anything else is no place here."""
    point = {"type": "Point", "coordinates": [108.2, 16.1]}
    assert point_of_geojson(point) == parse_wkt("POINT (108.2 16.1)")
    assert point_of_geojson({"type": "Feature", "geometry": point}) == parse_wkt("POINT (108.2 16.1)")
    assert point_of_geojson({"type": "Feature", "geometry": None}) is None
    assert point_of_geojson("POINT (1 2)") is None


@given(st.text(alphabet="POINTLGEDM()0123456789 .,-eESRID=;;", max_size=60))
def test_any_text_is_a_geometry_or_a_value_error(text: str) -> None:
    """No text makes an error of another kind."""
    with suppress(ValueError):
        parse_wkt(text)
