"""How much one answer may hold: counted before any of it is made, as far as is known, and while it is."""

from collections.abc import Iterable, Sequence
from itertools import cycle, islice

from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.errors import TooMuchAsked
from veracity.server.sensorthings.finding import OBSERVATIONS, streams_of
from veracity.server.sensorthings.graph import Graph, Stream
from veracity.server.sensorthings.query import Expand, Query

MAX_ENTITIES = 50_000  #: in one answer, those within others too
MAX_SEARCHES = 2_000  #: for observations, in one answer


class Room:
    """What is left of it for one answer."""

    def __init__(self) -> None:
        self._n_entities, self._n_searches = MAX_ENTITIES, MAX_SEARCHES

    def take(self, n: int = 1) -> None:
        """Take so many entities away; TooMuchAsked if there are not as many left."""
        self._n_entities -= n
        if self._n_entities < 0:
            raise TooMuchAsked(
                f"query: want at most {MAX_ENTITIES} entities in one answer, got more: expand less"
            )

    def search(self) -> None:
        """Take a search for observations away; TooMuchAsked if there is none left."""
        self._n_searches -= 1
        if self._n_searches < 0:
            raise TooMuchAsked(f"query: want observations of at most {MAX_SEARCHES} entities, got more")


def check_room(
    graph: Graph, entities: Sequence[Entity], observed: Sequence[Stream], expand: Sequence[Expand]
) -> None:
    """Raise TooMuchAsked if a page holds too much for one answer with what is expanded in it.

    It counts what is known without reading a row, and evaluates no condition: what only a condition would
    tell counts as nothing here, and is counted when it is there.

    Parameters
    ----------
    entities, observed
        What is on the page: entities, or the datastream of each observation.
    """
    room = Room()
    _take(room, graph, entities, expand)
    _take_observed(room, graph, observed, expand)


def _take(room: Room, graph: Graph, entities: Sequence[Entity], expand: Sequence[Expand]) -> None:
    room.take(len(entities))
    for entity in entities if expand else ():
        for one in expand:
            _take_within(room, graph, entity, one)


def _take_observed(room: Room, graph: Graph, observed: Iterable[Stream], expand: Sequence[Expand]) -> None:
    for stream in observed:
        room.take()
        for one in expand:
            other = stream.entity if one.relation == "Datastream" else stream.feature
            _take(room, graph, [other], one.query.expand)


def _take_within(room: Room, graph: Graph, entity: Entity, expand: Expand) -> None:
    relation, query = graph.dialect.types[entity.set].relation(expand.relation), expand.query
    if relation is None:
        return
    if relation.target == OBSERVATIONS:
        room.search()
        streams = streams_of(graph, entity)
        n = 0 if query.condition else _n_given(sum(s.n_observations for s in streams), query)
        _take_observed(room, graph, islice(cycle(streams), n), query.expand if len(streams) == 1 else ())
        return
    linked = entity.linked(expand.relation)
    if not relation.is_many:
        _take(room, graph, linked[:1], query.expand)
    elif query.condition is None:
        page = linked[query.skip : query.skip + query.top]
        is_known = not query.order or len(page) == len(linked)  # else others may be those that are given
        _take(room, graph, page, query.expand if is_known else ())


def _n_given(n: int, query: Query) -> int:
    """Return how many of ``n`` are on a page."""
    return max(0, min(query.top, n - query.skip))
