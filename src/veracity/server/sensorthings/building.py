"""A snapshot of the city as entities of one version."""

from veracity.server.sensorthings.contract_entities import add_feed
from veracity.server.sensorthings.created_entities import add_created
from veracity.server.sensorthings.graph import Graph
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.snapshot import Snapshot


def build_graph(snapshot: Snapshot, dialect: Dialect) -> Graph:
    """Return the entities of a snapshot in one version's words."""
    graph = Graph(dialect, snapshot, {name: {} for name in dialect.types if name != "Observations"})
    for view in snapshot.feeds.values():
        add_feed(graph, view)
    add_created(graph, snapshot.created, snapshot.observed)
    return graph
