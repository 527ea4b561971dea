"""OGC SensorThings, what its answers say: datastreams, and pages of observations, as rows.

Version 1.1 (OGC 18-088) and the draft of 2.0 (OGC 23-019) differ in names and in how time, unit and links
are written; a ``Dialect`` says how. A page of 1.1 may come in the ``dataArray`` format. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from veracity.canonical import canonical_json
from veracity.errors import Malformed
from veracity.feeds.errors import MalformedDocument
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

MAX_PAGE_BYTES = 33_554_432
MAX_ITEMS = 10_000
MAX_TEXT = 1_024

Row = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """How a version names what pages have: an item's ID, the link to the next page, a phenomenon's time."""

    version: str
    id: str
    next_link: str
    phenomenon_time: str
    expand: str


V1 = Dialect("1.1", "@iot.id", "@iot.nextLink", "phenomenonTime", "Thing($expand=Locations),ObservedProperty")
V2 = Dialect("2.0", "id", "@nextLink", "phenomenonTime/start", "Thing($expand=Locations)")
DIALECTS = {"1.1": V1, "2.0": V2}


@dataclass(frozen=True)
class Datastream:
    """A series of observations: of what, in which unit, at which thing, and where, if that is a point."""

    id: int | str
    name: str | None
    thing: str | None
    observed: str | None
    unit: str | None
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True)
class Page:
    """The items of one page, and the link to the next, None on the last."""

    items: Sequence[Any]
    next_link: str | None


def read_page(document: bytes, dialect: Dialect) -> Page:
    """Parse a page of entities; MalformedDocument if it is none."""
    answer = Fields(
        parse_json(document, "sensorthings", MAX_PAGE_BYTES, MalformedDocument),
        "sensorthings",
        MalformedDocument,
    )
    link = dialect.next_link
    return Page(answer.items("value", MAX_ITEMS), answer.text(link) if link in answer else None)


def read_datastream(item: Any, dialect: Dialect) -> Datastream:
    """Parse an item of ``Datastreams`` with its thing expanded; MalformedDocument if it has no ID."""
    fields = Fields(item, "datastream", MalformedDocument)
    thing = item.get("Thing")
    latitude, longitude = _position(thing)
    if dialect is V1:
        observed, unit = item.get("ObservedProperty"), item.get("unitOfMeasurement")
        observed_name = _text(observed, "name")
        unit_name = _text(unit, "symbol") or _text(unit, "name")
    else:
        result_type = item.get("resultType")
        uom = result_type.get("uom") if isinstance(result_type, dict) else None
        observed_name = _text(result_type, "label") or _text(result_type, "definition")
        unit_name = _text(uom, "code") or _text(uom, "href")
    return Datastream(
        _id(fields, dialect.id),
        _text(item, "name"),
        _text(thing, "name"),
        observed_name,
        unit_name,
        latitude,
        longitude,
    )


def observation_rows(document: bytes, datastream: Datastream, dialect: Dialect) -> tuple[list[Row], Page]:
    """Return the rows of a page of observations of one datastream, in their order, and the page.

    An observation without a time of its phenomenon is left out: it cannot be placed in time.

    Raises
    ------
    MalformedDocument
        If it is no such page, or an item is no observation.
    """
    page = read_page(document, dialect)
    rows = []
    for item in _observations(page):
        fields = Fields(item, "observation", MalformedDocument)
        start, end = _times(fields, "phenomenonTime")
        if start is None:
            continue
        value = fields.take("result")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        rows.append(
            {
                "datastream": str(datastream.id),
                "observed_at": start,
                "observed_until": end,
                "result_at": _times(fields, "resultTime")[0],
                "observation": str(_id(fields, dialect.id)) if dialect.id in fields else None,
                "name": datastream.name,
                "thing": datastream.thing,
                "observed": datastream.observed,
                "unit": datastream.unit,
                "result": value if is_number else None,
                "result_text": None if is_number or value is None else _as_text(value),
                "latitude": datastream.latitude,
                "longitude": datastream.longitude,
            }
        )
    return rows, page


def _observations(page: Page) -> Iterator[Any]:
    """Yield observations, those in the ``dataArray`` format with the names of their components."""
    for item in page.items:
        if not isinstance(item, dict) or "dataArray" not in item:
            yield item
            continue
        fields = Fields(item, "dataArray", MalformedDocument)
        names = fields.items("components", 64)
        for values in fields.items("dataArray", MAX_ITEMS):
            if not isinstance(values, list) or len(values) != len(names):
                raise fields.fail("dataArray", f"arrays of {len(names)}", values)
            named = {str(name): value for name, value in zip(names, values, strict=True)}
            yield {("@iot.id" if name == "id" else name): value for name, value in named.items()}


def _times(fields: Fields, name: str) -> tuple[str | None, str | None]:
    """Return beginning and end of an instant, of an interval as text, or of an object of the two."""
    value = fields.take(name) if name in fields else None
    if isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
    elif isinstance(value, str):
        start, _, end = value.partition("/")
    else:
        start, end = value, None
    return _time(fields, name, start), _time(fields, name, end or None)


def _time(fields: Fields, name: str, value: Any) -> str | None:
    if value is None:
        return None
    try:
        if not isinstance(value, str) or len(value) > 40:
            raise ValueError(value)
        time = datetime.fromisoformat(value)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise fields.fail(name, "a time such as 2026-09-01T00:00:00Z", value) from exc
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"  # so written, they sort


def _id(fields: Fields, name: str) -> int | str:
    value = fields.take(name)
    if isinstance(value, bool) or not isinstance(value, (int, str)) or len(str(value)) > 256 or value == "":
        raise fields.fail(name, "a number or a text", value)
    return value


def _text(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found[:MAX_TEXT] if isinstance(found, str) and found else None


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    else:
        try:
            text = canonical_json(value).decode()
        except Malformed as exc:
            raise MalformedDocument(f"observation.result: want JSON, got: {exc}") from exc
    if len(text) > 16 * MAX_TEXT:
        raise MalformedDocument(
            f"observation.result: want at most {16 * MAX_TEXT} characters, got {len(text)}"
        )
    return text


def _position(thing: Any) -> tuple[float | None, float | None]:
    """Return latitude and longitude of a thing's first location that is a GeoJSON point."""
    locations = thing.get("Locations") if isinstance(thing, dict) else None
    for location in locations if isinstance(locations, list) else []:
        shape = location.get("location") if isinstance(location, dict) else None
        if isinstance(shape, dict) and shape.get("type") == "Feature":
            shape = shape.get("geometry")
        point = shape.get("coordinates") if isinstance(shape, dict) and shape.get("type") == "Point" else None
        if isinstance(point, list) and len(point) >= 2 and all(_is_degree(c) for c in point[:2]):
            return point[1], point[0]
    return None, None


def _is_degree(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 180
