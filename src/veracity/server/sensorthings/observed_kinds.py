"""What a datastream's values are, as either version says it: its kind and its unit. Pure."""

from collections.abc import Mapping
from typing import Any

from veracity.server.sensorthings.errors import MalformedEntity

_OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
#: kind -> what 1.1 and 2.0 call it
KINDS = {
    "number": ("Measurement", "Quantity"),
    "integer": ("CountObservation", "Count"),
    "boolean": ("TruthObservation", "Boolean"),
    "string": ("CategoryObservation", "Category"),
}
_UNIT = ("name", "symbol", "definition")


def observation_type(kind: str) -> str:
    """Return what 1.1 calls a kind."""
    return _OM + KINDS[kind][0]


def kind_of_stream(said: Mapping[str, Any], *, is_old: bool) -> str:
    """Return the kind that a datastream in a body has; MalformedEntity if there is none, or another."""
    if is_old:
        names, found = {observation_type(k): k for k in KINDS}, said.get("observationType")
    else:
        names = {KINDS[k][1]: k for k in KINDS} | {"Text": "string"}
        result = said.get("resultType")
        found = result.get("type") if isinstance(result, Mapping) else None
    kind = names.get(found) if isinstance(found, str) else None
    if kind is None:
        what = "observationType" if is_old else "resultType"
        raise MalformedEntity(f"Datastreams: {what}: want {', '.join(names)}, got {str(found)[:100]!r}")
    return kind


def unit_of_stream(said: Mapping[str, Any], *, is_old: bool) -> dict[str, str | None]:
    """Return the unit of a datastream in a body: name, symbol, definition; absent ones are None."""
    if is_old:
        unit = said.get("unitOfMeasurement")
        if not isinstance(unit, Mapping):
            raise MalformedEntity("Datastreams: want a unitOfMeasurement, got none")
        found = {name: unit.get(name) for name in _UNIT}
    else:
        result = said["resultType"]
        uom = result.get("uom")
        code = uom.get("code", uom.get("href")) if isinstance(uom, Mapping) else None
        found = {"name": code, "symbol": code, "definition": None}
    if not all(isinstance(value, (str, type(None))) for value in found.values()):
        raise MalformedEntity("Datastreams: unit: want texts, got others")
    return found
