"""The entities that contracts, registries and tables make.

A thing is what a key names: in the feed's registry if it has one, so that the feeds of one station share
a thing, else in the feed itself. A datastream is one column of one sensor of one feed.
"""

from collections.abc import Sequence
from typing import Any

from veracity.data.contract import Contract
from veracity.server.registers import Registered, Spot
from veracity.server.sensorthings import ids
from veracity.server.sensorthings.columns import SENSOR
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.entity_values import (
    datastream_values,
    location_values,
    observed_values,
    sensor_values,
    thing_values,
)
from veracity.server.sensorthings.expression import Interval
from veracity.server.sensorthings.feed_columns import key_values
from veracity.server.sensorthings.graph import Graph
from veracity.server.sensorthings.snapshot import FeedView


def add_feed(graph: Graph, view: FeedView) -> None:
    """Add a feed's sensor, observed properties, things and datastreams."""
    contract, sensors = view.contract, view.columns.sensors
    sensor = graph.make("Sensors", ids.escaped(contract.feed), sensor_values(contract))
    observed = {}
    for f in view.values:
        identity = ids.joined(contract.feed, f.name)
        observed[f.name] = graph.make("ObservedProperties", identity, observed_values(contract, f, identity))
    for row in view.summary.sort(SENSOR).iter_rows(named=True):
        key = key_values(sensors.keys[row[SENSOR]])
        thing = _thing(graph, view, key, row)
        for f in view.values:
            n = int(row[f"n:{f.name}"])
            values = datastream_values(contract, f, thing, observed[f.name], graph.dialect)
            values |= spanned(row, n)
            identity = ids.datastream_id(view.feed, key, f.name)
            source = (view, f, int(row[SENSOR]), n)
            graph.make_stream(source, identity, values, thing, sensor, [observed[f.name]])


def spanned(row: dict[str, Any], n: int) -> dict[str, Any]:
    """Return the times of a datastream of ``n`` observations, out of its row of a summary."""
    span = Interval(row["first"], row["last"]) if n and row["first"] is not None else None
    return {"phenomenonTime": span, "resultTime": None}


def _thing(graph: Graph, view: FeedView, key: Sequence[str], row: dict[str, Any]) -> Entity:
    """Return the thing of a sensor; made, with places and feature, if it is the first of its feeds."""
    home, name, registered = _named(view, key)
    identity = ids.thing_id(home, name)
    found = graph.of_set("Things").get(identity)
    if found is not None:
        _add_feed(found, view.contract)
        return found
    spots = _spots(view, key, row, registered)
    last = spots[-1] if spots else None
    title = None if last is None else last.title
    thing = graph.make("Things", identity, thing_values(view.contract, name, registered, title))
    for n, spot in enumerate(spots, 1):
        location = graph.make("Locations", f"{identity}:{n}", location_values(thing, spot))
        graph.place(thing, location, location.id, spot.since or row["first"])
    graph.make_feature(thing, last)
    return thing


def _named(view: FeedView, key: Sequence[str]) -> tuple[str, list[str], Registered | None]:
    """Return the feed and the values that name a sensor's thing, and what its registry says of it."""
    register = view.positions.register
    if register is not None and set(register.columns) == set(view.contract.sensor):
        own = dict(zip(view.contract.sensor, key, strict=True))
        name = [own[column] for column in register.columns]
        registered = view.positions.registered.get(tuple(name))
        if registered is not None:
            return register.feed, name, registered
    return view.feed, list(key), None


def _spots(
    view: FeedView, key: Sequence[str], row: dict[str, Any], registered: Registered | None
) -> Sequence[Spot]:
    """Return where a sensor stood, the last place last: in its own rows, else as is known of its thing."""
    positions = view.positions
    said = dict(zip(view.contract.sensor, key, strict=True))
    said |= {name: row[f"at:{name}"] for name in positions.columns or ()}
    here = positions.of(said)
    if registered is not None and registered.spots and here == positions.known(said):
        return registered.spots
    return [] if here is None else [here]


def _add_feed(thing: Entity, contract: Contract) -> None:
    properties = thing.values["properties"]
    if contract.feed not in properties["feeds"]:
        properties["feeds"].append(contract.feed)
    properties["simulated"] = properties["simulated"] or contract.simulated
