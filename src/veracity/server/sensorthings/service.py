"""Requests answered: a snapshot of the city, a path, a query, and JSON out of the three."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from veracity.data.errors import TableMismatch
from veracity.home.home import Home
from veracity.server.city_reader import CityReader
from veracity.server.sensorthings.bodies import parse_json
from veracity.server.sensorthings.building import build_graph
from veracity.server.sensorthings.cache import DEFAULT_BYTES, ByteCache
from veracity.server.sensorthings.describing import INSIDE, describe
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.errors import MalformedQuery, NoSuchEntity
from veracity.server.sensorthings.feed_columns import FeedColumns
from veracity.server.sensorthings.finding import EntitySet, Property, Target, resolve
from veracity.server.sensorthings.graph import Graph
from veracity.server.sensorthings.judging import check_inside
from veracity.server.sensorthings.known_streams import KnownStreams
from veracity.server.sensorthings.ledger import Ledger
from veracity.server.sensorthings.posting import Posted, parse_arrays, parse_observation
from veracity.server.sensorthings.query import Query, parse_as_of, parse_query
from veracity.server.sensorthings.rendering import Renderer
from veracity.server.sensorthings.resource_path import Step, parse_path
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.sent import Making, Sent
from veracity.server.sensorthings.snapshot import Snapshot, Store, take_snapshot
from veracity.server.sensorthings.taking import Sender, Taker, entities_of, observations_of

MAX_SNAPSHOTS = 6
Options = Sequence[tuple[str, str]]
_T = TypeVar("_T")
_S = TypeVar("_S", bound=Sent)


class Raw:
    """A value that was asked for by itself, as text."""

    def __init__(self, text: str) -> None:
        self.text = text


class Service:
    """The SensorThings interface of a city; safe to use from many threads.

    What was decoded of data files is kept, of ``cache_bytes`` together. ``new_id`` gives 16 hexadecimal
    digits that it never gave before.
    """

    def __init__(
        self,
        city: CityReader,
        cache_bytes: int = DEFAULT_BYTES,
        new_id: Callable[[], str] = lambda: token_hex(8),
    ) -> None:
        self._city, self._new_id = city, new_id
        self.cache = ByteCache(cache_bytes)
        self._make_store()
        self._snapshots: OrderedDict[tuple[int, datetime | None], Snapshot] = OrderedDict()
        self._graphs: OrderedDict[tuple[int, datetime | None, str], Graph] = OrderedDict()
        self._latest: dict[str, Graph] = {}
        self._lock = Lock()
        self._taker = Taker(city.root, city.clock)

    def _make_store(self) -> None:
        self._store = Store(lambda n: FeedColumns(n, self.cache), lambda n: Ledger(n, self.cache))

    @property
    def n_waiting(self) -> int:
        """How many requests wait to be sealed."""
        return self._taker.n_waiting

    def read(self, dialect: Dialect, path: str, options: Options, host: str) -> dict[str, Any] | Raw | None:
        """Answer a GET: JSON, a raw value, or None where a value is null.

        Parameters
        ----------
        path
            What stands after the version.
        options
            The query's names and values, in order.
        host
            The URL of the server.

        Raises
        ------
        NoSuchEntity
            If the path leads to nothing.
        MalformedQuery, MalformedFilter, UnsupportedQuery, TooMuchAsked
            If the query cannot be answered.
        """
        steps = parse_path(path)
        special = [s.name for s in steps if s.name.startswith("$")]
        if special and (len(special) > 1 or not steps[-1].name.startswith("$") or len(steps) == 1):
            raise NoSuchEntity(f"path: want {special[0]} at its end, got it elsewhere")
        steps = steps[:-1] if special else steps
        said = next((value for name, value in options if name == "asOf"), None)
        as_of = None if said is None else parse_as_of(said)
        return self._with_home(
            lambda home: self._answer(home, dialect, steps, "".join(special), options, host, as_of, said)
        )

    def graph(self, home: Home, dialect: Dialect, as_of: datetime | None = None) -> Graph:
        """Return the entities as known at a time, or now."""
        size = home.index.size
        key = (size, as_of, dialect.version)
        with self._lock:
            found = self._graphs.get(key)
            if found is None:
                snapshot = self._snapshots.get((size, as_of)) or take_snapshot(home, self._store, as_of)
                found = build_graph(snapshot, dialect)
                self._snapshots[size, as_of], self._graphs[key] = snapshot, found
                if as_of is None:
                    self._latest[dialect.version] = found
                while len(self._snapshots) > MAX_SNAPSHOTS:
                    self._snapshots.popitem(last=False)
                while len(self._graphs) > MAX_SNAPSHOTS:
                    self._graphs.popitem(last=False)
            return found

    def observation(
        self, dialect: Dialect, body: bytes, sender: Sender, datastream: str | None = None
    ) -> Sent:
        """Return an observation that was sent, let to wait for its turn to be sealed.

        Raises
        ------
        NoSuchEntity
            If there is no such datastream as the path says.
        MalformedObservation, NotCreatable
            If it is none that a feed takes, or not from this sender.
        PostsWaiting
            If too much waits.
        """

        def parsed(home: Home) -> Posted:
            streams = self._streams(home, dialect)
            if datastream is not None and streams.get(datastream) is None:
                raise NoSuchEntity(f"Datastreams: want an entity there is, got {datastream[:120]!r}")
            return parse_observation(body, streams, self._city.clock(), datastream)

        return self._put(observations_of(sender, [self._with_home(parsed)]))

    def observations(self, dialect: Dialect, body: bytes, sender: Sender) -> Sent:
        """Return many observations that were sent as arrays, let to wait; errors as ``observation``."""
        now = self._city.clock()
        posted = self._with_home(lambda home: parse_arrays(body, self._streams(home, dialect), now))
        return self._put(observations_of(sender, posted))

    def entity(
        self,
        dialect: Dialect,
        entity_set: str,
        body: bytes,
        sender: Sender,
        inside: tuple[str, str] | None = None,
    ) -> Making:
        """Return an entity that was sent, with those inside it, let to wait.

        Parameters
        ----------
        inside
            The set and the identifier of the entity whose relation it was sent to.

        Raises
        ------
        NoSuchEntity
            If there is no such entity as the path says.
        MalformedEntity, MalformedObservation, NotCreatable
            See ``describe`` and ``entities_of``.
        NotAccepted
            If an observation in it breaks a rule.
        PostsWaiting
            If too much waits.
        """
        said = parse_json(body)
        graph = self._with_home(lambda home: self.graph(home, dialect))
        owner = None
        if inside is not None:
            if inside[1] not in graph.of_set(inside[0]):
                raise NoSuchEntity(f"{inside[0]}: want an entity there is, got {inside[1][:120]!r}")
            owner = INSIDE[inside[0], entity_set], inside[1]
        now, digest = self._city.clock(), sha256(body).hexdigest()
        plan = describe(said, entity_set, graph, self._new_id, now, owner, digest)
        making = entities_of(sender, plan, body.decode(), now)
        check_inside(plan.observations, now)
        return self._put(making)

    def _put(self, sent: _S) -> _S:
        self._taker.put(sent)
        return sent

    def _streams(self, home: Home, dialect: Dialect) -> KnownStreams:
        with self._lock:
            before = self._latest.get(dialect.version)
        return KnownStreams(before, home, lambda: self.graph(home, dialect))

    def _with_home(self, work: Callable[[Home], _T]) -> _T:
        """Do work that reads; once more, if files were rewritten meanwhile and are gone."""
        with self._city.home() as home:
            try:
                return work(home)
            except TableMismatch:
                with self._lock:
                    self._snapshots.clear()
                    self._graphs.clear()
                    self._latest.clear()
                home.reopen_tables()
                return work(home)

    def _answer(
        self,
        home: Home,
        dialect: Dialect,
        steps: Sequence[Step],
        special: str,
        options: Options,
        host: str,
        as_of: datetime | None,
        said: str | None,
    ) -> dict[str, Any] | Raw | None:
        graph = self.graph(home, dialect, as_of)
        target = resolve(home, graph, steps)
        root = f"{host}/{dialect.prefix}"
        renderer = Renderer(home, graph, root, host, said)
        query = parse_query(options, dialect, _set_of(target)) if _set_of(target) else Query()
        if special == "$value" and not isinstance(target, Property):
            raise NoSuchEntity("path: want a property before $value, got entities")
        if special == "$ref" and isinstance(target, Property):
            raise NoSuchEntity("path: want entities before $ref, got a property")
        if isinstance(target, EntitySet):
            path = _path_text(steps)
            page = renderer.references if special == "$ref" else renderer.page
            return self._with_context(dialect, root, target.name, page(target, query, path))
        if isinstance(target, Property):
            value = renderer.property_value(target.value)
            if value is None:
                return None
            return Raw(_raw(value)) if special == "$value" else {target.name: value}
        if query.condition is not None or query.order or query.counts or query.skip:
            raise MalformedQuery("query: want $select and $expand of one entity, got options of many")
        if isinstance(target, Entity):
            answer = renderer.entity(target, query)
        else:
            answer = renderer.observation(target, query)
        if special == "$ref":
            return {dialect.self_link: renderer.self_link(_set_of(target), _id_of(target))}
        return self._with_context(dialect, root, f"{_set_of(target)}/$entity", answer)

    @staticmethod
    def _with_context(dialect: Dialect, root: str, what: str, answer: dict[str, Any]) -> dict[str, Any]:
        return answer if dialect.is_old else {"@context": f"{root}/$metadata#{what}", **answer}


def _set_of(target: Target) -> str:
    if isinstance(target, EntitySet):
        return target.name
    if isinstance(target, Property):
        return ""
    return target.set if isinstance(target, Entity) else "Observations"


def _id_of(target: Any) -> str:
    return str(target.id)


def _raw(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _path_text(steps: Sequence[Step]) -> str:
    parts = []
    for step in steps:
        inner = "" if step.id is None else "('" + quote(step.id.replace("'", "''"), safe=":~!.'") + "')"
        parts.append(step.name + inner)
    return "/".join(parts)
