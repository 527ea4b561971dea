"""Entities as JSON, in one version's words: properties, links, and what is expanded within."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from veracity.home.home import Home
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.expression import Interval
from veracity.server.sensorthings.finding import (
    OBSERVATIONS,
    EntitySet,
    chosen,
    observation_values,
    streams_of,
)
from veracity.server.sensorthings.graph import Graph, Stream
from veracity.server.sensorthings.observations import Asked, Found, Observation, find
from veracity.server.sensorthings.query import Expand, Query
from veracity.server.sensorthings.room import Room, check_room

_ARRAY = ("id", "phenomenonTime", "resultTime", "result", "resultQuality", "parameters")
_IN_LINKS = "$(),;/:'*@=! "


def time_text(value: datetime) -> str:
    """Return an instant as ISO 8601 in UTC, with microseconds only where there are some."""
    whole = value.replace(tzinfo=None)
    return whole.isoformat(timespec="microseconds" if whole.microsecond else "seconds") + "Z"


class Renderer:
    """Writes the entities of one answer.

    Parameters
    ----------
    root
        The URL of the version, without a slash at its end.
    host
        The URL of the server: where receipts are.
    as_of
        The time as of which it is, as it was asked for: links to next pages have it.
    """

    def __init__(self, home: Home, graph: Graph, root: str, host: str, as_of: str | None = None) -> None:
        self._as_of = () if as_of is None else (("asOf", as_of),)
        self._home, self._graph, self._root, self._host = home, graph, root, host
        self._dialect = graph.dialect
        self._room = Room()

    def self_link(self, entity_set: str, identity: str) -> str:
        """Return the address of an entity."""
        return f"{self._root}/{entity_set}('{quote(identity, safe=':~!.')}')"

    def page(self, found: EntitySet, query: Query, path: str) -> dict[str, Any]:
        """Return a page of an entity set, with the link to the next; TooMuchAsked if it holds too much."""
        return self._page(found, query, path, is_within=False)

    def _page(self, found: EntitySet, query: Query, path: str, *, is_within: bool) -> dict[str, Any]:
        if found.name == OBSERVATIONS:
            result = self._found(found.streams, query)
            n, count = len(result.page), result.count
            if not is_within:
                check_room(self._graph, (), [o.stream for o in result.page], query.expand)
            items = self._arrays(result, query) if query.is_data_array else self._all(result, query)
            has_more = result.has_more
        else:
            entities = chosen(found.entities, query)
            count = len(entities) if query.counts else None
            page = entities[query.skip : query.skip + query.top]
            n, has_more = len(page), len(entities) > query.skip + query.top
            if not is_within:
                check_room(self._graph, page, (), query.expand)
            items = [self._entity(entity, query) for entity in page]
        answer: dict[str, Any] = {}
        if count is not None:
            answer[self._dialect.count] = count
        if has_more and n:
            answer[self._dialect.next_link] = self._next(path, query.options, query.skip + n)
        return {**answer, "value": items}

    def references(self, found: EntitySet, query: Query, path: str) -> dict[str, Any]:
        """Return the links of a page of an entity set alone."""
        page = self.page(found, replace(query, select=(), expand=(), is_data_array=False), f"{path}/$ref")
        link = self._dialect.self_link
        return {**page, "value": [{link: item[link]} for item in page["value"]]}

    def entity(self, entity: Entity, query: Query) -> dict[str, Any]:
        """Return an entity; TooMuchAsked if it holds too much."""
        check_room(self._graph, [entity], (), query.expand)
        return self._entity(entity, query)

    def _entity(self, entity: Entity, query: Query) -> dict[str, Any]:
        self._room.take()
        dialect = self._dialect
        answer = self._head(entity.set, entity.id, query)
        for name in dialect.types[entity.set].properties:
            if _is_selected(query, name):
                answer[name] = _narrowed(query, name, self.plain(entity.values.get(name)))
        expanded = {expand.relation for expand in query.expand}
        for relation in dialect.types[entity.set].relations:
            if relation.name not in expanded and _is_selected(query, relation.name):
                answer[relation.name + dialect.navigation] = (
                    f"{self.self_link(entity.set, entity.id)}/{relation.name}"
                )
        for expand in query.expand:
            self._expand(answer, entity, expand)
        return answer

    def observation(self, observation: Observation, query: Query) -> dict[str, Any]:
        """Return an observation."""
        self._room.take()
        dialect, identity = self._dialect, observation.id
        answer = self._head(OBSERVATIONS, identity, query)
        for name, value in observation_values(observation, self._graph).items():
            if _is_selected(query, name):
                answer[name] = _narrowed(query, name, self._of_observation(name, value))
        expanded = {expand.relation: expand.query for expand in query.expand}
        others = {"Datastream": observation.stream.entity, dialect.feature: observation.stream.feature}
        for name, other in others.items():
            if name in expanded:
                answer[name] = self._entity(other, expanded[name])
            elif _is_selected(query, name):
                answer[name + dialect.navigation] = f"{self.self_link(OBSERVATIONS, identity)}/{name}"
        return answer

    def plain(self, value: Any) -> Any:
        """Return a property as JSON has it."""
        if isinstance(value, datetime):
            return time_text(value)
        if isinstance(value, Interval):
            start, end = time_text(value.start), time_text(value.end)
            return f"{start}/{end}" if self._dialect.is_old else {"start": start, "end": end}
        made = value.get("created") if isinstance(value, dict) else None
        if isinstance(made, dict) and "receipt" in made:
            return {**value, "created": {**made, "receipt": self._host + made["receipt"]}}
        return value

    def _of_observation(self, name: str, value: Any) -> Any:
        if name == "phenomenonTime" and not self._dialect.is_old:
            return {"start": time_text(value)}
        if name in ("parameters", "properties"):
            return {**value, "receipt": self._host + value["receipt"]}
        return self.plain(value)

    def property_value(self, value: Any) -> Any:
        """Return a property of an entity or an observation that was asked for by itself."""
        if isinstance(value, dict) and "receipt" in value:
            return {**value, "receipt": self._host + value["receipt"]}
        return self.plain(value)

    def _head(self, entity_set: str, identity: str, query: Query) -> dict[str, Any]:
        dialect = self._dialect
        links = {dialect.self_link: self.self_link(entity_set, identity)}
        if query.select and (dialect.self_link,) not in query.select:
            links = {}
        named = {dialect.id: identity} if not query.select or ("id",) in query.select else {}
        return {**named, **links} if dialect.is_old else {**links, **named}

    def _expand(self, answer: dict[str, Any], entity: Entity, expand: Expand) -> None:
        relation = self._dialect.types[entity.set].relation(expand.relation)
        name, query = expand.relation, expand.query
        if relation is None or not relation.is_many:
            linked = entity.linked(name)
            answer[name] = self._entity(linked[0], query) if linked else None
            return
        is_observed = relation.target == OBSERVATIONS
        found = EntitySet(
            relation.target,
            () if is_observed else entity.linked(name),
            streams_of(self._graph, entity) if is_observed else (),
        )
        path = f"{self.self_link(entity.set, entity.id)[len(self._root) + 1 :]}/{name}"
        if self._as_of:
            query = replace(query, options=(*query.options, *self._as_of))
        page = self._page(found, query, path, is_within=True)
        for key, value in page.items():
            answer[name if key == "value" else name + key] = value

    def _found(self, streams: Sequence[Stream], query: Query) -> Found:
        self._room.search()
        asked = Asked(query.condition, query.order, query.skip, query.top, query.counts)
        return find(self._home, streams, asked, self._dialect)

    def _all(self, result: Found, query: Query) -> list[dict[str, Any]]:
        return [self.observation(observation, query) for observation in result.page]

    def _arrays(self, result: Found, query: Query) -> list[dict[str, Any]]:
        """Return observations in the ``dataArray`` format, a part for each datastream."""
        names = [name[0] for name in query.select if name[0] in _ARRAY] or list(_ARRAY)
        groups: dict[str, list[Any]] = {}
        for observation in result.page:
            self._room.take()
            values = observation_values(observation, self._graph)
            told = {"id": observation.id, **values}
            row = [self._of_observation(name, told[name]) for name in names]
            groups.setdefault(observation.stream.entity.id, []).append(row)
        return [
            {
                "Datastream@iot.navigationLink": self.self_link("Datastreams", identity),
                "components": names,
                "dataArray@iot.count": len(rows),
                "dataArray": rows,
            }
            for identity, rows in groups.items()
        ]

    def _next(self, path: str, options: Sequence[tuple[str, str]], skip: int) -> str:
        kept = [(name, value) for name, value in options if name != "$skip"]
        query = urlencode([*kept, ("$skip", str(skip))], quote_via=quote, safe=_IN_LINKS.strip())
        return f"{self._root}/{path}?{query}"


def _is_selected(query: Query, name: str) -> bool:
    return not query.select or any(path[0] == name for path in query.select)


def _narrowed(query: Query, name: str, value: Any) -> Any:
    """Return an object with the parts alone that are selected."""
    paths = [path[1:] for path in query.select if path[0] == name]
    if not isinstance(value, dict) or not paths or () in paths:
        return value
    answer: dict[str, Any] = {}
    for path in sorted(paths, key=len):
        source: Any = value
        target: Any = answer
        for step in path[:-1]:
            source = source.get(step) if isinstance(source, dict) else None
            target = target.setdefault(step, {}) if isinstance(target, dict) else {}
        if isinstance(source, dict) and isinstance(target, dict) and path[-1] in source:
            target.setdefault(path[-1], source[path[-1]])
    return answer
