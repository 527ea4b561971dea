"""One property of one place over time: ``GET /feeds/{feed}/series``."""

from typing import Annotated, Literal

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.home import Home
from veracity.server.api.asking import (
    AsOf,
    Cursor3,
    FeedName,
    Key,
    When,
    format_cursor,
    parse_cursor,
    parse_when,
    time_text,
)
from veracity.server.api.readings import Position, position, series_rows
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Shape, Time, next_url
from veracity.server.api.sharing import CityState, open_feed
from veracity.server.api.state import MemoryState
from veracity.server.created.simulated import is_simulated
from veracity.server.errors import NotThere

MAX_POINTS = 10_000

ROUTER = APIRouter(tags=["feeds"], route_class=ReadingRoute)


class SeriesPoint(Shape):
    """One reading; ``record`` is ``batch:record``, what its receipt is asked for with."""

    at: Time
    value: float | bool | str | None
    record: str
    state: Literal["measured", "filled", "estimated"]
    flags: list[str]


class Series(Shape):
    """Readings by time. ``next`` is the address of those that follow."""

    feed: str
    key: str | None
    field: str
    unit: str | None
    simulated: bool
    points: list[SeriesPoint]
    next: str | None


@ROUTER.get("/feeds/{feed}/series", response_model=Series)
def show_series(
    request: Request,
    city: CityState,
    memory: MemoryState,
    feed: FeedName,
    field: Annotated[str, Query(min_length=1, max_length=256, description="A column of the feed.")],
    key: Key = None,
    from_: Annotated[
        str | None, Query(alias="from", max_length=64, json_schema_extra={"format": "date-time"})
    ] = None,
    to: When = None,
    as_of: AsOf = None,
    limit: Annotated[int, Query(ge=1, le=MAX_POINTS)] = 1_000,
    cursor: Cursor3 = None,
) -> Response:
    """Readings of one property from a time on; without ``from``, the last ones before ``to``."""
    span = parse_when("from", from_), parse_when("to", to)
    known, numbers = parse_when("as_of", as_of), parse_cursor(cursor, 3)
    after = None if numbers is None else Position(*numbers)

    def make(home: Home) -> Series:
        contract = open_feed(home, feed, known)
        if field not in {f.name for f in contract.fields}:
            raise NotThere(f"field: want a column of {feed}, got {field[:80]!r}")
        up_to = home.index.up_to(feed, known)
        rows = series_rows(home, contract, field, key, up_to, span, after, limit)
        flags = memory.flags.of(
            home, feed, memory.batches.of(home, feed), contract.carried, rows["_batch"].unique().to_list()
        )
        plain = rows.with_columns(_plain(rows.schema["_value"]))
        points = [
            SeriesPoint(
                at=str(time_text(row["_at"])),
                value=row["_value"],
                record=f"{row['_batch']}:{row['_record']}",
                state="measured",
                flags=[
                    r
                    for r in flags.get((row["_batch"], row["_record"], row["_carried"]), ())
                    if field in contract.about(r)
                ],
            )
            for row in plain.iter_rows(named=True)
        ]
        goes_on = rows.height == limit and (span[0] is not None or after is not None)
        last = format_cursor(*position(rows.row(-1, named=True))) if goes_on else None
        return Series(
            feed=feed,
            key=key,
            field=field,
            unit=contract.field(field).unit,
            simulated=is_simulated(home, contract),
            points=points,
            next=next_url(request, last),
        )

    return memory.answer(request, city, make)


def _plain(kind: pl.DataType) -> pl.Expr:
    """Return the values of a column as JSON has them: numbers, truth values or text."""
    value = pl.col("_value")
    if kind in (pl.Boolean, pl.String):
        return value
    return value.cast(pl.String) if kind.is_temporal() else value.cast(pl.Float64)
