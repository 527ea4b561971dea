"""The built-in city's ground: invented from its seed, said to be so, and its stations are in their places."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plane import crossings
from veracity.city import stations, stations_of
from veracity.city.ground import lay_ground
from veracity.city.ground.features import invent
from veracity.city.ground.lines import along, to_km
from veracity.city.ground.mesh import area, is_inside
from veracity.home.ground import read_ground

SEEDS = (1, 3, 42, 2**63 - 1)
NOW = datetime(2026, 9, 14, 17, tzinfo=UTC)
MOST_BYTES = 130_000


@pytest.fixture(scope="module", params=SEEDS)
def features(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The features of one seed's ground."""
    found: list[dict[str, Any]] = invent(request.param)["features"]
    return found


def rings_of(features: list[dict[str, Any]], *kinds: str) -> list[list[list[float]]]:
    return [ring for f in of_kind(features, *kinds) for ring in f["geometry"]["coordinates"]]


def of_kind(features: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [f for f in features if f["properties"]["kind"] in kinds]


def wards_at(features: list[dict[str, Any]], at: tuple[float, float]) -> list[dict[str, Any]]:
    """The wards in which a place is: an odd number of their rings is around it."""
    return [
        ward
        for ward in of_kind(features, "ward")
        if sum(is_inside(ring, at) for ring in ward["geometry"]["coordinates"]) % 2 == 1
    ]


def test_each_station_stands_in_the_ward_of_its_name(features: list[dict[str, Any]]) -> None:
    """Or in one next to it, where a place is at the edge of its own; on land always, and in one ward only."""
    elsewhere = []
    for station in stations():
        (ward,) = wards_at(features, (station.lon, station.lat))
        if ward["properties"].get("name") != station.place:
            elsewhere.append(station.id)
    assert len(elsewhere) <= 5, elsewhere
    names = [ward["properties"]["name"] for ward in of_kind(features, "ward") if "name" in ward["properties"]]
    assert sorted(names) == sorted({s.place for s in stations()})


def test_gauges_stand_by_their_river(features: list[dict[str, Any]]) -> None:
    """Within half a kilometre of its line; and every river ends in the sea."""
    reaches = [np.array(f["geometry"]["coordinates"]) for f in of_kind(features, "water")]
    on = np.vstack([along(to_km(reach), 0.05) for reach in reaches])
    for gauge in stations_of("hydrology"):
        at = to_km(np.array([[gauge.lon, gauge.lat]]))
        assert np.hypot(*(on - at).T).min() < 0.5, gauge.id
    widest = max(f["properties"]["width_m"] for f in of_kind(features, "water"))
    mouths = [f for f in of_kind(features, "water") if f["properties"]["width_m"] == widest]
    assert len(mouths) == 2
    for mouth in mouths:
        assert wards_at(features, tuple(mouth["geometry"]["coordinates"][-1])) == []


def test_roads_stay_on_land(features: list[dict[str, Any]]) -> None:
    """Every point of each is in a ward."""
    roads = of_kind(features, "road")
    assert len(roads) > 30
    for road in roads:
        for at in road["geometry"]["coordinates"]:
            assert wards_at(features, tuple(at)), at


def test_areas_are_good_polygons(features: list[dict[str, Any]]) -> None:
    """Closed rings that cross neither themselves nor one another, outer ones counter-clockwise."""
    for feature in of_kind(features, "beyond", "ward", "wood", "town"):
        outer, *holes = feature["geometry"]["coordinates"]
        assert all(ring[0] == ring[-1] and len(ring) > 3 for ring in (outer, *holes))
        assert crossings([outer, *holes]) == 0, feature["properties"]
        assert area(outer) > 0
        assert all(area(hole) < 0 and is_inside(outer, tuple(hole[0])) for hole in holes)


def test_wards_share_the_city_out(features: list[dict[str, Any]]) -> None:
    """No point is in two of them; between them is no gap: most of a ward's border is its neighbours'."""
    rng = np.random.default_rng(5)
    for at in rng.uniform((107.6, 15.3), (108.8, 16.2), (300, 2)).tolist():
        assert len(wards_at(features, tuple(at))) <= 1
    rings = rings_of(features, "ward", "beyond")
    points = [tuple(at) for ring in rings for at in ring[:-1]]
    assert len(set(points)) < 0.75 * len(points)


def test_one_seed_is_one_ground_and_another_another() -> None:
    """To the byte."""
    one = json.dumps(invent(1))
    assert one == json.dumps(invent(1))
    assert one != json.dumps(invent(2))


@pytest.mark.parametrize("seed", SEEDS)
def test_it_goes_in_by_the_door_and_says_what_it_is(tmp_path: Path, seed: int) -> None:
    """As any city's ground does: read again it is the same, simulated, and small."""
    made = lay_ground(tmp_path, seed, NOW)
    assert read_ground(tmp_path) == made
    assert made.simulated
    assert made.source == f"Veracity, built-in city, seed {seed}"
    assert len(made.body) < MOST_BYTES
    assert json.loads(made.body)["features"] == invent(seed)["features"]
