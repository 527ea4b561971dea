"""Rows as NGSI-LD entities, in all their forms. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from veracity.home.clock import format_time
from veracity.server.ngsi_ld.views import Attribute, View

MARK = "simulated"  #: said whatever attributes are wanted: nobody takes a simulated value for a real one
Form = Literal["normalized", "concise", "keyValues"]
Entity = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """How entities are wanted.

    Attributes
    ----------
    url
        Where the city is found.
    attributes
        Which attributes, by short name; None for all.
    with_times
        Whether ``createdAt`` and ``modifiedAt`` are wanted; ``received`` gives a batch's time of receipt.
    """

    url: str
    form: Form = "normalized"
    attributes: Collection[str] | None = None
    with_times: bool = False
    received: Mapping[tuple[str, int], str] | None = None

    def wants(self, name: str) -> bool:
        """Whether an attribute is wanted."""
        return self.attributes is None or name in self.attributes


def source_of(view: View, url: str) -> str:
    """Return what the entities of a view give as their source: the data set in the catalogue."""
    return f"{url}/catalogue/{view.feed}"


def entity(view: View, row: Mapping[str, Any], shown: Shown) -> Entity:
    """Return a row of a view, with its marks, as an entity."""
    said: Entity = {"id": row["_id"], "type": view.type}
    for attribute in view.attributes:
        if shown.wants(attribute.name) and row[attribute.column] is not None:
            said[attribute.name] = _formed(property_of(view, attribute, row, shown.url), shown.form)
    for name, value in _own(view, row, shown).items():
        if (shown.wants(name) or name == MARK) and name not in said:
            said[name] = _formed(value, shown.form)
    if shown.with_times:
        said |= _times(view, row, shown)
    return said


def property_of(view: View, attribute: Attribute, row: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Return one attribute of a row in normalized form, with its unit, its time and our marks."""
    said: dict[str, Any] = {"type": "Property", "value": plain(row[attribute.column])}
    if view.time is not None and row[view.time] is not None:
        said["observedAt"] = format_time(row[view.time])
    if attribute.unit_code is not None:
        said["unitCode"] = attribute.unit_code
    if attribute.ucum is not None:
        said["ucum"] = {"type": "Property", "value": attribute.ucum}
    about = [r for r in (row["_flags"] or "").split() if attribute.column in view.contract.about(r)]
    if about:
        said["flags"] = {"type": "Property", "value": about}
    receipt = f"{url}/receipts/{view.feed}/{row['_batch']}/{row['_record']}"
    return said | {"receipt": {"type": "Property", "value": receipt}}


def plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, datetime):
        return {"@type": "DateTime", "@value": format_time(value)}
    if isinstance(value, date):
        return {"@type": "Date", "@value": value.isoformat()}
    return value


def _own(view: View, row: Mapping[str, Any], shown: Shown) -> dict[str, dict[str, Any]]:
    """Return the attributes that every entity has, as far as they are known."""
    own: dict[str, dict[str, Any]] = {}
    if view.time is not None and row[view.time] is not None:
        own["dateObserved"] = {"type": "Property", "value": plain(row[view.time])}
    if row["_lon"] is not None and row["_lat"] is not None:
        point = {"type": "Point", "coordinates": [row["_lon"], row["_lat"]]}
        own["location"] = {"type": "GeoProperty", "value": point}
    if view.contract.agency is not None:
        own["dataProvider"] = {"type": "Property", "value": view.contract.agency}
    own["source"] = {"type": "Property", "value": source_of(view, shown.url)}
    if view.simulated:
        own[MARK] = {"type": "Property", "value": True}
    return own


def _times(view: View, row: Mapping[str, Any], shown: Shown) -> dict[str, str]:
    received = shown.received or {}
    times = {
        "createdAt": received.get((view.feed, row["_first"])),
        "modifiedAt": received.get((view.feed, row["_batch"])),
    }
    return {name: time for name, time in times.items() if time is not None}


def _formed(said: dict[str, Any], form: Form) -> Any:
    if form == "normalized":
        return said
    if form == "keyValues":
        value = said["value"]
        is_time = isinstance(value, dict) and "@value" in value
        return value["@value"] if is_time else value
    short = {k: _formed(v, "concise") if isinstance(v, dict) and "type" in v and k != "value" else v
             for k, v in said.items() if k != "type"}  # fmt: skip
    return short["value"] if set(short) == {"value"} and not isinstance(short["value"], dict) else short
