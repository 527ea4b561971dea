"""What a ``$filter`` says, parsed: literals, paths, calls. Operators are calls too, with their name."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from veracity.server.sensorthings.geometry import Geometry


@dataclass(frozen=True)
class Interval:
    """A stretch of time; both ends are in it."""

    start: datetime
    end: datetime


Constant = float | str | bool | datetime | date | time | timedelta | Interval | Geometry | None


@dataclass(frozen=True)
class Literal:
    """A value that stands in the text."""

    value: Constant


@dataclass(frozen=True)
class Path:
    """Names from an entity to a property, over relations and into objects: ``Datastream/Thing/name``."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function or an operator with its arguments."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class AnyOf:
    """Whether some entity of a relation fulfils a condition, in which it has a name."""

    path: Path
    variable: str
    condition: "Node"


Node = Literal | Path | Call | AnyOf


def paths_of(node: Node) -> Iterator[Path]:
    """Yield every path of an expression, those within ``any`` too."""
    if isinstance(node, Path):
        yield node
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from paths_of(argument)
    elif isinstance(node, AnyOf):
        yield node.path
        yield from paths_of(node.condition)


def conjuncts(node: Node | None) -> list[Node]:
    """Return the conditions that all have to be fulfilled: those that ``and`` joins."""
    if node is None:
        return []
    if isinstance(node, Call) and node.name == "and":
        return [part for argument in node.arguments for part in conjuncts(argument)]
    return [node]
