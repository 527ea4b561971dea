"""The properties of entities that contracts and registries describe, in one version's words. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.server.registers import Registered, Spot
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.observed_kinds import KINDS, observation_type
from veracity.server.sensorthings.schema import Dialect

GEOJSON = "application/geo+json"
STATION = {
    "name": "Station",
    "definition": "http://www.w3.org/ns/sosa/Sample",
    "description": "A place that sensors stand at, taken for what is around it",
    "properties": {},
}


def sensor_values(contract: Contract) -> dict[str, Any]:
    """Return the properties of the kind of instrument that a feed's contract describes."""
    return {
        "name": contract.title,
        "description": f"What sends the records of the feed {contract.feed}",
        "encodingType": "text/plain",
        "metadata": f"Data contract {contract.feed} {contract.version}, SHA-256 {contract.sha256}",
        "properties": told(
            feed=contract.feed,
            agency=contract.agency,
            contract=contract.sha256,
            simulated=contract.simulated,
            frequency_s=contract.frequency_s,
            latency_s=contract.latency_s,
        ),
    }


def observed_values(contract: Contract, f: Field, identity: str) -> dict[str, Any]:
    """Return the properties of what a column observes."""
    return {
        "name": f.name,
        "definition": f"urn:veracity:property:{identity}",
        "description": f.description or f"{f.name} of {contract.title}",
        "properties": told(feed=contract.feed, unit=f.unit),
    }


def thing_values(
    contract: Contract, key: Sequence[str], registered: Registered | None, place: str | None
) -> dict[str, Any]:
    """Return the properties of a thing, among them what its registry says and what its place is called."""
    said = {} if registered is None else {k: plain(v) for k, v in registered.values.items()}
    name = said.get("name") or " ".join(key) or contract.title
    return {
        "name": str(name),
        "description": f"{'Simulated: ' if contract.simulated else ''}{name} of {contract.title}",
        "properties": {
            **said,
            **told(
                place=place,
                key=list(key),
                feeds=[contract.feed],
                agency=contract.agency,
                simulated=contract.simulated,
            ),
        },
    }


def location_values(thing: Entity, spot: Spot) -> dict[str, Any]:
    """Return the properties of a location."""
    return {
        "name": thing.values["name"],
        "description": f"Where {thing.values['name']} stands",
        "encodingType": GEOJSON,
        "location": point(spot),
        "properties": {"simulated": thing.values["properties"]["simulated"]},
    }


def feature_values(thing: Entity, spot: Spot | None) -> dict[str, Any]:
    """Return the properties of the place that a thing observes; without a geometry where none is known."""
    nowhere: dict[str, Any] = {"type": "Feature", "geometry": None, "properties": {}}
    return {
        "name": thing.values["name"],
        "description": f"Where {thing.values['name']} observes",
        "encodingType": GEOJSON,
        "feature": nowhere if spot is None else point(spot),
        "properties": {"located": spot is not None},
    }


def datastream_values(
    contract: Contract, f: Field, thing: Entity, observed: Entity, dialect: Dialect
) -> dict[str, Any]:
    """Return the properties of a datastream that do not depend on what it holds."""
    component = KINDS[f.type][1]
    name = f"{f.name} at {thing.values['name']}"
    values: dict[str, Any] = {
        "name": name,
        "description": f"{'Simulated: ' if contract.simulated else ''}{f.description or name}",
        "properties": told(
            feed=contract.feed,
            column=f.name,
            agency=contract.agency,
            contract=contract.sha256,
            simulated=contract.simulated,
            minimum=f.minimum,
            maximum=f.maximum,
            frequency_s=contract.frequency_s,
        ),
    }
    if dialect.is_old:
        unit = f.unit
        values["unitOfMeasurement"] = {
            "name": unit,
            "symbol": unit,
            "definition": f"ucum:{unit}" if unit else None,
        }
        values["observationType"] = observation_type(f.type)
        return values
    said: dict[str, Any] = {"type": component, "label": f.name, "definition": observed.values["definition"]}
    if component == "Quantity":
        said["uom"] = {"code": f.unit or "1"}
    if component == "Category" and f.values:
        said["constraint"] = {"values": list(f.values)}
    values["resultType"] = said
    return values


def told(**values: Any) -> dict[str, Any]:
    """Return what is known: absent values are left out."""
    return {name: value for name, value in values.items() if value is not None}


def plain(value: Any) -> Any:
    """Return a value of a row as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def point(spot: Spot) -> dict[str, Any]:
    """Return a place as GeoJSON."""
    return {"type": "Point", "coordinates": [spot.lon, spot.lat]}
