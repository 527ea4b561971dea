"""NGSI-LD entities (ETSI GS CIM 009) as rows, in any of their three forms. Pure.

*Normalised*: each attribute is an object with its ``type`` and its value. *Concise*: the same without types,
and a bare value where there is nothing else to say. *Simplified* (also called keyValues): bare values alone.
A row has ``entity``, ``type``, ``observed_at``, ``time_from``, and one column an attribute, called by the
last part of its name; a unit given with it is in ``<attribute>_unit``, the point of ``location`` in
``latitude`` and ``longitude``. What is no number, text or boolean is JSON in a text.

When a row was observed is said by, in this order: the attribute that the source names for it (such as
``dateObserved``); the ``observedAt`` of attributes, with a row for each time there is, of the attributes of
that time and those without one; the time of the notification, or of the asking.

Left out: what attributes say besides, and of attributes with several ``datasetId`` all but the one without
one, or the first. All of it is in the document, which is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from veracity.canonical import canonical_json
from veracity.errors import Malformed
from veracity.feeds.errors import MalformedDocument
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

MAX_BYTES = 8_388_608
MAX_ENTITIES = 10_000
MAX_ATTRIBUTES = 500
MAX_TEXT = 16_384
_VALUES = ("value", "object", "languageMap", "json", "vocab", "valueList", "objectList")
_NULL = "urn:ngsi-ld:null"
_NOT_ATTRIBUTES = {"id", "type", "@id", "@type", "@context", "createdAt", "modifiedAt", "scope", "deletedAt"}
_OURS = {"entity", "type", "observed_at", "time_from", "latitude", "longitude"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Attribute:
    """One attribute: its value as a row holds it, when it was observed and its unit, if that is said."""

    name: str
    value: Any
    observed_at: str | None
    unit: str | None


def notification_rows(document: bytes, time: str | None) -> tuple[list[Row], str]:
    """Return the rows of a notification, and the subscription it is of; ``time`` names an attribute.

    Raises
    ------
    MalformedDocument
        If it is no notification, or an entity in it is none.
    """
    fields = Fields(
        parse_json(document, "notification", MAX_BYTES, MalformedDocument), "notification", MalformedDocument
    )
    fields.choice("type", ["Notification"])
    notified_at = _instant(fields, fields.take("notifiedAt"))
    rows = _all_rows(fields.items("data", MAX_ENTITIES), time, notified_at, "notifiedAt")
    return rows, fields.text("subscriptionId")


def query_rows(document: bytes, time: str | None, asked_at: datetime) -> tuple[list[Row], int]:
    """Return the rows of the answer to a query, and how many entities are in it; else as above."""
    answer = parse_json(document, "entities", MAX_BYTES, MalformedDocument)
    if not isinstance(answer, list) or len(answer) > MAX_ENTITIES:
        raise MalformedDocument(f"entities: want an array of at most {MAX_ENTITIES}, got something else")
    at = asked_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return _all_rows(answer, time, at, "asked"), len(answer)


def _all_rows(entities: Sequence[Any], time: str | None, default: str, time_from: str) -> list[Row]:
    return [row for entity in entities for row in _entity_rows(entity, time, default, time_from)]


def _entity_rows(entity: Any, time: str | None, default: str, time_from: str) -> Iterator[Row]:
    fields = Fields(entity, "entity", MalformedDocument)
    kinds = fields.take("type")
    if isinstance(kinds, list) and kinds and all(isinstance(kind, str) for kind in kinds):
        kinds = " ".join(sorted(map(_short, kinds)))
    if not isinstance(kinds, str):
        raise fields.fail("type", "a text, or an array of them", kinds)
    said = {"entity": fields.text("id", 1_024), "type": _short(kinds)}
    attributes = {a.name: a for a in _attributes(entity, fields)}
    chosen = attributes.get(time) if time else None
    if chosen is not None and chosen.value is not None:
        times = {_instant(fields, chosen.value): time}
    else:
        times = {a.observed_at: "observedAt" for a in attributes.values() if a.observed_at is not None}
        times = dict(sorted(times.items())) or {default: time_from}
    for at, source in times.items():
        row: Row = {**said, "observed_at": at, "time_from": source}
        for attribute in attributes.values():
            if source != "observedAt" or attribute.observed_at in (None, at):
                row |= _cells(attribute)
        yield row


def _cells(attribute: Attribute) -> Row:
    if attribute.name == "location":
        position = attribute.value if isinstance(attribute.value, tuple) else (None, None)
        return {"latitude": position[0], "longitude": position[1]}
    name = f"{attribute.name}_" if attribute.name in _OURS else attribute.name
    return {name: attribute.value} | ({f"{name}_unit": attribute.unit} if attribute.unit else {})


def _attributes(entity: Mapping[str, Any], fields: Fields) -> Iterator[Attribute]:
    """Yield the attributes, each under a short name unless two would have the same."""
    names = [name for name in entity if name not in _NOT_ATTRIBUTES]
    if len(names) > MAX_ATTRIBUTES:
        raise MalformedDocument(f"entity: want at most {MAX_ATTRIBUTES} attributes, got {len(names)}")
    short = [_short(name) for name in names]
    for name in names:
        called = _short(name) if short.count(_short(name)) == 1 else name
        yield _attribute(called, _one_of(entity[name]), fields)


def _attribute(name: str, said: Any, fields: Fields) -> Attribute:
    key = next((k for k in _VALUES if k in said), None) if isinstance(said, dict) else None
    if key is None:
        return Attribute(name, _plain(name, said), None, None)
    observed = said.get("observedAt")
    observed_at = None if observed is None else _instant(fields, observed)
    unit = said.get("unitCode")
    return Attribute(name, _plain(name, said[key]), observed_at, unit if isinstance(unit, str) else None)


def _one_of(said: Any) -> Any:
    """Return the instance of an attribute that has several: the default one, or the first."""
    if isinstance(said, dict) and set(said) == {"dataset"} and isinstance(said["dataset"], dict):
        several = said["dataset"]
        return several.get("@none", next(iter(several.values()), None))
    if isinstance(said, list) and said and all(isinstance(s, dict) and _is_instance(s) for s in said):
        return next((s for s in said if "datasetId" not in s), said[0])
    return said


def _is_instance(said: Mapping[str, Any]) -> bool:
    return any(key in said for key in _VALUES)


def _plain(name: str, value: Any) -> Any:
    """Return a value as a cell; of a GeoJSON point in ``location`` latitude and longitude."""
    if isinstance(value, dict) and "@value" in value:
        value = value["@value"]
    if value is None or value == _NULL:
        return None
    if name == "location":
        return _point(value)
    if isinstance(value, (bool, int, float)):
        return value
    try:
        text = value if isinstance(value, str) else canonical_json(value).decode()
    except Malformed as exc:
        raise MalformedDocument(f"attribute {name[:60]}: want JSON, got: {exc}") from exc
    if len(text) > MAX_TEXT:
        raise MalformedDocument(f"attribute {name[:60]}: want at most {MAX_TEXT} characters, got {len(text)}")
    return text


def _point(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    found = value.get("coordinates")
    if not isinstance(found, list) or len(found) < 2:
        return None
    if not all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in found[:2]):
        return None
    return found[1], found[0]


def _instant(fields: Fields, value: Any) -> str:
    """Return a time, or the beginning of an interval, in UTC as a row holds it."""
    try:
        if not isinstance(value, str) or len(value) > 80:
            raise ValueError(value)
        time = datetime.fromisoformat(value.partition("/")[0])
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise fields.fail("time", "a time such as 2026-09-01T00:00:00Z", value) from exc
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _short(name: str) -> str:
    """Return the last part of a name that is an address: ``…/dataModel.Environment/NO2`` is ``NO2``.

    >>> _short("https://smartdatamodels.org/dataModel.Environment/NO2"), _short("no2")
    ('NO2', 'no2')
    """
    if "://" not in name:
        return name
    return name.replace("#", "/").rstrip("/").rpartition("/")[2] or name
