"""Entities and how they hang together: what a path leads to, one version's names."""

from dataclasses import dataclass, field
from typing import Any

from veracity.server.sensorthings.errors import MalformedFilter, UnsupportedQuery
from veracity.server.sensorthings.expression import AnyOf, Call, Interval, Node, Path
from veracity.server.sensorthings.schema import Dialect, relation_of

OBSERVATIONS = "Observations"


@dataclass(eq=False)
class Entity:
    """An entity that is held whole: any but observations.

    ``values`` are its properties, times as ``datetime`` or ``Interval``; ``links`` the entities that each
    relation leads to, but for observations, which are asked for.
    """

    dialect: Dialect
    set: str
    id: str
    values: dict[str, Any]
    links: dict[str, list["Entity"]] = field(default_factory=dict, repr=False)

    def value(self, steps: tuple[str, ...]) -> Any:
        """Return what a path leads to; None if nothing is there."""
        first, rest = steps[0], steps[1:]
        if first in ("id", self.dialect.id):
            return self.id if not rest else None
        if first in self.values:
            return inside(self.values[first], rest)
        others = self.linked(first)
        return others[0].value(rest) if others and rest else None

    def related(self, steps: tuple[str, ...]) -> list["Entity"]:
        """Return the entities of a relation, over others, each once."""
        found = [self]
        for step in steps:
            found = list({id(other): other for entity in found for other in entity.linked(step)}.values())
        return found

    def linked(self, name: str) -> list["Entity"]:
        """Return what a relation leads to."""
        if name == OBSERVATIONS:
            raise UnsupportedQuery(
                "filter: want conditions on observations asked of Observations, got others"
            )
        if name == "ObservedProperty" and name not in self.links:
            name = "ObservedProperties"
        return self.links.get(name, [])


def inside(value: Any, steps: tuple[str, ...]) -> Any:
    """Return what is inside an object, or the ends of an interval."""
    for step in steps:
        if isinstance(value, Interval):
            value = {"start": value.start, "end": value.end}.get(step)
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def checked(node: Node, dialect: Dialect, entity_set: str, known: dict[str, str] | None = None) -> Node:
    """Return an expression on entities of a set, its paths checked.

    A path that goes over a relation to many is taken as ``any`` of them, as users of 1.1 expect: the
    smallest condition that has it is fulfilled if one of them fulfils it.

    Raises
    ------
    MalformedFilter
        If a path leads to nothing that such an entity has.
    """
    names = known or {}
    if isinstance(node, AnyOf):
        owner, steps = _start(node.path, names, entity_set)
        relations = _walked(dialect, owner, steps)
        if len(relations) != len(steps) or not relations:
            raise MalformedFilter(f"filter: any: want relations, got {'/'.join(steps)[:80]}")
        inner = {**names, node.variable: relations[-1][0]}
        return AnyOf(node.path, node.variable, checked(node.condition, dialect, entity_set, inner))
    if isinstance(node, Call):
        if node.name not in ("and", "or", "not"):
            return _with_any(node, dialect, entity_set, names)
        return Call(node.name, tuple(checked(a, dialect, entity_set, names) for a in node.arguments))
    if isinstance(node, Path):
        _check(node, dialect, entity_set, names)
    return node


def _with_any(node: Call, dialect: Dialect, entity_set: str, names: dict[str, str]) -> Node:
    for path in _own_paths(node):
        owner, steps = _start(path, names, entity_set)
        relations = _walked(dialect, owner, steps)
        many = next((i for i, (_, is_many) in enumerate(relations) if is_many), None)
        if many is not None and len(steps) > many + 1:
            n = len(path.steps) - len(steps) + many + 1
            variable = f"${len(names) + 1}"
            condition = _renamed(node, path.steps[:n], variable)
            inner = {**names, variable: relations[many][0]}
            return AnyOf(Path(path.steps[:n]), variable, checked(condition, dialect, entity_set, inner))
        _check(path, dialect, entity_set, names)
    return Call(node.name, tuple(checked(a, dialect, entity_set, names) for a in node.arguments))


def _own_paths(node: Node) -> list[Path]:
    if isinstance(node, Path):
        return [node]
    return [p for a in node.arguments for p in _own_paths(a)] if isinstance(node, Call) else []


def _renamed(node: Node, prefix: tuple[str, ...], variable: str) -> Node:
    if isinstance(node, Path) and node.steps[: len(prefix)] == prefix:
        return Path((variable, *node.steps[len(prefix) :]))
    if isinstance(node, Call):
        return Call(node.name, tuple(_renamed(a, prefix, variable) for a in node.arguments))
    return node


def _start(path: Path, names: dict[str, str], entity_set: str) -> tuple[str, tuple[str, ...]]:
    """Return the entity set that a path starts at, and its steps from there."""
    first = path.steps[0]
    return (names[first], path.steps[1:]) if first in names else (entity_set, path.steps)


def _walked(dialect: Dialect, entity_set: str, steps: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Return the relations that a path begins with: where each leads, and whether to many."""
    found = []
    for step in steps:
        relation = relation_of(dialect, entity_set, step)
        if relation is None:
            break
        entity_set = relation.target
        found.append((entity_set, relation.is_many))
    return found


def _check(path: Path, dialect: Dialect, entity_set: str, names: dict[str, str]) -> None:
    owner, steps = _start(path, names, entity_set)
    relations = _walked(dialect, owner, steps)
    rest = steps[len(relations) :]
    last = dialect.types[relations[-1][0] if relations else owner]
    if not rest or rest[0] not in (*last.properties, "id", dialect.id):
        wanted = ", ".join(("id", *last.properties, *(r.name for r in last.relations)))
        raise MalformedFilter(f"{last.set}: want a property ({wanted}), got {'/'.join(path.steps)[:80]!r}")
