"""The ground under a city's map: ``ground.geojson`` in the home, lines and areas of GeoJSON (RFC 7946).

It is a backdrop, no measurement: it is not sealed, and no number rests on it. Who looks at it is told its
digest, its source and its licence. What is imported is written anew: WGS 84, six decimals (a tenth of a
metre), geometries and plain properties, and whether the file says that it is ``simulated``; nothing else.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from veracity.feeds.file_info import read_file
from veracity.home.clock import format_time
from veracity.home.directory import usable, write_whole
from veracity.home.errors import HomeUnusable, MalformedGround

FILE = "ground.geojson"
MAX_FILE_BYTES = 32 * 1024 * 1024  #: of what is imported
MAX_BYTES = 8 * 1024 * 1024  #: of what is kept
MAX_FEATURES = 5_000
MAX_POSITIONS = 400_000
MAX_PROPERTIES = 32
MAX_TEXT = 256  #: characters of a property, a source, a licence
#: types of geometry and how deep their positions are
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_MEMBERS = {"type", "bbox", "source", "licence", "imported_at", "features"}
_SIMULATED = {"simulated": True}  # a member of an invented ground; others have none


@dataclass(frozen=True)
class Ground:
    """A city's ground: ``body`` is what is kept and served, ``bbox`` west, south, east, north in degrees."""

    body: bytes = field(repr=False)
    sha256: str
    n_features: int
    bbox: tuple[float, float, float, float]
    source: str | None
    licence: str | None
    imported_at: str
    simulated: bool = False


def import_ground(root: Path, path: Path, source: str | None, licence: str | None, now: datetime) -> Ground:
    """Take a GeoJSON file as the ground of the city that lives in ``root``; it replaces the one before.

    Raises
    ------
    MalformedGround
        If it is no FeatureCollection of lines, areas and points in degrees, or is too large.
    """
    document = _collection(_loaded(read_file(path, MAX_FILE_BYTES), str(path)))
    about = {"source": _text("source", source), "licence": _text("licence", licence)}
    features = document["features"]
    body = orjson.dumps(
        {
            "type": "FeatureCollection",
            "bbox": list(_box(features)),
            **about,
            "imported_at": format_time(now),
            **(_SIMULATED if document["simulated"] else {}),
            "features": features,
        }
    )
    if len(body) > MAX_BYTES:
        raise MalformedGround(
            f"ground: want at most {MAX_BYTES:,} bytes, got {len(body):,}: simplify the lines"
        )
    with usable(root):
        write_whole(root / FILE, body)
    return parse_ground(body)


def remove_ground(root: Path) -> bool:
    """Take the ground away; tell whether there was one."""
    with usable(root):
        try:
            (root / FILE).unlink()
        except FileNotFoundError:
            return False
    return True


def read_ground(root: Path) -> Ground | None:
    """Return a city's ground; None where there is none.

    Raises
    ------
    MalformedGround
        If the file is not as ``import_ground`` writes it.
    HomeUnusable
        If it cannot be read.
    """
    try:
        with (root / FILE).open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HomeUnusable(f"ground: want to read {FILE}, got {exc.strerror or exc}") from exc
    return parse_ground(body)


def parse_ground(body: bytes) -> Ground:
    """Read what ``import_ground`` wrote; errors as ``read_ground``."""
    if len(body) > MAX_BYTES:
        raise MalformedGround(f"ground: want at most {MAX_BYTES:,} bytes, got more")
    document = _loaded(body, FILE)
    if not isinstance(document, dict) or set(document) - {"simulated"} != _MEMBERS:
        raise MalformedGround(f"ground: want {', '.join(sorted(_MEMBERS))} in {FILE}: import it")
    found = _collection(document)
    imported_at = document["imported_at"]
    if found["features"] != document["features"] or not isinstance(imported_at, str):
        raise MalformedGround(f"ground: want {FILE} as it was imported, got another")
    return Ground(
        body,
        hashlib.sha256(body).hexdigest(),
        len(found["features"]),
        _box(found["features"]),
        _text("source", document["source"]),
        _text("licence", document["licence"]),
        imported_at[:64],
        found["simulated"],
    )


def _loaded(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise MalformedGround(f"ground: want GeoJSON in {where}, got {exc}") from exc


def _collection(document: Any) -> dict[str, Any]:
    features = document.get("features") if isinstance(document, dict) else None
    is_collection = isinstance(document, dict) and document.get("type") == "FeatureCollection"
    if not is_collection or not isinstance(features, list) or not 0 < len(features) <= MAX_FEATURES:
        raise MalformedGround(f"ground: want a FeatureCollection of 1 to {MAX_FEATURES:,}, got another")
    _check_crs(document)
    room, made = MAX_POSITIONS, []
    for number, feature in enumerate(features):
        one, room = _feature(number, feature, room)
        made.append(one)
    return {"type": "FeatureCollection", "simulated": document.get("simulated") is True, "features": made}


def _check_crs(document: dict[str, Any]) -> None:
    """Refuse a coordinate system that is named and is not WGS 84; RFC 7946 knows no other."""
    crs = document.get("crs")
    name = crs.get("properties", {}).get("name") if isinstance(crs, dict) else None
    if crs is not None and not str(name).endswith((":CRS84", "EPSG::4326", "EPSG:4326")):
        raise MalformedGround(f"ground: want longitude and latitude (WGS 84), got {str(name)[:60]!r}")


def _feature(number: int, feature: Any, room: int) -> tuple[dict[str, Any], int]:
    where = f"ground, feature {number}"
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise MalformedGround(f"{where}: want a Feature, got {str(feature)[:40]!r}")
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or not isinstance(kind, str) or kind not in _DEPTHS:
        raise MalformedGround(f"{where}: want one of {', '.join(_DEPTHS)}, got {str(kind)[:40]!r}")
    positions, room = _positions(where, geometry.get("coordinates"), _DEPTHS[kind], room)
    made = {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": positions},
        "properties": _properties(feature.get("properties")),
    }
    return made, room


def _positions(where: str, given: Any, depth: int, room: int) -> tuple[Any, int]:
    """Return positions of a geometry, two numbers each, and for how many more there is room."""
    if not isinstance(given, list) or not given:
        raise MalformedGround(f"{where}: want positions, got {str(given)[:40]!r}")
    if depth == 0:
        lon, lat = (*given, None)[:2]
        if room <= 0:
            raise MalformedGround(
                f"ground: want at most {MAX_POSITIONS:,} positions, got more: simplify the lines"
            )
        return [_degree(where, lon, 180), _degree(where, lat, 90)], room - 1
    made = []
    for inner in given:
        one, room = _positions(where, inner, depth - 1, room)
        made.append(one)
    return made, room


def _properties(given: Any) -> dict[str, Any]:
    """Return the plain properties of a feature: short texts, numbers, truth values; no others."""
    found: dict[str, Any] = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        is_number = isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**53
        is_short = isinstance(value, str) and len(value) <= MAX_TEXT
        if len(name) <= 64 and (is_number or is_short) and len(found) < MAX_PROPERTIES:
            found[name] = value
    return found


def _box(features: list[dict[str, Any]]) -> tuple[float, float, float, float]:
    lons, lats = zip(*(p for f in features for p in _flat(f["geometry"]["coordinates"])), strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def _flat(positions: Any) -> Iterator[tuple[float, float]]:
    if isinstance(positions[0], list):
        for inner in positions:
            yield from _flat(inner)
    else:
        yield positions[0], positions[1]


def _degree(where: str, value: Any, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= most:
        raise MalformedGround(f"{where}: want longitude and latitude in degrees, got {str(value)[:40]}")
    return round(float(value), 6)


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise MalformedGround(
            f"{name}: want a line of at most {MAX_TEXT} characters, got {str(value)[:40]!r}"
        )
    return value
