"""What a path leads to, and the entities of a set that fulfil a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from veracity.home.home import Home
from veracity.server.sensorthings import functions as kinds
from veracity.server.sensorthings.budget import Budget
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.errors import NoSuchEntity
from veracity.server.sensorthings.evaluate import evaluate, is_true
from veracity.server.sensorthings.expression import Interval
from veracity.server.sensorthings.functions import kind_of
from veracity.server.sensorthings.graph import Graph, Stream
from veracity.server.sensorthings.observations import Observation, find_one
from veracity.server.sensorthings.query import Query
from veracity.server.sensorthings.resource_path import Step
from veracity.server.sensorthings.schema import relation_of

OBSERVATIONS = "Observations"


@dataclass(frozen=True)
class EntitySet:
    """Entities of one set: held ones, or the observations of some datastreams."""

    name: str
    entities: Sequence[Entity] = ()
    streams: Sequence[Stream] = ()


@dataclass(frozen=True)
class Property:
    """A property of an entity, and the value of it."""

    name: str
    value: Any


Target = EntitySet | Entity | Observation | Property


def resolve(home: Home, graph: Graph, steps: Sequence[Step]) -> Target:
    """Return what a path leads to.

    Raises
    ------
    NoSuchEntity
        If it leads to nothing.
    """
    first = steps[0]
    if first.name not in graph.dialect.types:
        raise NoSuchEntity(f"path: want an entity set ({', '.join(graph.dialect.types)}), got {first.name!r}")
    whole = EntitySet(first.name, list(graph.of_set(first.name).values()), list(graph.streams.values()))
    target: Target = _member(home, graph, whole, first.id)
    for step in steps[1:]:
        target = _next(home, graph, target, step)
    return target


def _member(home: Home, graph: Graph, found: EntitySet, identity: str | None) -> Target:
    if identity is None:
        return found
    member: Target | None
    if found.name == OBSERVATIONS:
        streams = {s.entity.id: s for s in found.streams}
        member = find_one(home, streams, identity, graph.dialect)
    else:
        member = graph.of_set(found.name).get(identity)
        member = member if member in found.entities else None
    if member is None:
        raise NoSuchEntity(f"{found.name}: want an entity there is, got {identity[:120]!r}")
    return member


def _next(home: Home, graph: Graph, target: Target, step: Step) -> Target:
    if isinstance(target, (EntitySet, Property)):
        raise NoSuchEntity(f"path: want the end, got {step.name!r}")
    if isinstance(target, Observation):
        known = {"Datastream": target.stream.entity, graph.dialect.feature: target.stream.feature}
        if step.name in known and step.id is None:
            return known[step.name]
        values = observation_values(target, graph)
        if step.name not in values or step.id is not None:
            raise NoSuchEntity(f"Observations: want a property or a relation, got {step.name!r}")
        return Property(step.name, values[step.name])
    relation = relation_of(graph.dialect, target.set, step.name)
    if relation is None:
        if step.name == "id" and step.id is None:
            return Property("id", target.id)
        if step.name not in target.values or step.id is not None:
            raise NoSuchEntity(f"{target.set}: want a property or a relation, got {step.name!r}")
        return Property(step.name, target.values[step.name])
    if relation.target == OBSERVATIONS:
        return _member(home, graph, EntitySet(OBSERVATIONS, (), streams_of(graph, target)), step.id)
    linked = target.linked(step.name)
    if relation.is_many:
        return _member(home, graph, EntitySet(relation.target, linked), step.id)
    if step.id is not None:
        raise NoSuchEntity(f"{target.set}: want {step.name} without an identifier, got one")
    return linked[0] if linked else Property(step.name, None)


def streams_of(graph: Graph, entity: Entity) -> list[Stream]:
    """Return the datastreams whose observations an entity's ``Observations`` are."""
    if entity.set == "Datastreams":
        return [graph.streams[entity.id]]
    return graph.by_feature.get(entity.id, [])


def observation_values(observation: Observation, graph: Graph) -> dict[str, Any]:
    """Return the properties of an observation, times as they are held."""
    told = {
        "receipt": f"/receipts/{observation.stream.view.feed}/{observation.batch}/{observation.record}",
        "batch": observation.batch,
        "record": observation.record,
        "simulated": observation.stream.is_simulated,
    }
    quality = {"status": "flagged" if observation.flags else "accepted", "flags": list(observation.flags)}
    values: dict[str, Any] = {
        "phenomenonTime": observation.time,
        "resultTime": observation.received,
        "result": observation.result,
        "validTime": None,
    }
    if graph.dialect.is_old:
        return {**values, "resultQuality": quality, "parameters": told}
    return {**values, "properties": {**told, "resultQuality": quality}}


def chosen(entities: Sequence[Entity], query: Query) -> list[Entity]:
    """Return the entities that fulfil a query's condition, in its order: all, no page.

    Raises
    ------
    MalformedFilter, UnsupportedQuery, TooMuchAsked
        If the condition is none for them, or would look at too many.
    """
    condition, budget = query.condition, Budget()
    found = [e for e in entities if condition is None or is_true(condition, e, budget)]
    for node, descends in reversed(query.order):
        found.sort(
            key=lambda entity, node=node: _rank(evaluate(node, entity, budget)),  # type: ignore[misc]
            reverse=descends,
        )
    return found


def _rank(value: Any) -> tuple[str, Any]:
    """Return what values of any kinds can be sorted by: nothing first."""
    kind = kind_of(value)
    if isinstance(value, Interval):
        return kinds.TIME, value.start
    if kind == kinds.NOTHING:
        return "", 0
    if kind in (kinds.OTHER, kinds.GEOMETRY):
        return kind, str(value)
    return kind, value
