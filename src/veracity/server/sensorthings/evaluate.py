"""A ``$filter`` on one entity at a time: what is absent makes a comparison neither true nor false.

The rules of comparing, joining and computing values stand here; ``columns`` has them for many rows.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from veracity.server.sensorthings import functions as kinds
from veracity.server.sensorthings.budget import Budget
from veracity.server.sensorthings.errors import MalformedFilter, UnsupportedQuery
from veracity.server.sensorthings.expression import AnyOf, Call, Interval, Literal, Node, Path
from veracity.server.sensorthings.functions import FUNCTIONS, kind_of
from veracity.server.sensorthings.geometry import point_of_geojson
from veracity.server.sensorthings.lexer import parse_stamp

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
ARITHMETIC = ("add", "sub", "mul", "div", "mod")


class Resolver(Protocol):
    """What knows the paths of an entity."""

    def value(self, steps: tuple[str, ...]) -> Any:
        """Return what a path leads to; None if nothing is there. UnknownProperty if it cannot be."""

    def related(self, steps: tuple[str, ...]) -> "Sequence[Resolver]":
        """Return the entities of a relation."""


def evaluate(
    node: Node,
    entity: Resolver,
    budget: Budget | None = None,
    variables: Mapping[str, Resolver] | None = None,
) -> Any:
    """Return the value of an expression for an entity, None if it has none.

    ``budget`` is of the whole request: give the same for all of its entities.

    Raises
    ------
    MalformedFilter
        If a path leads to no property of such an entity, or a function cannot be computed.
    TooMuchAsked
        If an ``any`` would look at more than the budget has.
    """
    if isinstance(node, Literal):
        return node.value
    known = variables or {}
    if isinstance(node, Path):
        owner = known.get(node.steps[0])
        return entity.value(node.steps) if owner is None else owner.value(node.steps[1:])
    budget = budget or Budget()
    if isinstance(node, AnyOf):
        owner = known.get(node.path.steps[0])
        steps = node.path.steps if owner is None else node.path.steps[1:]
        others = (owner or entity).related(steps)
        budget.spend(len(steps) * len(others))
        for other in others:
            budget.spend(1)
            if evaluate(node.condition, entity, budget, {**known, node.variable: other}) is True:
                return True
        return False
    return _call(node, lambda part: evaluate(part, entity, budget, known))


def _call(node: Call, value_of: Callable[[Node], Any]) -> Any:
    name = node.name
    if name in ("and", "or"):
        return joined(name, (value_of(argument) for argument in node.arguments))
    if name == "not":
        value = value_of(node.arguments[0])
        return None if not isinstance(value, bool) else not value
    values = [value_of(argument) for argument in node.arguments]
    if name in COMPARISONS:
        return compared(name, values[0], values[1])
    if name == "in":
        return joined("or", (compared("eq", values[0], other) for other in values[1:]))
    if name in ARITHMETIC:
        return computed(name, values[0], values[1])
    return applied(name, values)


def joined(word: str, values: Iterable[Any]) -> bool | None:
    """Return ``and`` or ``or`` of three-valued truths; what is no truth is unknown."""
    decides, is_unknown = word == "or", False
    for value in values:
        truth = value if isinstance(value, bool) else None
        if truth is decides:
            return truth
        is_unknown |= truth is None
    return None if is_unknown else not decides


def compared(word: str, a: Any, b: Any) -> bool | None:
    """Compare two values: with nothing only ``eq`` and ``ne`` say anything, of two kinds none does."""
    a, b = _alike(a, b)
    of_a, of_b = kind_of(a), kind_of(b)
    if kinds.NOTHING in (of_a, of_b):
        return (of_a == of_b) is (word == "eq") if word in ("eq", "ne") else None
    if kinds.INTERVAL in (of_a, of_b):
        return _of_intervals(word, a, b)
    if of_a != of_b or of_a in (kinds.OTHER, kinds.GEOMETRY):
        return None
    result: bool = {
        "eq": lambda: a == b,
        "ne": lambda: a != b,
        "gt": lambda: a > b,
        "ge": lambda: a >= b,
        "lt": lambda: a < b,
        "le": lambda: a <= b,
    }[word]()
    return result


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a day or a text as an instant, if the other is one."""
    for one, other, back in ((a, b, False), (b, a, True)):
        if kind_of(one) in (kinds.TIME, kinds.INTERVAL) and kind_of(other) in (kinds.DATE, kinds.TEXT):
            return (as_instant(other), one) if back else (one, as_instant(other))
    return a, b


def as_instant(value: date | str) -> datetime | None:
    """Return the beginning of a day, or the instant that a text says; None of another text."""
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        return parse_stamp(value) if len(value) <= 40 else None
    except (ValueError, OverflowError):
        return None


def _of_intervals(word: str, a: Any, b: Any) -> bool | None:
    one = _as_interval(a)
    other = _as_interval(b)
    if one is None or other is None:
        return None
    if word in ("eq", "ne"):
        return (one == other) is (word == "eq")
    return {
        "gt": one.start > other.end,
        "ge": one.start >= other.start,
        "lt": one.end < other.start,
        "le": one.end <= other.end,
    }[word]


def _as_interval(value: Any) -> Interval | None:
    if isinstance(value, datetime):
        return Interval(value, value)
    return value if isinstance(value, Interval) else None


def computed(word: str, a: Any, b: Any) -> Any:
    """Compute with numbers, instants and durations; None where that has no meaning or no finite value."""
    pair = kind_of(a), kind_of(b)
    try:
        if pair == (kinds.NUMBER, kinds.NUMBER):
            return _finite(_of_numbers(word, float(a), float(b)))
        if pair == (kinds.TIME, kinds.DURATION) and word in ("add", "sub"):
            return a + b if word == "add" else a - b
        if pair == (kinds.DURATION, kinds.TIME) and word == "add":
            return b + a
        if pair in ((kinds.TIME, kinds.TIME), (kinds.DURATION, kinds.DURATION)) and word == "sub":
            return a - b
        if pair == (kinds.DURATION, kinds.DURATION) and word == "add":
            return a + b
    except OverflowError:
        return None
    return None


def _of_numbers(word: str, a: float, b: float) -> float | None:
    if word in ("div", "mod") and b == 0:
        return None
    if word == "mod":
        return a - b * float(math.trunc(a / b))
    return a + b if word == "add" else a - b if word == "sub" else a * b if word == "mul" else a / b


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def applied(name: str, values: list[Any]) -> Any:
    """Apply a function; None if a value is absent or of another kind than it takes."""
    function = FUNCTIONS[name]
    taken = []
    for value, kind in zip(values, function.kinds, strict=False):
        fitted = _fitted(value, kind)
        if fitted is None:
            return None
        taken.append(fitted)
    try:
        return function.of_values(*taken)
    except ValueError as exc:
        raise UnsupportedQuery(f"filter: {name}: {exc}") from exc
    except OverflowError:
        return None


def _fitted(value: Any, kind: str) -> Any:
    found = kind_of(value)
    if kind == kinds.GEOMETRY and found == kinds.OTHER:
        return point_of_geojson(value)
    if kind == kinds.TIME and found == kinds.INTERVAL:
        return value.start
    if kind == kinds.TIME and found in (kinds.DATE, kinds.TEXT):
        return as_instant(value)
    return value if found == kind else None


def is_true(node: Node, entity: Resolver, budget: Budget | None = None) -> bool:
    """Tell whether an entity fulfils a condition; ``budget`` as ``evaluate`` has it.

    Raises
    ------
    MalformedFilter
        If the expression is no condition for it.
    TooMuchAsked
        As ``evaluate``.
    """
    value = evaluate(node, entity, budget)
    if value is not None and not isinstance(value, bool):
        raise MalformedFilter("filter: want a condition, got an expression of another kind")
    return value is True
