"""Query options parsed: ``$select``, ``$expand`` with its own options, ``$orderby``, ``$top`` and so on.

All of it is bounded: how deep and how many relations are expanded, how many are skipped and given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from veracity.errors import Malformed
from veracity.home.clock import parse_time
from veracity.server.sensorthings.entities import checked
from veracity.server.sensorthings.errors import MalformedQuery, UnsupportedQuery
from veracity.server.sensorthings.expression import Node
from veracity.server.sensorthings.filter import parse_filter, parse_order
from veracity.server.sensorthings.schema import Dialect, EntityType, relation_of

TOP = 100  #: entities on a page, unless asked otherwise
MAX_TOP = 10_000
MAX_SKIP = 10**10
MAX_EXPAND_DEPTH = 5
MAX_EXPANDS = 20
MAX_SELECTS = 50
MAX_CHARS = 8_000


@dataclass(frozen=True)
class Query:
    """What is asked of an entity set, or of an entity.

    ``select`` () means all. ``order``: expressions, and whether they descend.
    """

    select: tuple[tuple[str, ...], ...] = ()
    expand: tuple["Expand", ...] = ()
    condition: Node | None = None
    order: tuple[tuple[Node, bool], ...] = ()
    top: int = TOP
    skip: int = 0
    counts: bool = False
    is_data_array: bool = False
    as_of: datetime | None = None
    options: tuple[tuple[str, str], ...] = ()  # as they were given


@dataclass(frozen=True)
class Expand:
    """A relation whose entities are given within."""

    relation: str
    query: Query = field(default_factory=Query)


def parse_query(options: Sequence[tuple[str, str]], dialect: Dialect, entity_set: str) -> Query:
    """Parse the options of a request for entities of a set.

    Raises
    ------
    MalformedQuery, MalformedFilter, UnsupportedQuery
        If there is an option that is none, comes twice, or says nothing that it can.
    """
    return _parsed(options, dialect, entity_set, 0)


def _parsed(options: Sequence[tuple[str, str]], dialect: Dialect, entity_set: str, depth: int) -> Query:
    query, seen = Query(), set[str]()
    for name, value in options:
        if not name.startswith("$") and name != "asOf":
            if depth:
                raise MalformedQuery(f"expand: want options that begin with $, got {name[:60]!r}")
            continue
        if name in seen:
            raise MalformedQuery(f"{name[:60]}: want it once, got it twice")
        seen.add(name)
        if len(value) > MAX_CHARS:
            raise MalformedQuery(f"{name[:60]}: want at most {MAX_CHARS} characters, got {len(value)}")
        query = _with(query, name, value, dialect, entity_set, depth)
    return replace(query, options=tuple(options))


def _with(query: Query, name: str, value: str, dialect: Dialect, entity_set: str, depth: int) -> Query:
    if name in ("$select", "$expand") and not value.strip():
        return query
    if name == "$filter":
        return replace(query, condition=checked(parse_filter(value), dialect, entity_set))
    if name == "$orderby":
        order = tuple((checked(n, dialect, entity_set), down) for n, down in parse_order(value))
        return replace(query, order=order)
    if name == "$select":
        return replace(query, select=_selected(value, dialect.types[entity_set], dialect))
    if name == "$expand":
        return replace(query, expand=_expanded(value, dialect, entity_set, depth + 1))
    if name == "$top":
        return replace(query, top=min(_count(name, value, 10**12), MAX_TOP))
    if name == "$skip":
        return replace(query, skip=_count(name, value, MAX_SKIP))
    if name == "$count":
        if value not in ("true", "false"):
            raise MalformedQuery(f"$count: want true or false, got {value[:60]!r}")
        return replace(query, counts=value == "true")
    if depth == 0 and name == "$resultFormat":
        if value != "dataArray" or entity_set != "Observations" or not dialect.is_old:
            raise UnsupportedQuery(
                f"$resultFormat: want dataArray of observations of 1.1, got {value[:60]!r}"
            )
        return replace(query, is_data_array=True)
    if depth == 0 and name == "$format" and not dialect.is_old:
        if value not in ("json", "application/json"):
            raise UnsupportedQuery(f"$format: want json, got {value[:60]!r}")
        return query
    if depth == 0 and name == "asOf":
        return replace(query, as_of=parse_as_of(value))
    raise MalformedQuery(f"query: want an option of the standard, got {name[:60]!r}")


def parse_as_of(value: str) -> datetime:
    """Parse the time as of which the city is asked; MalformedQuery."""
    try:
        return parse_time("asOf", value.replace(" ", "+"))
    except Malformed as exc:
        raise MalformedQuery(str(exc)) from exc


def _count(name: str, value: str, most: int) -> int:
    if not value.isascii() or not value.isdecimal() or len(value) > 13 or int(value) > most:
        raise MalformedQuery(f"{name}: want a whole number of at most {most}, got {value[:40]!r}")
    return int(value)


def _selected(value: str, kind: EntityType, dialect: Dialect) -> tuple[tuple[str, ...], ...]:
    if value.startswith("distinct:"):
        raise UnsupportedQuery("$select: want names, got distinct, which this server does not have")
    names = [tuple(part.strip().split("/")) for part in value.split(",")]
    known = {*kind.properties, *(r.name for r in kind.relations), "id", dialect.id, dialect.self_link}
    if len(names) > MAX_SELECTS:
        raise MalformedQuery(f"$select: want at most {MAX_SELECTS} names, got {len(names)}")
    for name in names:
        if name[0] not in known or len(name) > 4:
            raise MalformedQuery(
                f"$select: want names of {kind.set} ({', '.join(sorted(known))}), got {name[0][:60]!r}"
            )
    return tuple(("id",) if name == (dialect.id,) else name for name in names)


def _expanded(value: str, dialect: Dialect, entity_set: str, depth: int) -> tuple[Expand, ...]:
    if depth > MAX_EXPAND_DEPTH:
        raise MalformedQuery(f"$expand: want at most {MAX_EXPAND_DEPTH} levels, got more")
    items = split(value, ",")
    if len(items) > MAX_EXPANDS:
        raise MalformedQuery(f"$expand: want at most {MAX_EXPANDS} relations, got {len(items)}")
    return tuple(_expand(item.strip(), dialect, entity_set, depth) for item in items)


def _expand(item: str, dialect: Dialect, entity_set: str, depth: int) -> Expand:
    """Parse one item: a relation, over others (``Datastream/Thing``), and its options in brackets."""
    path, bracket, rest = item.partition("(")
    first, slash, others = path.partition("/")
    relation = relation_of(dialect, entity_set, first.strip())
    if relation is None:
        known = ", ".join(r.name for r in dialect.types[entity_set].relations)
        raise MalformedQuery(f"$expand: want relations of {entity_set} ({known}), got {first[:60]!r}")
    if slash:
        inner = _expanded(f"{others}{bracket}{rest}", dialect, relation.target, depth + 1)
        return Expand(relation.name, Query(expand=inner))
    if not bracket:
        return Expand(relation.name)
    if not rest.endswith(")"):
        raise MalformedQuery(f"$expand: want a closing bracket, got {item[-20:]!r}")
    options = []
    for option in split(rest[:-1], ";"):
        name, _, value = option.strip().partition("=")
        options.append((name.strip(), value))
    return Expand(relation.name, _parsed(options, dialect, relation.target, depth))


def split(text: str, sign: str) -> list[str]:
    """Split a text at a sign, but within quotes and brackets.

    Raises
    ------
    MalformedQuery
        If a quote or a bracket is not closed.

    Examples
    --------
    >>> split("a(b,c),d", ",")
    ['a(b,c)', 'd']
    """
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth < 0:
                break
        elif char == sign and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    if depth or quoted:
        raise MalformedQuery(f"query: want every quote and bracket closed, got {text[:60]!r}")
    return [*parts, text[start:]]
