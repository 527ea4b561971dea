"""Values of a panel: ``GET /panels/{panel}/series`` and ``GET /panels/{panel}/values``.

Every cell says how it came to be. They are made for the reader from sealed rows, as an audit makes them.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.data.panel_definition import Column
from veracity.home.home import Home
from veracity.server.api.asking import (
    FIRST,
    LAST,
    MAX_ENTRY,
    AsOf,
    Cursor1,
    Limit,
    When,
    format_cursor,
    parse_cursor,
    parse_when,
    time_text,
)
from veracity.server.api.panel_known import KnownPanel, known_panel
from veracity.server.api.panel_part import Span, between, part_cells
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Shape, Time, next_url
from veracity.server.api.sharing import CityState
from veracity.server.api.state import Memory, MemoryState
from veracity.server.errors import NotThere

MAX_CELLS = 10_000  #: of one answer

ROUTER = APIRouter(tags=["panels"], route_class=ReadingRoute)

State = Literal["measured", "filled", "estimated", "missing"]
PanelName = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
ColumnName = Annotated[str, Query(min_length=1, max_length=64, description="A column of the panel.")]
PanelKey = Annotated[str | None, Query(max_length=256, description="One of the panel's keys, if it has any.")]
Built = Annotated[
    int | None,
    Query(
        ge=0,
        le=MAX_ENTRY,
        description="As the statement at this log entry says it was built, whatever as_of says.",
    ),
]


class PanelCell(Shape):
    """The value at one grid time: made from readings of its window, carried on, on a line, or unknown."""

    at: Time
    value: float | None
    state: State


class PanelKeyCell(Shape):
    """The value of one key at the grid time asked for."""

    key: str
    value: float | None
    state: State


class PanelHead(Shape):
    """A column of a panel as known. ``is_stated``: the statement at ``entry`` is of just these rows."""

    panel: str
    column: str
    entry: int
    is_stated: bool
    feed: str
    field: str
    unit: str | None
    aggregate: str
    every_s: float
    window_s: float
    fill: str
    longest_age_s: float
    simulated: bool


class PanelSeries(PanelHead):
    """Cells of one key by time, none left out. ``next`` is the address of those that follow."""

    key: str | None
    items: list[PanelCell]
    next: str | None


class PanelMoment(PanelHead):
    """Cells of every key at one grid time; null where the panel has no time then."""

    at: Time | None
    items: list[PanelKeyCell]
    next: str | None


@ROUTER.get("/panels/{panel}/series", response_model=PanelSeries)
def show_panel_series(
    request: Request,
    city: CityState,
    memory: MemoryState,
    panel: PanelName,
    column: ColumnName,
    key: PanelKey = None,
    from_: Annotated[
        str | None, Query(alias="from", max_length=64, json_schema_extra={"format": "date-time"})
    ] = None,
    to: When = None,
    as_of: AsOf = None,
    entry: Built = None,
    limit: Annotated[int, Query(ge=1, le=MAX_CELLS)] = 1_000,
    cursor: Cursor1 = None,
) -> Response:
    """Cells of one key from a time on; without ``from``, the last ones before ``to``."""
    start, end = parse_when("from", from_), parse_when("to", to)
    known, numbers = parse_when("as_of", as_of), parse_cursor(cursor, 1)

    def make(home: Home) -> PanelSeries:
        it = known_panel(home, panel, known, entry)
        of = it.column(column)
        _check_key(it, home, memory, key)
        span = between(it.span(home, memory), start if numbers is None else _time(numbers[0]), end)
        goes_on = start is not None or numbers is not None
        shown = _first(span, limit) if goes_on else _last(span, limit)
        after = _micros(span.at(shown.last + 1)) if goes_on and shown.last < span.last else None
        cells = part_cells(home, it.panel, of, shown, it.up_to, it.trust(home, memory, of), key)
        return PanelSeries(
            **_head(home, it, of),
            key=key,
            items=list(
                _cells(shown, {row[0]: row[1:] for row in cells.select("at", "value", "state").rows()})
            ),
            next=next_url(request, None if after is None else format_cursor(after)),
        )

    return memory.answer(request, city, make)


@ROUTER.get("/panels/{panel}/values", response_model=PanelMoment)
def show_panel_values(
    request: Request,
    city: CityState,
    memory: MemoryState,
    panel: PanelName,
    column: ColumnName,
    at: When = None,
    as_of: AsOf = None,
    entry: Built = None,
    limit: Limit = 1_000,
    cursor: Cursor1 = None,
) -> Response:
    """One column of every key at the last grid time at or before ``at``; without it, at the panel's last."""
    until, known = parse_when("at", at), parse_when("as_of", as_of)
    skipped = (parse_cursor(cursor, 1) or (0,))[0]

    def make(home: Home) -> PanelMoment:
        it = known_panel(home, panel, known, entry)
        of = it.column(column)
        moment = _last(between(it.span(home, memory), None, until), 1)
        is_there = moment.first <= moment.last
        keys = it.keys(home, memory) if it.panel.key is not None and is_there else []
        shown = keys[skipped : skipped + limit]
        cells = part_cells(home, it.panel, of, moment, it.up_to, it.trust(home, memory, of))
        found = {row[0]: row[1:] for row in cells.select("key", "value", "state").rows()}
        if it.panel.key is None:
            shown, found = [""] if is_there else [], {"": found.get(None, (None, None))}
        more = format_cursor(skipped + limit) if skipped + limit < len(keys) else None
        return PanelMoment(
            **_head(home, it, of),
            at=time_text(moment.at(moment.last)) if is_there else None,
            items=[_of_key(k, *found.get(k, (None, None))) for k in shown],
            next=next_url(request, more),
        )

    return memory.answer(request, city, make)


def unit_of(home: Home, column: Column) -> str | None:
    """Return the unit of a column's values: its field's, or ``1`` of a count."""
    if column.aggregate == "count":
        return "1"
    fields = {f.name: f.unit for f in home.feed(column.feed).contract.fields}
    return fields.get(column.value)


def _head(home: Home, it: KnownPanel, column: Column) -> dict[str, Any]:
    return {
        "panel": it.panel.name,
        "column": column.name,
        "entry": it.entry,
        "is_stated": it.is_stated,
        "feed": column.feed,
        "field": column.value,
        "unit": unit_of(home, column),
        "aggregate": column.aggregate,
        "every_s": it.panel.every_us / 1e6,
        "window_s": column.window_us / 1e6,
        "fill": column.fill,
        "longest_age_s": column.longest_age_us / 1e6,
        "simulated": it.simulated,
    }


def _check_key(it: KnownPanel, home: Home, memory: Memory, key: str | None) -> None:
    if it.panel.key is None:
        if key is not None:
            raise NotThere(f"key: want none, panel {it.panel.name} has no key, got {key[:80]!r}")
    elif key is None or key not in it.keys(home, memory):
        raise NotThere(f"key: want a value of {it.panel.key}, got {None if key is None else key[:80]!r}")


def _cells(span: Span, found: Mapping[datetime, tuple[float | None, str | None]]) -> Iterator[PanelCell]:
    for number in range(span.first, span.last + 1):
        at = span.at(number)
        value, state = found.get(at, (None, None))
        yield PanelCell.model_validate({"at": time_text(at), "value": value, "state": state or "missing"})


def _of_key(key: str, value: float | None, state: str | None) -> PanelKeyCell:
    return PanelKeyCell.model_validate({"key": key, "value": value, "state": state or "missing"})


def _first(span: Span, n: int) -> Span:
    return Span(span.grid, span.first, min(span.last, span.first + n - 1))


def _last(span: Span, n: int) -> Span:
    return Span(span.grid, max(span.first, span.last - n + 1), span.last)


def _micros(stamp: datetime) -> int:
    """Return microseconds since the year 1: never negative."""
    delta = stamp - FIRST
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _time(micros: int) -> datetime:
    return FIRST + timedelta(microseconds=min(micros, _micros(LAST)))
