"""The entities that clients made, in one version's words, beside those of contracts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from veracity.server.created.entities import Created, stays
from veracity.server.created.feeds import THINGS, VALUE_COLUMNS
from veracity.server.registers import Spot
from veracity.server.sensorthings.columns import SENSOR
from veracity.server.sensorthings.contract_entities import spanned
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.entity_values import GEOJSON, plain, point
from veracity.server.sensorthings.graph import Graph
from veracity.server.sensorthings.observed_kinds import KINDS, observation_type
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.snapshot import FeedView


def add_created(graph: Graph, created: Sequence[Created], view: FeedView | None) -> None:
    """Add what clients made. What is linked to something that is not there, as known then, is left out.

    Parameters
    ----------
    view
        The feed of their observations; None if there is none.
    """
    for one in created:
        if one.set != "Datastreams":
            graph.make(one.set, one.id, _values(one, graph))
    spots = _place(graph, created)
    for one in created:
        if one.set == "Things":
            graph.make_feature(graph.sets["Things"][one.id], spots.get(one.id))
    if view is not None:
        _add_streams(graph, [one for one in created if one.set == "Datastreams"], view)


def _place(graph: Graph, created: Sequence[Created]) -> dict[str, Spot]:
    """Put things at their locations, in order; return where each is."""
    spots: dict[str, Spot] = {}
    n_stays: dict[str, int] = {}
    for name, location, at in stays(created):
        thing = graph.of_set("Things").get(name)
        if thing is None or not name.startswith(f"{THINGS}:"):
            continue
        n_stays[name] = n_stays.get(name, 0) + 1
        graph.place(thing, graph.sets["Locations"][location.id], f"{name}:{n_stays[name]}", at)
        spots[name] = location.spot
    return spots


def _add_streams(graph: Graph, streams: Sequence[Created], view: FeedView) -> None:
    numbers = view.columns.sensors.numbers(pl.Series([s.id for s in streams], dtype=pl.String()))
    rows = {row[SENSOR]: row for row in view.summary.iter_rows(named=True)}
    for one, number in zip(streams, numbers, strict=True):
        linked = _linked(graph, one.said)
        if linked is None:
            continue
        thing, sensor, observed = linked
        kind = one.said["kind"]
        column = replace(view.contract.field(VALUE_COLUMNS[kind]), type=kind)
        row = rows.get(number, {"first": None, "last": None})
        n = int(row.get(f"n:{column.name}", 0))
        values = _values(one, graph) | _observing(one.said, observed, graph.dialect) | spanned(row, n)
        graph.make_stream((view, column, number, n), one.id, values, thing, sensor, [observed])


def _linked(graph: Graph, said: Mapping[str, Any]) -> tuple[Entity, Entity, Entity] | None:
    thing = graph.of_set("Things").get(said["thing"])
    sensor = graph.of_set("Sensors").get(said["sensor"])
    observed = graph.of_set("ObservedProperties").get(said["observed"])
    return None if thing is None or sensor is None or observed is None else (thing, sensor, observed)


def _values(one: Created, graph: Graph) -> dict[str, Any]:
    """Return the properties of an entity, with who made it, when, and the address of its receipt."""
    said, dialect = one.said, graph.dialect
    made = {
        "at": plain(one.at),
        "agency": one.agency,
        "receipt": f"/receipts/{THINGS}/{one.batch}/{one.record}",
    }
    properties = {k: v for k, v in said["properties"].items() if k != "agency"}
    if one.agency is not None:
        properties["agency"] = one.agency
    if graph.snapshot.is_made_up and one.set != "ObservedProperties":
        properties["simulated"] = True
    values = {
        "name": said["name"],
        "description": said["description"],
        "properties": {**properties, "created": made},
    }
    if one.set == "Locations":
        values |= {"encodingType": GEOJSON, "location": point(one.spot)}
    known = {p for p in dialect.types[one.set].properties if p not in values and p in said}
    return values | {p: said[p] for p in known}


def _observing(said: Mapping[str, Any], observed: Entity, dialect: Dialect) -> dict[str, Any]:
    """Return what a datastream says of its values."""
    kind, unit = said["kind"], said["unit"]
    if dialect.is_old:
        return {"unitOfMeasurement": dict(unit), "observationType": observation_type(kind)}
    component = KINDS[kind][1]
    told = {"type": component, "label": said["name"], "definition": observed.values["definition"]}
    if component == "Quantity":
        told["uom"] = {"code": unit.get("symbol") or unit.get("definition") or "1"}
    return {"resultType": told}
