"""All entities of a city in one version's words, and how they are linked: all but observations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from veracity.data.contract_field import Field
from veracity.server.registers import Spot
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.entity_values import STATION, feature_values
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.snapshot import FeedView, Snapshot


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

    @property
    def is_simulated(self) -> bool:
        """Whether it is said to be simulated."""
        return self.entity.values["properties"].get("simulated") is True


@dataclass
class Graph:
    """Entities by set and identifier, and where observations are read from."""

    dialect: Dialect
    snapshot: Snapshot
    sets: dict[str, dict[str, Entity]] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    by_feature: dict[str, list[Stream]] = field(default_factory=dict)

    def of_set(self, name: str) -> dict[str, Entity]:
        """Return the entities of a set."""
        return self.sets.get(name, {})

    def make(self, entity_set: str, identity: str, values: dict[str, Any]) -> Entity:
        """Add an entity without links."""
        entity = Entity(self.dialect, entity_set, identity, values)
        for relation in self.dialect.types[entity_set].relations:
            if relation.target != "Observations":
                entity.links[relation.name] = []
        self.sets.setdefault(entity_set, {})[identity] = entity
        return entity

    def place(self, thing: Entity, location: Entity, identity: str, since: datetime | None) -> None:
        """Say that a thing is at a location from a time on: it is where it was said to be last."""
        history = self.make("HistoricalLocations", identity, {"time": since})
        link(history, "Thing", thing, "HistoricalLocations")
        link(history, "Locations", location, "HistoricalLocations")
        for before in thing.links["Locations"]:
            before.links["Things"].remove(thing)
        thing.links["Locations"] = []
        link(thing, "Locations", location, "Things")

    def make_feature(self, thing: Entity, spot: Spot | None) -> Entity:
        """Add the place that a thing observes."""
        feature = self.make(self.dialect.features, thing.id, feature_values(thing, spot))
        if not self.dialect.is_old:
            kind = self.of_set("FeatureTypes").get("station") or self.make("FeatureTypes", "station", STATION)
            link(feature, "FeatureTypes", kind, "Features")
        return feature

    def make_stream(
        self,
        source: tuple[FeedView, Field, int, int],
        identity: str,
        values: dict[str, Any],
        thing: Entity,
        sensor: Entity,
        observed: Sequence[Entity],
    ) -> None:
        """Add a datastream.

        Parameters
        ----------
        source
            Where its observations are read from: feed, column, the number of its sensor, how many.
        """
        feature = self.sets[self.dialect.features][thing.id]
        stream = self.make("Datastreams", identity, {**values, "observedArea": _area(feature)})
        link(stream, "Thing", thing, "Datastreams")
        link(stream, "Sensor", sensor, "Datastreams")
        for one in observed[:1] if self.dialect.is_old else observed:
            many = "ObservedProperty" if self.dialect.is_old else "ObservedProperties"
            link(stream, many, one, "Datastreams")
        if not self.dialect.is_old:
            link(stream, "ProximateFeatureOfInterest", feature, "DatastreamsProximate")
        stream.links["_Feature"] = [feature]
        made = Stream(stream, *source)
        self.streams[identity] = made
        self.by_feature.setdefault(feature.id, []).append(made)


def link(entity: Entity, relation: str, other: Entity, back: str) -> None:
    """Link two entities, both ways."""
    entity.links[relation].append(other)
    other.links[back].append(entity)


def _area(feature: Entity) -> Any:
    shape = feature.values["feature"]
    return shape if shape["type"] == "Point" else None
