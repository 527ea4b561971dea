"""Rows set aside: ``GET /feeds/{feed}/quarantine``, newest batch first."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.decisions import Decisions, decided_rows, read_decisions
from veracity.home.home import Home
from veracity.home.tables import read_kept
from veracity.server.api.asking import Cursor2, FeedName, Limit, format_cursor, parse_cursor
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Page, Shape, next_url
from veracity.server.api.sharing import CityState, open_feed
from veracity.server.api.state import MemoryState
from veracity.server.batches import BatchFacts
from veracity.server.created.simulated import is_simulated

ROUTER = APIRouter(tags=["quality"], route_class=ReadingRoute)
_OWN = ("_batch", "_record", "reasons", "_decision", "_by", "_why", "_released_as")


class QuarantinedRow(Shape):
    """A row as it was received, why it was set aside, and what a person decided."""

    batch: int
    record: int
    reasons: list[str]
    row: dict[str, str | None]
    status: Literal["waiting", "released", "rejected"]
    by: str | None
    why: str | None
    released_as: str | None
    receipt: str
    simulated: bool


@ROUTER.get("/feeds/{feed}/quarantine", response_model=Page[QuarantinedRow])
def list_quarantine(
    request: Request,
    city: CityState,
    memory: MemoryState,
    feed: FeedName,
    reason: Annotated[
        str | None, Query(max_length=200, description="A whole reason (range:pm25) or its rule (range).")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor2 = None,
) -> Response:
    """Rows set aside with their reasons, and who decided what about them."""
    after = parse_cursor(cursor, 2)

    def make(home: Home) -> Page[QuarantinedRow]:
        simulated = is_simulated(home, open_feed(home, feed))
        decisions = memory.slowly.get(home, ("decisions", feed), lambda: read_decisions(home, feed))
        facts = memory.batches.of(home, feed)
        found: list[QuarantinedRow] = []
        goes_on = None
        for number, row in _rows(home, feed, facts, decisions, reason, after):
            if len(found) == limit:
                return Page[QuarantinedRow](items=found, next=next_url(request, goes_on))
            found.append(_item(feed, row, simulated=simulated))
            goes_on = format_cursor(found[-1].batch, number + 1)
        return Page[QuarantinedRow](items=found)

    return memory.answer(request, city, make)


def _rows(
    home: Home,
    feed: str,
    facts: Sequence[BatchFacts],
    decisions: Decisions,
    reason: str | None,
    after: tuple[int, ...] | None,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield rows with their number in their batch, the newest batch first; no batch is read in vain."""
    for one in reversed(facts):
        if one.quarantine is None or (after is not None and one.batch > after[0]):
            continue
        if reason is not None and not any(_is_reason(r, reason) for r in one.reasons):
            continue
        rows = read_kept(home, "quarantine", feed, one.batch, one.quarantine)
        if reason is not None:
            wanted = [r for r in one.reasons if _is_reason(r, reason)]
            rows = rows.filter(pl.col("reasons").list.eval(pl.element().is_in(wanted)).list.any())
        absent = [pl.lit(None, pl.String).alias(n) for n in decisions.key if n not in rows.columns]
        told = decided_rows(rows.sort("_record", maintain_order=True).with_columns(absent).lazy(), decisions)
        first = after[1] if after is not None and one.batch == after[0] else 0
        yield from enumerate(told.collect().slice(first).iter_rows(named=True), first)


def _is_reason(reason: str, wanted: str) -> bool:
    return reason == wanted or (":" not in wanted and reason.startswith(wanted + ":"))


def _item(feed: str, row: dict[str, Any], *, simulated: bool) -> QuarantinedRow:
    return QuarantinedRow(
        batch=row["_batch"],
        record=row["_record"],
        reasons=row["reasons"],
        row={n: None if v is None else str(v) for n, v in row.items() if n not in _OWN},
        status=row["_decision"] or "waiting",
        by=row["_by"],
        why=row["_why"],
        released_as=row["_released_as"],
        receipt=f"/receipts/{feed}/{row['_batch']}/{row['_record']}",
        simulated=simulated,
    )
