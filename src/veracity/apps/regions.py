"""Regions of a city, such as wards, from GeoJSON (RFC 7946): polygons with a code, a name and a point."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import orjson

from veracity.apps.errors import MalformedRegions
from veracity.models.panel_array import Floats
from veracity.models.view import Place

REGIONS_BYTES = 64_000_000
MAX_REGIONS = 20_000
MAX_RINGS = 50_000  #: of all regions together


def parse_regions(text: bytes) -> list[Place]:
    """Read the polygons of a FeatureCollection.

    ``code`` and ``name`` are taken from the properties of those names (the feature's number stands for
    a missing code), the point from ``lon`` and ``lat``, or else it is the middle of the largest ring.

    Raises
    ------
    MalformedRegions
        If it is no such collection, or a coordinate is no degree.
    """
    if len(text) > REGIONS_BYTES:
        raise MalformedRegions(f"regions: want at most {REGIONS_BYTES:,} bytes, got {len(text):,}")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise MalformedRegions(f"regions: want GeoJSON, got {exc}") from exc
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not 0 < len(features) <= MAX_REGIONS:
        raise MalformedRegions(f"regions: want 1 to {MAX_REGIONS:,} features, got {str(features)[:40]}")
    places: list[Place] = []
    n_rings = 0
    for number, feature in enumerate(features):
        places.append(_place(number, feature, MAX_RINGS - n_rings))
        n_rings += len(places[-1].rings)
    return places


def _place(number: int, feature: Any, most_rings: int) -> Place:
    where = f"regions, feature {number}"
    properties = feature.get("properties") if isinstance(feature, dict) else None
    properties = properties if isinstance(properties, dict) else {}
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    rings = list(islice(_rings(where, geometry), most_rings + 1))
    if len(rings) > most_rings:
        raise MalformedRegions(f"{where}: want at most {MAX_RINGS:,} rings in all regions, got more")
    lon, lat = (properties.get(name) for name in ("lon", "lat"))
    if lon is None or lat is None or not (_is_degree(lon, 180) and _is_degree(lat, 90)):
        largest = max(rings, key=lambda ring: float(np.prod(np.ptp(ring, axis=0))))
        lon, lat = (largest.max(axis=0) + largest.min(axis=0)) / 2
    code = str(properties.get("code", number))[:64]
    return Place(code, str(properties.get("name", code))[:120], float(lon), float(lat), rings)


def _rings(where: str, geometry: Any) -> Iterator[Floats]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise MalformedRegions(f"{where}: want a Polygon or a MultiPolygon, got {str(kind)[:40]}")
    polygons = geometry.get("coordinates")
    found = 0
    for polygon in [polygons] if kind == "Polygon" else polygons if isinstance(polygons, list) else []:
        for ring in polygon if isinstance(polygon, list) else []:
            yield _ring(where, ring)
            found += 1
    if not found:
        raise MalformedRegions(f"{where}: want at least one ring, got none")


def _ring(where: str, ring: Any) -> Floats:
    try:
        points = np.array([point[:2] for point in ring], np.float64)
    except (TypeError, ValueError, LookupError) as exc:
        raise MalformedRegions(f"{where}: want rings of lon and lat, got {str(ring)[:40]}") from exc
    shaped = points.ndim == 2 and points.shape[0] >= 4 and points.shape[1] == 2
    if not shaped or not np.all(np.abs(points) <= [180.0, 90.0]):
        raise MalformedRegions(
            f"{where}: want rings of 4 or more lon and lat in degrees, got {str(ring)[:40]}"
        )
    return points


def _is_degree(value: Any, most: float) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) <= most
    )
