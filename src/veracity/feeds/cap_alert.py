"""One alert of the Common Alerting Protocol, as rows: one for each of its infos.

An alert says the same in several languages, or different things for different areas: each time in an info
of its own. An update or a cancellation is an alert like others, which names in ``references`` those that it
takes the place of. What is in force at a time can be told from the rows alone.

References
----------
OASIS, Common Alerting Protocol version 1.2, 1 July 2010.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from veracity.canonical import canonical_json
from veracity.feeds.errors import MalformedDocument
from veracity.feeds.plain_xml import Element, parse_xml
from veracity.feeds.rows import joined, row

MAX_BYTES = 4_194_304
NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.1")
_WHAT = "CAP alert"
_MAX_GEOMETRY = 24_576  # a record has at most 65,536 bytes
_KM_PER_DEGREE = 111.195  # of latitude, on the sphere that CAP's circles are taken on
_Ring = list[tuple[float, float]]


def render_alert(document: bytes) -> list[bytes]:
    """Return the rows of an alert; an alert without an info, such as an acknowledgement, has one row.

    Raises
    ------
    MalformedDocument
        If the document is no CAP alert of version 1.2 or 1.1. What is wrong within one is left to the
        contract; an area that cannot be read is counted.
    """
    alert = parse_xml(document, _WHAT, MAX_BYTES)
    if alert.name != "alert" or alert.namespace not in NAMESPACES:
        raise MalformedDocument(f"{_WHAT}: want an alert of CAP 1.2, got {alert.name[:40]!r}")
    common = _common(alert)
    infos = alert.all("info")
    rows = [common | {"info": i} | _info(info) for i, info in enumerate(infos, 1)]
    return [row(values, whole=("geometry",)) for values in rows or [common | {"info": 0}]]


def _common(alert: Element) -> dict[str, Any]:
    return {
        "sender": alert.first("sender"),
        "identifier": alert.first("identifier"),
        "sent": alert.first("sent"),
        "status": alert.first("status"),
        "msg_type": alert.first("msgType"),
        "scope": alert.first("scope"),
        "source": alert.first("source"),
        "codes": joined(alert.texts("code")),
        "note": alert.first("note"),
        "references": joined((alert.first("references") or "").split()),
        "incidents": alert.first("incidents"),
    }


def _info(info: Element) -> dict[str, Any]:
    areas = info.all("area")
    return {
        "language": info.first("language") or "en-US",
        "category": joined(info.texts("category")),
        "event": info.first("event"),
        "response_type": joined(info.texts("responseType")),
        "urgency": info.first("urgency"),
        "severity": info.first("severity"),
        "certainty": info.first("certainty"),
        "audience": info.first("audience"),
        "event_codes": _named(info.all("eventCode")),
        "effective": info.first("effective"),
        "onset": info.first("onset"),
        "expires": info.first("expires"),
        "sender_name": info.first("senderName"),
        "headline": info.first("headline"),
        "description": info.first("description"),
        "instruction": info.first("instruction"),
        "web": info.first("web"),
        "contact": info.first("contact"),
        "parameters": _named(info.all("parameter")),
        "area": joined((area.first("areaDesc") for area in areas), "; "),
        "geocodes": _named(code for area in areas for code in area.all("geocode")),
        **_places(areas),
    }


def _named(values: Iterable[Element]) -> str | None:
    """Join values that have a name each, as ``name=value``."""
    return joined((f"{v.first('valueName') or ''}={v.first('value') or ''}" for v in values), "; ")


def _places(areas: Sequence[Element]) -> dict[str, Any]:
    """Where: polygons as a GeoJSON geometry, circles as they stand, and the box around both."""
    rings = [_ring(text) for area in areas for text in area.texts("polygon")]
    circles = [_circle(text) for area in areas for text in area.texts("circle")]
    sound = [ring for ring in rings if ring]
    corners = [point for ring in sound for point in ring]
    corners += [corner for circle in circles if circle for corner in _box(*circle)]
    found: dict[str, Any] = {
        "circles": joined((text for area in areas for text in area.texts("circle")), "; "),
        "n_areas": len(areas),
        "n_unreadable_areas": rings.count(None) + circles.count(None),
    }
    if corners:
        lons, lats = zip(*corners, strict=True)
        found |= {"west": min(lons), "south": min(lats), "east": max(lons), "north": max(lats)}
    if sound:
        shape = {"type": "MultiPolygon", "coordinates": [[ring] for ring in sound]}
        text = canonical_json(shape).decode()
        found["geometry"] = text if len(text) <= _MAX_GEOMETRY else None
    return found


def _ring(text: str) -> _Ring | None:
    """Read a polygon, ``latitude,longitude`` with blanks between, closed, as longitudes and latitudes."""
    points = [_point(pair) for pair in text.split()]
    sound = [point for point in points if point is not None]
    is_ring = len(points) == len(sound) >= 4 and sound[0] == sound[-1]
    return sound if is_ring else None


def _circle(text: str) -> tuple[tuple[float, float], float] | None:
    """Read a circle, ``latitude,longitude radius``, the radius in kilometres."""
    centre, _, radius = text.strip().partition(" ")
    point, km = _point(centre), _number(radius)
    return (point, km) if point is not None and km is not None and 0 <= km <= 20_040 else None


def _box(centre: tuple[float, float], km: float) -> list[tuple[float, float]]:
    """Return two corners that a circle lies between."""
    lon, lat = centre
    north = km / _KM_PER_DEGREE
    south_pole, north_pole = lat - north <= -90, lat + north >= 90
    east = 180.0 if south_pole or north_pole else north / math.cos(math.radians(abs(lat) + north))
    west_to = max(lon - east, -180.0), max(lat - north, -90.0)
    return [west_to, (min(lon + east, 180.0), min(lat + north, 90.0))]


def _point(pair: str) -> tuple[float, float] | None:
    north, _, east = pair.partition(",")
    lat, lon = _number(north), _number(east)
    if lat is None or lon is None:
        return None
    return (lon, lat) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


def _number(text: str) -> float | None:
    try:
        value = float(text) if len(text) <= 32 else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
