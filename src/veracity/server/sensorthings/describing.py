"""Entities that clients send, with those inside them: checked whole before any of it is made. Pure.

What is linked by its identifier must be there; what is described is made. The documents that come of it
are those of ``server.created.entities``.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from veracity.canonical import NotCanonical, canonical_json
from veracity.server.created.entities import is_point
from veracity.server.created.feeds import THINGS
from veracity.server.sensorthings.bodies import (
    MAX_DEPTH,
    check_members,
    check_shown,
    depth_of,
    identity_in,
    list_in,
    object_in,
    observed_in,
    text_in,
)
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.entity_values import GEOJSON
from veracity.server.sensorthings.errors import MalformedEntity, NotCreatable
from veracity.server.sensorthings.graph import Graph
from veracity.server.sensorthings.observed_kinds import kind_of_stream, unit_of_stream
from veracity.server.sensorthings.posting import Posted, Target, posted_of, target_of_created

MAX_ENTITIES = 200  #: in one body
MAX_OBSERVATIONS = 1_000  #: inside it
MAX_DOCUMENT = 16_384  #: characters
MAX_NESTED = 10  #: entities inside one another
CREATABLE = ("Things", "Locations", "Sensors", "ObservedProperties", "Datastreams")
#: relation by which an entity of a path owns what is sent to it: (set, relation) -> member of the body
INSIDE = {
    ("Things", "Datastreams"): "Thing",
    ("Things", "Locations"): "Things",
    ("Sensors", "Datastreams"): "Sensor",
    ("ObservedProperties", "Datastreams"): "ObservedProperty",
}
_GEOJSON_NAMES = (GEOJSON, "application/vnd.geo+json", "application/geojson")


@dataclass(frozen=True)
class Draft:
    """An entity to be made."""

    set: str
    id: str
    document: str


@dataclass
class Plan:
    """All that one body describes, in an order in which it can be made. ``owned`` is what it adds to."""

    root: str = ""
    drafts: list[Draft] = field(default_factory=list)
    observations: list[Posted] = field(default_factory=list)
    owned: list[Entity] = field(default_factory=list)


def describe(
    said: Any,
    entity_set: str,
    graph: Graph,
    new_id: Callable[[], str],
    now: datetime,
    inside: tuple[str, str] | None = None,
    request_sha256: str | None = None,
) -> Plan:
    """Return what a body describes.

    Parameters
    ----------
    new_id
        Gives 16 hexadecimal digits that no entity has.
    inside
        The member of the body that the path says, and the identifier.
    request_sha256
        The digest of the body, which goes into the records of observations.

    Raises
    ------
    MalformedEntity, MalformedObservation
        If it lacks what the standard needs, links to what is not there, or is too large.
    NotCreatable
        If it would move a thing whose place a registry says.
    """
    reader = _Reader(graph, new_id, now, request_sha256)
    body = object_in(said, entity_set)
    if identity_in(body) is not None:
        raise MalformedEntity(f"{entity_set}: want no identifier, which the server gives, got one")
    if inside is not None:
        name, identity = inside
        linked = {"@iot.id": identity}
        if name == "ObservedProperty" and not graph.dialect.is_old:
            name = "ObservedProperties"
        if body.get(name):
            raise MalformedEntity(f"{entity_set}: {name}: want the one of the path, got another")
        body = {**body, name: [linked] if name in ("Things", "ObservedProperties") else linked}
    reader.plan.root = reader.make(entity_set, body)
    return reader.plan


class _Reader:
    """Makes drafts out of one body."""

    def __init__(
        self, graph: Graph, new_id: Callable[[], str], now: datetime, request_sha256: str | None
    ) -> None:
        self._graph, self._new_id, self._now, self._request = graph, new_id, now, request_sha256
        self._made: set[str] = set()
        self._level = 0
        self.plan = Plan()

    def make(self, entity_set: str, said: Mapping[str, Any]) -> str:
        """Make an entity and those inside it; return its identifier."""
        makers: dict[str, Callable[..., str]] = {
            "Things": self._thing,
            "Locations": self._location,
            "Sensors": self._sensor,
            "ObservedProperties": self._observed,
            "Datastreams": self._datastream,
        }
        with self._deeper():
            return makers[entity_set](said)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._level += 1
        if self._level > MAX_NESTED:
            raise MalformedEntity(f"body: want entities at most {MAX_NESTED} deep, got deeper ones")
        yield
        self._level -= 1

    def _thing(self, said: Mapping[str, Any]) -> str:
        check_members(said, "Things", "name description properties Locations Datastreams")
        identity = self._next()
        locations = [self._one("Locations", one) for one in list_in(said, "Locations")]
        document = {**self._described(said, "Things"), "locations": locations}
        self._draft("Things", identity, document)
        return self._with_streams(said, identity, "Thing")

    def _location(self, said: Mapping[str, Any]) -> str:
        check_members(said, "Locations", "name description encodingType location properties Things")
        encoding, place = said.get("encodingType", GEOJSON), said.get("location")
        if isinstance(place, Mapping) and place.get("type") == "Feature":
            place = place.get("geometry")
        if encoding not in _GEOJSON_NAMES or not is_point(place):
            raise MalformedEntity(
                f"Locations: want a GeoJSON point on Earth, encodingType {GEOJSON}, got another"
            )
        things = [self._linked("Things", one) for one in list_in(said, "Things")]
        for thing in things:
            if not thing.startswith(f"{THINGS}:"):
                raise NotCreatable(
                    f"Things {thing[:80]!r}: want one that a client made, got one of a registry"
                )
        document = {**self._described(said, "Locations"), "location": place, "things": things}
        return self._draft("Locations", self._next(), document)

    def _sensor(self, said: Mapping[str, Any]) -> str:
        check_members(said, "Sensors", "name description encodingType metadata properties Datastreams")
        if said.get("metadata") is None:
            raise MalformedEntity("Sensors: want metadata, got none")
        encoding = text_in(said, "encodingType", "Sensors")
        document = {
            **self._described(said, "Sensors"),
            "encodingType": encoding,
            "metadata": said["metadata"],
        }
        identity = self._draft("Sensors", self._next(), document)
        return self._with_streams(said, identity, "Sensor")

    def _observed(self, said: Mapping[str, Any]) -> str:
        check_members(said, "ObservedProperties", "name definition description properties Datastreams")
        definition = text_in(said, "definition", "ObservedProperties")
        document = {**self._described(said, "ObservedProperties"), "definition": definition}
        identity = self._draft("ObservedProperties", self._next(), document)
        return self._with_streams(said, identity, "ObservedProperty")

    def _with_streams(self, said: Mapping[str, Any], identity: str, role: str) -> str:
        """Make the datastreams inside an entity; return its identifier."""
        for one in list_in(said, "Datastreams"):
            with self._deeper():
                self._datastream(object_in(one, "Datastreams"), {role: identity})
        return identity

    def _datastream(self, said: Mapping[str, Any], owner: Mapping[str, str] | None = None) -> str:
        """Make a datastream. ``owner`` is what it stands inside, by its role."""
        is_old = self._graph.dialect.is_old
        own = "unitOfMeasurement observationType ObservedProperty"
        own = own if is_old else "resultType ObservedProperties"
        check_members(said, "Datastreams", f"name description properties Thing Sensor Observations {own}")
        if identity_in(said) is not None:
            raise MalformedEntity("Datastreams: want one to be made, got one by its identifier")
        kind, unit = kind_of_stream(said, is_old=is_old), unit_of_stream(said, is_old=is_old)
        linked = {
            "Thing": said.get("Thing"),
            "Sensor": said.get("Sensor"),
            "ObservedProperty": observed_in(said),
        }
        roles = {"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties"}
        known = dict(owner or {})
        for role, entity_set in roles.items():
            if role in known and linked[role] is not None:
                raise MalformedEntity(f"Datastreams: {role}: want the one around it, got another")
            if role not in known:
                known[role] = self._one(entity_set, linked[role])
        document = {
            **self._described(said, "Datastreams"),
            "kind": kind,
            "unit": unit,
            "thing": known["Thing"],
            "sensor": known["Sensor"],
            "observed": known["ObservedProperty"],
        }
        identity = self._draft("Datastreams", self._next(), document)
        self._observations(said, target_of_created(identity, kind))
        return identity

    def _observations(self, said: Mapping[str, Any], target: Target) -> None:
        times = set()
        for one in list_in(said, "Observations"):
            found = posted_of(object_in(one, "Observations"), target, self._now, request_sha256=self._request)
            if found.time in times:
                raise MalformedEntity("Observations: want one for each phenomenonTime, got two")
            times.add(found.time)
            self.plan.observations.append(found)
        if len(self.plan.observations) > MAX_OBSERVATIONS:
            raise MalformedEntity(f"body: want at most {MAX_OBSERVATIONS} observations, got more")

    def _one(self, entity_set: str, said: Any) -> str:
        """Return the identifier of what is linked, or made here."""
        body = object_in(said, entity_set)
        return self.make(entity_set, body) if identity_in(body) is None else self._linked(entity_set, body)

    def _linked(self, entity_set: str, said: Any) -> str:
        identity = identity_in(object_in(said, entity_set))
        found = self._graph.of_set(entity_set).get(identity or "")
        if found is None:
            raise MalformedEntity(f"{entity_set}: want one that there is, got {str(identity)[:80]!r}")
        if entity_set == "Things":
            self.plan.owned.append(found)
        return found.id

    def _described(self, said: Mapping[str, Any], entity_set: str) -> dict[str, Any]:
        """Return what all entities have: name, description, properties."""
        description = said.get("description")
        if description is None and not self._graph.dialect.is_old:
            description = ""
        if not isinstance(description, str):
            raise MalformedEntity(f"{entity_set}: want a description, got none")
        properties = said.get("properties")
        if not isinstance(properties, (dict, type(None))):
            raise MalformedEntity(f"{entity_set}: properties: want an object, got another value")
        name = text_in(said, "name", entity_set)
        check_shown(name, entity_set, "name")
        check_shown(description, entity_set, "description")
        return {"name": name, "description": description, "properties": properties or {}}

    def _next(self) -> str:
        identity = f"{THINGS}:{self._new_id()}"
        self._made.add(identity)
        if len(self._made) > MAX_ENTITIES:
            raise MalformedEntity(f"body: want at most {MAX_ENTITIES} entities, got more")
        return identity

    def _draft(self, entity_set: str, identity: str, document: Mapping[str, Any]) -> str:
        if depth_of(document) > MAX_DEPTH:
            raise MalformedEntity(f"{entity_set}: want at most {MAX_DEPTH} levels, got more")
        try:
            text = canonical_json(document).decode()
        except NotCanonical as exc:
            raise MalformedEntity(f"{entity_set}: {exc}") from exc
        if len(text) > MAX_DOCUMENT:
            raise MalformedEntity(f"{entity_set}: want at most {MAX_DOCUMENT} characters, got {len(text)}")
        self.plan.drafts.append(Draft(entity_set, identity, text))
        return identity
