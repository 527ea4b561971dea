"""The functions of ``$filter``, each twice: for values, one entity at a time, and for columns of many.

Both must agree, which a test holds them to. A function of a value that is absent, or of another kind
than it takes, is absent. Numbers are float64 throughout; times are in UTC.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from veracity.server.sensorthings import geometry, relations
from veracity.server.sensorthings.expression import Interval
from veracity.server.sensorthings.geometry import Geometry

MAX_TEXT = 100_000  #: characters of a text that a function makes
_BLANKS = " \t\r\n\f\v"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NUMBER, TEXT, BOOL, TIME, DATE, CLOCK, DURATION = (
    "number",
    "text",
    "bool",
    "time",
    "date",
    "clock",
    "duration",
)
INTERVAL, GEOMETRY, NOTHING, OTHER = "interval", "geometry", "nothing", "other"


def kind_of(value: Any) -> str:
    """Return the kind of a value; NaN and infinities are nothing."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, (int, float)):
        return NUMBER if math.isfinite(value) else NOTHING
    kinds = {
        str: TEXT,
        datetime: TIME,
        date: DATE,
        time: CLOCK,
        timedelta: DURATION,
        Interval: INTERVAL,
        Geometry: GEOMETRY,
    }
    return kinds.get(type(value), OTHER)


@dataclass(frozen=True)
class Function:
    """A function: the kinds of its arguments, of what it gives, and how it is computed.

    ``of_columns`` is None where it is only ever asked of entities, not of rows. ``least`` arguments must
    be given.
    """

    kinds: tuple[str, ...]
    gives: str
    of_values: Callable[..., Any]
    of_columns: Callable[..., pl.Expr] | None = None
    least: int = -1

    def __post_init__(self) -> None:
        if self.least < 0:
            object.__setattr__(self, "least", len(self.kinds))


def half_up(number: float) -> float:
    """Round to the nearest whole number, halves away from zero."""
    return math.copysign(math.floor(abs(number) + 0.5), number)


def _half_up_columns(x: pl.Expr) -> pl.Expr:
    return x.sign() * (x.abs() + 0.5).floor()


def _substring(text: str, start: float, n: float | None = None) -> str:
    first = max(math.floor(start), 0)
    return text[first:] if n is None else text[first : first + max(math.floor(n), 0)]


def _substring_columns(text: pl.Expr, start: pl.Expr, n: pl.Expr | None = None) -> pl.Expr:
    first = _count(start)
    return text.str.slice(first) if n is None else text.str.slice(first, _count(n))


def _count(x: pl.Expr) -> pl.Expr:
    return x.floor().clip(0, 2**40).cast(pl.UInt64)


def _indexof_columns(text: pl.Expr, part: pl.Expr) -> pl.Expr:
    head = text.str.split(part, inclusive=False).list.first().str.len_chars().cast(pl.Float64)
    found = text.str.contains(part, literal=True)
    return pl.when(part == "").then(0.0).when(found).then(head).otherwise(-1.0)


def _instant(value: datetime | date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)


def _part(name: str) -> Function:
    return Function(
        (TIME,),
        NUMBER,
        lambda t: float(getattr(_instant(t), name)),
        lambda t: getattr(t.dt, name)().cast(pl.Float64),
    )


def _relation(name: str) -> Function:
    return Function((GEOMETRY, GEOMETRY), BOOL, relations.RELATIONS[name])


def _relate(a: Geometry, b: Geometry, pattern: str) -> bool:
    if len(pattern) != 9 or set(pattern.upper()) - set("TF*012"):
        raise ValueError(f"want a pattern of nine T, F, *, 0, 1 or 2, got {pattern[:20]!r}")
    return relations.is_related(relations.matrix(a, b), pattern.upper())


FUNCTIONS: dict[str, Function] = {
    "contains": Function(
        (TEXT, TEXT), BOOL, lambda a, b: b in a, lambda a, b: a.str.contains(b, literal=True)
    ),
    "substringof": Function(
        (TEXT, TEXT), BOOL, lambda a, b: a in b, lambda a, b: b.str.contains(a, literal=True)
    ),
    "startswith": Function((TEXT, TEXT), BOOL, str.startswith, lambda a, b: a.str.starts_with(b)),
    "endswith": Function((TEXT, TEXT), BOOL, str.endswith, lambda a, b: a.str.ends_with(b)),
    "length": Function(
        (TEXT,), NUMBER, lambda a: float(len(a)), lambda a: a.str.len_chars().cast(pl.Float64)
    ),
    "indexof": Function((TEXT, TEXT), NUMBER, lambda a, b: float(a.find(b)), _indexof_columns),
    "substring": Function((TEXT, NUMBER, NUMBER), TEXT, _substring, _substring_columns, least=2),
    "tolower": Function((TEXT,), TEXT, str.lower, lambda a: a.str.to_lowercase()),
    "toupper": Function((TEXT,), TEXT, str.upper, lambda a: a.str.to_uppercase()),
    "trim": Function((TEXT,), TEXT, lambda a: a.strip(_BLANKS), lambda a: a.str.strip_chars(_BLANKS)),
    "concat": Function(
        (TEXT, TEXT),
        TEXT,
        lambda a, b: (a + b)[:MAX_TEXT],
        lambda a, b: pl.concat_str(a, b).str.head(MAX_TEXT),
    ),
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": _part("second"),
    "fractionalseconds": Function(
        (TIME,),
        NUMBER,
        lambda t: _instant(t).microsecond / 1e6,
        lambda t: t.dt.microsecond().cast(pl.Float64) / 1e6,
    ),
    "date": Function((TIME,), DATE, lambda t: _instant(t).date(), lambda t: t.dt.date()),
    "time": Function((TIME,), CLOCK, lambda t: _instant(t).time(), lambda t: t.dt.time()),
    "totaloffsetminutes": Function(
        (TIME,), NUMBER, lambda _: 0.0, lambda t: pl.when(t.is_not_null()).then(0.0)
    ),
    "now": Function((), TIME, lambda: datetime.now(UTC)),
    "mindatetime": Function((), TIME, lambda: _EPOCH.replace(year=1)),
    "maxdatetime": Function((), TIME, lambda: datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    "round": Function((NUMBER,), NUMBER, half_up, _half_up_columns),
    "floor": Function((NUMBER,), NUMBER, lambda x: float(math.floor(x)), lambda x: x.floor()),
    "ceiling": Function((NUMBER,), NUMBER, lambda x: float(math.ceil(x)), lambda x: x.ceil()),
    "geo.distance": Function((GEOMETRY, GEOMETRY), NUMBER, geometry.distance),
    "geo.length": Function((GEOMETRY,), NUMBER, geometry.length),
    **{name: _relation(name) for name in relations.RELATIONS},
    "st_relate": Function((GEOMETRY, GEOMETRY, TEXT), BOOL, _relate),
}
