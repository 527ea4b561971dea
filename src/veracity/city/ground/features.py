"""The invented ground as GeoJSON: wards, woods, towns, rivers and roads of a city that does not exist."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from veracity.city.clock import Floats
from veracity.city.ground.lines import rivers, roads, rounded, to_degrees
from veracity.city.ground.mesh import Polygon
from veracity.city.ground.terrain import BEYOND, Terrain, make_terrain
from veracity.city.stations import stations

_STREAM = 0x67726E64  # of chance, beside those of the twin
_DIGITS = 4  # of a degree: eleven metres
_WIDTHS_M = (60, 120, 200, 300, 420)  # of a river, from its source to its mouth


def invent(seed: int) -> dict[str, Any]:
    """Return the ground of the built-in city as a FeatureCollection, the same to the bit for one seed."""
    rng = np.random.default_rng([seed, _STREAM])
    of = stations()
    courses = rivers(rng, of)
    terrain = make_terrain(rng, of, list(courses.values()))
    features = [
        *_areas("beyond", terrain.mesh.polygons(terrain.wards, BEYOND)),
        *_wards(terrain),
        *_areas("wood", terrain.mesh.polygons(terrain.is_wood, True)),
        *_areas("town", terrain.mesh.polygons(terrain.is_town, True)),
    ]
    for course in courses.values():
        on = rounded(course)
        part = -(-len(on) // len(_WIDTHS_M))
        for i, width_m in enumerate(_WIDTHS_M):
            features.append(_line(on[i * part : (i + 1) * part + 1], kind="water", width_m=width_m))
    features += [_line(road, kind="road") for road in roads(rng, of)]
    return {"type": "FeatureCollection", "simulated": True, "features": features}


def _wards(terrain: Terrain) -> Iterable[dict[str, Any]]:
    for ward in range(max(terrain.wards) + 1):
        name = {"name": terrain.names[ward]} if ward < len(terrain.names) else {}
        yield from _areas("ward", terrain.mesh.polygons(terrain.wards, ward), **name)


def _areas(kind: str, polygons: list[Polygon], **more: Any) -> Iterable[dict[str, Any]]:
    for polygon in polygons:
        rings = [_positions(np.array(ring)) for ring in polygon]
        yield _feature("Polygon", rings, kind=kind, **more)


def _line(line: Floats, **properties: Any) -> dict[str, Any]:
    return _feature("LineString", _positions(line), **properties)


def _feature(shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": shape, "coordinates": coordinates},
        "properties": properties,
    }


def _positions(km: Floats) -> list[list[float]]:
    """Return positions in degrees, rounded, none twice in a row."""
    found = to_degrees(km).round(_DIGITS).tolist()
    return [at for i, at in enumerate(found) if i == 0 or at != found[i - 1]]
