"""The entities of a city, made of contracts, registries and what the tables hold: all but observations.

A thing is what a key names: in the feed's registry if it has one, so that the feeds of one station share
a thing, else in the feed itself. A datastream is one column of one sensor of one feed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.server.sensorthings import ids
from veracity.server.sensorthings.columns import SENSOR
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.expression import Interval
from veracity.server.sensorthings.feed_columns import key_values
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.snapshot import FeedView, Place, Registered, Snapshot, place_columns

_OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
_KINDS = {
    "number": ("Measurement", "Quantity"),
    "integer": ("CountObservation", "Count"),
    "boolean": ("TruthObservation", "Boolean"),
    "string": ("CategoryObservation", "Category"),
}
_GEOJSON = {"1.1": "application/geo+json", "2.0": "application/geo+json"}


@dataclass(frozen=True)
class Stream:
    """A datastream and what its observations are read from: a column of a sensor, by its number."""

    entity: Entity
    view: FeedView = field(repr=False)
    column: Field
    sensor: int
    n_observations: int

    @property
    def feature(self) -> Entity:
        """What is observed."""
        found = self.entity.links["_Feature"]
        return found[0]


@dataclass
class Graph:
    """All entities of one version, by set and identifier, and where observations are read from."""

    dialect: Dialect
    snapshot: Snapshot
    sets: dict[str, dict[str, Entity]] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    by_feature: dict[str, list[Stream]] = field(default_factory=dict)

    def of_set(self, name: str) -> dict[str, Entity]:
        """Return the entities of a set."""
        return self.sets.get(name, {})


def build_graph(snapshot: Snapshot, dialect: Dialect) -> Graph:
    """Return the entities of a snapshot in one version's words."""
    builder = _Builder(snapshot, dialect)
    for view in snapshot.feeds.values():
        builder.add_feed(view)
    return builder.graph


class _Builder:
    def __init__(self, snapshot: Snapshot, dialect: Dialect) -> None:
        self.graph = Graph(dialect, snapshot, {name: {} for name in dialect.types if name != "Observations"})
        self._dialect = dialect

    def add_feed(self, view: FeedView) -> None:
        """Add a feed's sensor, observed properties, things and datastreams."""
        contract = view.contract
        sensor = self._made("Sensors", ids.escaped(contract.feed), sensor_values(contract))
        observed = {f.name: self._made(*self._observed(contract, f)) for f in view.values}
        keys = view.columns.sensors.keys
        for row in view.summary.sort(SENSOR).iter_rows(named=True):
            key = key_values(keys[row[SENSOR]])
            thing, feature = self._thing(view, key, row)
            for f in view.values:
                self._stream(view, f, key, row, sensor, observed[f.name], thing, feature)

    def _made(self, entity_set: str, identity: str, values: dict[str, Any]) -> Entity:
        entity = Entity(self._dialect, entity_set, identity, values)
        for relation in self._dialect.types[entity_set].relations:
            if relation.target != "Observations":
                entity.links[relation.name] = []
        self.graph.sets[entity_set][identity] = entity
        return entity

    def _observed(self, contract: Contract, f: Field) -> tuple[str, str, dict[str, Any]]:
        identity = ids.joined(contract.feed, f.name)
        return (
            "ObservedProperties",
            identity,
            {
                "name": f.name,
                "definition": f"urn:veracity:property:{identity}",
                "description": f.description or f"{f.name} of {contract.title}",
                "properties": _told(feed=contract.feed, unit=f.unit),
            },
        )

    def _thing(self, view: FeedView, key: Sequence[str], row: dict[str, Any]) -> tuple[Entity, Entity]:
        """Return the thing of a sensor and its feature; both made if it is the first of its feeds."""
        registered = None
        home, name = view.feed, list(key)
        if view.registry is not None:
            own = dict(zip(view.contract.sensor, key, strict=True))
            name = [own[column] for column, _ in view.match]
            registered = self.graph.snapshot.registries[view.registry].get(tuple(name))
            home = view.registry if registered is not None else view.feed
            name = name if registered is not None else list(key)
        identity = ids.thing_id(home, name)
        features = self.graph.sets[self._dialect.features]
        found = self.graph.sets["Things"].get(identity)
        if found is not None:
            _add_feed(found, view.contract)
            return found, features[identity]
        values = thing_values(view.contract, name, registered)
        thing = self._made("Things", identity, values)
        places = list(registered.places) if registered is not None else _own_place(view, row)
        self._places(thing, places, row["first"])
        feature = self._feature(thing, places)
        return thing, feature

    def _places(self, thing: Entity, places: Sequence[Place], first: datetime | None) -> None:
        for n, place in enumerate(places, 1):
            identity = f"{thing.id}:{n}"
            location = self._made("Locations", identity, location_values(thing, place))
            history = self._made("HistoricalLocations", identity, {"time": place.since or first})
            _link(history, "Thing", thing, "HistoricalLocations")
            _link(history, "Locations", location, "HistoricalLocations")
            if n == len(places):  # a thing's location is where it is now
                _link(thing, "Locations", location, "Things")

    def _feature(self, thing: Entity, places: Sequence[Place]) -> Entity:
        shape = _point(places[-1]) if places else {"type": "Feature", "geometry": None, "properties": {}}
        values = {
            "name": thing.values["name"],
            "description": f"Where {thing.values['name']} observes",
            "encodingType": _GEOJSON[self._dialect.version],
            "feature": shape,
            "properties": {"located": bool(places)},
        }
        feature = self._made(self._dialect.features, thing.id, values)
        if not self._dialect.is_old:
            kind = self.graph.sets["FeatureTypes"].get("station") or self._made(
                "FeatureTypes",
                "station",
                {
                    "name": "Station",
                    "definition": "http://www.w3.org/ns/sosa/Sample",
                    "description": "A place that sensors stand at, taken for what is around it",
                    "properties": {},
                },
            )
            _link(feature, "FeatureTypes", kind, "Features")
        return feature

    def _stream(
        self,
        view: FeedView,
        f: Field,
        key: Sequence[str],
        row: dict[str, Any],
        sensor: Entity,
        observed: Entity,
        thing: Entity,
        feature: Entity,
    ) -> None:
        identity = ids.datastream_id(view.feed, key, f.name)
        n = int(row[f"n:{f.name}"])
        values = datastream_values(view.contract, f, thing, observed, self._dialect)
        span = Interval(row["first"], row["last"]) if row["first"] is not None and n else None
        values |= {"phenomenonTime": span, "resultTime": None, "observedArea": _area(feature)}
        stream = self._made("Datastreams", identity, values)
        _link(stream, "Thing", thing, "Datastreams")
        _link(stream, "Sensor", sensor, "Datastreams")
        many = "ObservedProperty" if self._dialect.is_old else "ObservedProperties"
        _link(stream, many, observed, "Datastreams")
        if not self._dialect.is_old:
            _link(stream, "ProximateFeatureOfInterest", feature, "DatastreamsProximate")
        stream.links["_Feature"] = [feature]
        made = Stream(stream, view, f, int(row[SENSOR]), n)
        self.graph.streams[identity] = made
        self.graph.by_feature.setdefault(feature.id, []).append(made)


def sensor_values(contract: Contract) -> dict[str, Any]:
    """Return the properties of the kind of instrument that a feed's contract describes."""
    return {
        "name": contract.title,
        "description": f"What sends the records of the feed {contract.feed}",
        "encodingType": "text/plain",
        "metadata": f"Data contract {contract.feed} {contract.version}, SHA-256 {contract.sha256}",
        "properties": _told(
            feed=contract.feed,
            agency=contract.agency,
            contract=contract.sha256,
            simulated=contract.simulated,
            frequency_s=contract.frequency_s,
            latency_s=contract.latency_s,
        ),
    }


def thing_values(contract: Contract, key: Sequence[str], registered: Registered | None) -> dict[str, Any]:
    """Return the properties of a thing; what its registry says of it among them."""
    said = {} if registered is None else {k: _plain(v) for k, v in registered.values.items()}
    name = said.get("name") or " ".join(key) or contract.title
    return {
        "name": str(name),
        "description": f"{'Simulated: ' if contract.simulated else ''}{name} of {contract.title}",
        "properties": {
            **said,
            **_told(
                key=list(key), feeds=[contract.feed], agency=contract.agency, simulated=contract.simulated
            ),
        },
    }


def location_values(thing: Entity, place: Place) -> dict[str, Any]:
    """Return the properties of a location."""
    return {
        "name": thing.values["name"],
        "description": f"Where {thing.values['name']} stands",
        "encodingType": _GEOJSON[thing.dialect.version],
        "location": _point(place),
        "properties": {"simulated": thing.values["properties"]["simulated"]},
    }


def datastream_values(
    contract: Contract, f: Field, thing: Entity, observed: Entity, dialect: Dialect
) -> dict[str, Any]:
    """Return the properties of a datastream that do not depend on what it holds."""
    kind, component = _KINDS[f.type]
    name = f"{f.name} at {thing.values['name']}"
    values: dict[str, Any] = {
        "name": name,
        "description": f"{'Simulated: ' if contract.simulated else ''}{f.description or name}",
        "properties": _told(
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
        values["observationType"] = f"{_OM}{kind}"
        return values
    said: dict[str, Any] = {"type": component, "label": f.name, "definition": observed.values["definition"]}
    if component == "Quantity":
        said["uom"] = {"code": f.unit or "1"}
    if component == "Category" and f.values:
        said["constraint"] = {"values": list(f.values)}
    values["resultType"] = said
    return values


def _told(**values: Any) -> dict[str, Any]:
    """Return what is known: absent values are left out."""
    return {name: value for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _point(place: Place) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [place.longitude, place.latitude]}


def _area(feature: Entity) -> Any:
    shape = feature.values["feature"]
    return shape if shape["type"] == "Point" else None


def _own_place(view: FeedView, row: dict[str, Any]) -> list[Place]:
    columns = place_columns(view.contract)
    if columns is None:
        return []
    latitude, longitude = row[f"at:{columns[0]}"], row[f"at:{columns[1]}"]
    return [] if latitude is None or longitude is None else [Place(longitude, latitude, None)]


def _add_feed(thing: Entity, contract: Contract) -> None:
    properties = thing.values["properties"]
    if contract.feed not in properties["feeds"]:
        properties["feeds"].append(contract.feed)
    properties["simulated"] = properties["simulated"] or contract.simulated


def _link(entity: Entity, relation: str, other: Entity, back: str) -> None:
    entity.links[relation].append(other)
    other.links[back].append(entity)
