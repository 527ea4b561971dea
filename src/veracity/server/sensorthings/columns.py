"""A ``$filter`` on observations, many at once: the same rules as ``evaluate``, as Polars expressions.

Only what depends on the row itself becomes an expression over columns. What depends on the datastream
alone is computed once for each, by ``evaluate``, and looked up by the row's sensor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from veracity.server.sensorthings import functions as kinds
from veracity.server.sensorthings.errors import MalformedFilter, UnsupportedQuery
from veracity.server.sensorthings.evaluate import ARITHMETIC, COMPARISONS, as_instant, evaluate
from veracity.server.sensorthings.expression import AnyOf, Call, Interval, Node, Path, paths_of
from veracity.server.sensorthings.functions import FUNCTIONS, kind_of

SENSOR = "_sensor"  #: the column of the row's sensor, a whole number from 0
STAMP = pl.Datetime("us", "UTC")
_TYPES: dict[str, pl.DataType] = {
    kinds.NUMBER: pl.Float64(),
    kinds.TEXT: pl.String(),
    kinds.BOOL: pl.Boolean(),
    kinds.TIME: STAMP,
    kinds.DATE: pl.Date(),
    kinds.CLOCK: pl.Time(),
    kinds.DURATION: pl.Duration("us"),
    kinds.NOTHING: pl.Null(),
}


@dataclass(frozen=True)
class Column:
    """An expression over rows, and the kind of what it gives. ``constant`` if it is one, else None."""

    expression: pl.Expr
    kind: str
    constant: Any = None


@dataclass(frozen=True)
class Rows:
    """What rows have: a column for each path, and how to evaluate what depends on their sensor alone.

    ``by_sensor`` gives the value of an expression for each sensor, by its number; one value alone where it
    depends on no path.
    """

    columns: Mapping[tuple[str, ...], Column]
    by_sensor: Callable[[Node], Sequence[Any]]


def is_of_row(node: Node, rows: Rows) -> bool:
    """Tell whether an expression depends on more of a row than its sensor."""
    return any(path.steps in rows.columns for path in paths_of(node))


def condition(node: Node, rows: Rows) -> pl.Expr:
    """Return a condition as an expression, true or not; MalformedFilter if it is of another kind."""
    column = compiled(node, rows)
    if column.kind not in (kinds.BOOL, kinds.NOTHING):
        raise MalformedFilter("filter: want a condition, got an expression of another kind")
    return column.expression.fill_null(value=False) if column.kind == kinds.BOOL else pl.lit(value=False)


def compiled(node: Node, rows: Rows) -> Column:
    """Return an expression over the rows.

    Raises
    ------
    MalformedFilter, UnsupportedQuery
        If there is none.
    """
    if isinstance(node, Path) and node.steps in rows.columns:
        return rows.columns[node.steps]
    if not is_of_row(node, rows):
        return _looked_up(node, rows)
    if isinstance(node, AnyOf):
        raise UnsupportedQuery("filter: any: want a condition without the observation's own values, got one")
    assert isinstance(node, Call), "literals and other paths are not of a row"
    parts = [compiled(argument, rows) for argument in node.arguments]
    if node.name in ("and", "or"):
        return _joined(node.name, parts)
    if node.name == "not":
        return Column(~_truth(parts[0]), kinds.BOOL)
    if node.name in COMPARISONS:
        return _compared(node.name, parts[0], parts[1])
    if node.name == "in":
        return _joined("or", [_compared("eq", parts[0], other) for other in parts[1:]])
    if node.name in ARITHMETIC:
        return _computed(node.name, parts[0], parts[1])
    return _applied(node.name, parts)


def _looked_up(node: Node, rows: Rows) -> Column:
    values = rows.by_sensor(node)
    if not any(True for _ in paths_of(node)):
        return _constant(values[0])
    found = [kind_of(value) for value in values]
    kind = next((k for k in found if k != kinds.NOTHING), kinds.NOTHING)
    if kind not in _TYPES:
        raise UnsupportedQuery("filter: want a simple value to compare with an observation's, got another")
    held = [value if k == kind else None for value, k in zip(values, found, strict=True)]
    if kind == kinds.NUMBER:
        held = [None if value is None else float(value) for value in held]
    table = pl.Series(held, dtype=_TYPES[kind])
    return Column(pl.lit(table).gather(pl.col(SENSOR)), kind)


def _constant(value: Any) -> Column:
    kind = kind_of(value)
    if isinstance(value, Interval):
        return Column(pl.lit(None), kind, value)
    if kind not in _TYPES:
        raise UnsupportedQuery("filter: want a simple value to compare with an observation's, got another")
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return Column(pl.lit(value, dtype=_TYPES[kind]), kind, value)


def _nothing(kind: str) -> Column:
    return Column(pl.lit(None, dtype=_TYPES[kind]), kind)


def _truth(column: Column) -> pl.Expr:
    return column.expression if column.kind == kinds.BOOL else pl.lit(None, dtype=pl.Boolean())


def _joined(word: str, parts: Sequence[Column]) -> Column:
    truths = [_truth(part) for part in parts]
    joined = pl.all_horizontal(truths) if word == "and" else pl.any_horizontal(truths)
    return Column(joined, kinds.BOOL)


def _compared(word: str, a: Column, b: Column) -> Column:
    a, b = _alike(a, b), _alike(b, a)
    if isinstance(b.constant, Interval):
        return _with_interval(word, a, b.constant)
    if isinstance(a.constant, Interval):
        turned = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
        return _with_interval(turned.get(word, word), b, a.constant)
    if a.kind != b.kind:
        if word not in ("eq", "ne"):
            return _nothing(kinds.BOOL)
        no_a, no_b = a.expression.is_null(), b.expression.is_null()
        told = pl.when(no_a & no_b).then(word == "eq").when(no_a | no_b).then(word == "ne")
        return Column(told.otherwise(None), kinds.BOOL)
    x, y = a.expression, b.expression
    if word in ("eq", "ne"):
        return Column(x.eq_missing(y) if word == "eq" else x.ne_missing(y), kinds.BOOL)
    if a.kind == kinds.NOTHING:
        return _nothing(kinds.BOOL)
    return Column({"gt": x > y, "ge": x >= y, "lt": x < y, "le": x <= y}[word], kinds.BOOL)


def _alike(column: Column, other: Column) -> Column:
    """Return a day, or a text that says an instant, as an instant if the other is one."""
    if other.kind not in (kinds.TIME, kinds.INTERVAL) or column.kind not in (kinds.DATE, kinds.TEXT):
        return column
    if column.constant is not None:
        return _constant(as_instant(column.constant))
    return _as_time(column) if column.kind == kinds.DATE else column


def _as_time(column: Column) -> Column:
    if column.kind != kinds.DATE:
        return column
    return Column(column.expression.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), kinds.TIME)


def _with_interval(word: str, a: Column, b: Interval) -> Column:
    if a.kind != kinds.TIME:
        return _nothing(kinds.BOOL)
    x = a.expression
    start, end = pl.lit(b.start, dtype=STAMP), pl.lit(b.end, dtype=STAMP)
    is_same = ((x == start) & (x == end)).fill_null(value=False)
    told = {"gt": x > end, "ge": x >= start, "lt": x < start, "le": x <= end, "eq": is_same, "ne": ~is_same}
    return Column(told[word], kinds.BOOL)


def _computed(word: str, a: Column, b: Column) -> Column:
    x, y, pair = a.expression, b.expression, (a.kind, b.kind)
    if pair == (kinds.NUMBER, kinds.NUMBER):
        return Column(_finite(_of_numbers(word, x, y)), kinds.NUMBER)
    if pair == (kinds.TIME, kinds.DURATION) and word in ("add", "sub"):
        return Column(x + y if word == "add" else x - y, kinds.TIME)
    if pair == (kinds.DURATION, kinds.TIME) and word == "add":
        return Column(y + x, kinds.TIME)
    if pair in ((kinds.TIME, kinds.TIME), (kinds.DURATION, kinds.DURATION)) and word == "sub":
        return Column(x - y, kinds.DURATION)
    if pair == (kinds.DURATION, kinds.DURATION) and word == "add":
        return Column(x + y, kinds.DURATION)
    return Column(pl.lit(None), kinds.NOTHING)


def _of_numbers(word: str, x: pl.Expr, y: pl.Expr) -> pl.Expr:
    if word == "mod":
        quotient = x / y
        return x - y * pl.when(quotient < 0).then(quotient.ceil()).otherwise(quotient.floor())
    return x + y if word == "add" else x - y if word == "sub" else x * y if word == "mul" else x / y


def _finite(x: pl.Expr) -> pl.Expr:
    return pl.when(x.is_finite()).then(x)


def _applied(name: str, parts: Sequence[Column]) -> Column:
    function = FUNCTIONS[name]
    if function.of_columns is None:
        raise UnsupportedQuery(f"filter: {name}: want a place, got an observation's own value")
    fitted = []
    for part, kind in zip(parts, function.kinds, strict=False):
        taken = _as_time(part) if kind == kinds.TIME else part
        if taken.kind != kind:
            return Column(pl.lit(None, dtype=_TYPES[function.gives]), function.gives)
        fitted.append(taken.expression)
    made = function.of_columns(*fitted)
    known = pl.all_horizontal(x.is_not_null() for x in fitted)
    return Column(pl.when(known).then(made), function.gives)


def bounds(parts: Sequence[Node], path: tuple[str, ...]) -> tuple[datetime | None, datetime | None]:
    """Return between which instants a path must be, as conditions that all hold say it; None: unbounded.

    Both ends are inclusive, so that some rows between them may still not fulfil the conditions.
    """
    low: datetime | None = None
    high: datetime | None = None
    for part in parts:
        word, literal = _comparison(part, path)
        if literal is None:
            continue
        first = literal.start if isinstance(literal, Interval) else literal
        last = literal.end if isinstance(literal, Interval) else literal
        if word in ("gt", "ge", "eq"):
            at = last if word == "gt" else first
            low = at if low is None else max(low, at)
        if word in ("lt", "le", "eq"):
            at = first if word == "lt" else last
            high = at if high is None else min(high, at)
    return low, high


def compared_number(node: Node, path: tuple[str, ...]) -> tuple[str, float | None]:
    """Return the word and the number that a path is compared with; None if it is no such comparison."""
    word, value = _with_constant(node, path)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return word, float(value) if is_number else None


def _comparison(node: Node, path: tuple[str, ...]) -> tuple[str, datetime | Interval | None]:
    """Return the word and the instant that a path is compared with; None if it is no such comparison."""
    word, value = _with_constant(node, path)
    if isinstance(value, (str, date)) and not isinstance(value, datetime):
        value = as_instant(value)
    return word, value if isinstance(value, (datetime, Interval)) else None


def _with_constant(node: Node, path: tuple[str, ...]) -> tuple[str, Any]:
    """Return the word and the constant that a path is compared with; None if it is no such comparison."""
    if not isinstance(node, Call) or node.name not in ("eq", "gt", "ge", "lt", "le"):
        return "", None
    a, b = node.arguments
    turned = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
    word = node.name
    if isinstance(b, Path):
        a, b, word = b, a, turned.get(word, word)
    if not isinstance(a, Path) or a.steps != path or any(True for _ in paths_of(b)):
        return "", None
    return word, evaluate(b, NoEntity())


class NoEntity:
    """What constants are evaluated for."""

    def value(self, steps: tuple[str, ...]) -> Any:
        """Constants have no paths."""
        raise MalformedFilter(f"filter: want a constant, got {'/'.join(steps)[:80]}")

    def related(self, steps: tuple[str, ...]) -> list[Any]:
        """Constants have no relations."""
        raise MalformedFilter(f"filter: want a constant, got {'/'.join(steps)[:80]}")
