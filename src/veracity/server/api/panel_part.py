"""A part of a panel: cells of one column, made from the rows that can reach them and from no others.

A cell does not depend on where the grid starts and ends, so a part is the whole panel's, to the last bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.data.panel import build_panel
from veracity.data.panel_definition import Column, Panel
from veracity.data.panel_grid import Grid, panel_grid
from veracity.home.home import Home
from veracity.home.panels import panel_columns
from veracity.server.api.asking import FIRST, LAST
from veracity.server.errors import NotThere, TooManyCells

MAX_READINGS = 2_000_000  #: that cells are made of for one answer
MAX_CELLS = (
    4_000_000  #: keys times grid times, those around the answer's that windows and fills look at included
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATES = {"measured": "measured", "previous": "filled", "linear": "estimated"}


@dataclass(frozen=True)
class Span:
    """Grid times number ``first`` to ``last`` of a grid, both in it; none where ``last < first``."""

    grid: Grid
    first: int
    last: int

    def at(self, number: int) -> datetime:
        """Return a grid time."""
        return _EPOCH + timedelta(microseconds=self.grid.start_us + number * self.grid.every_us)


def whole_grid(panel: Panel, extent: tuple[int, int] | None) -> Span:
    """Return a panel's grid, given the first and the last event time of its feeds (µs since 1970).

    Times that no calendar has are left out.
    """
    grid = panel_grid(panel, extent)
    low, high = (_micros(FIRST) - grid.start_us), (_micros(LAST) - grid.start_us)
    return Span(grid, max(0, -(-low // grid.every_us)), min(grid.n - 1, high // grid.every_us))


def between(whole: Span, start: datetime | None, end: datetime | None) -> Span:
    """Return the part of a grid from ``start`` to ``end``, both inclusive; None for the grid's own ends."""
    grid, first, last = whole.grid, whole.first, whole.last
    if start is not None:
        first = max(first, -((grid.start_us - _micros(start)) // grid.every_us))
    if end is not None:
        last = min(last, (_micros(end) - grid.start_us) // grid.every_us)
    return Span(grid, first, last)


def feeds_extent(home: Home, panel: Panel, up_to: Mapping[str, int]) -> tuple[int, int] | None:
    """Return the first and the last event time of a panel's feeds up to a batch each, µs since 1970."""
    found: list[int] = []
    for feed in panel.feeds:
        time = home.feed(feed).contract.time
        if time is None:
            raise NotThere(f"panel {panel.name}: want feeds with an event time, got {feed} without")
        stamp = pl.col(time).to_physical()
        rows = home.table(feed).scan(up_to_batch=up_to.get(feed, -1))
        low, high = collect_rows(rows.select(low=stamp.min(), high=stamp.max()), streaming=True).row(0)
        found += [int(t) for t in (low, high) if t is not None]
    return (min(found), max(found)) if found else None


def feed_keys(home: Home, panel: Panel, up_to: Mapping[str, int]) -> list[str]:
    """Return all keys that a panel's feeds hold, sorted as the panel sorts them."""
    found: set[str] = set()
    for feed, key in sorted({(c.feed, c.key) for c in panel.columns if c.key is not None}):
        rows = home.table(feed).scan(up_to_batch=up_to.get(feed, -1))
        distinct = collect_rows(rows.select(pl.col(key).cast(pl.String)).unique(), streaming=True)
        found |= {k for k in distinct[key].to_list() if k is not None}
    return sorted(found)


def part_cells(
    home: Home,
    panel: Panel,
    column: Column,
    span: Span,
    up_to: Mapping[str, int],
    trust: Mapping[str, pl.DataFrame],
    key: str | None = None,
) -> pl.DataFrame:
    """Make the cells of one column, of one key or of all that have readings near.

    Returns
    -------
    pl.DataFrame
        ``key`` (null for a panel without), ``at``, ``value`` and ``state``: measured, filled or estimated.
        Cells of which nothing is known have null in the last two, or no row.

    Raises
    ------
    TooManyCells
        If they are made of too many readings, or are too many themselves.
    """
    shape = pl.DataFrame(
        schema={"key": pl.String, "at": pl.Datetime("us", "UTC"), "value": pl.Float64, "state": pl.String}
    )
    if span.last < span.first:
        return shape
    contract = home.feed(column.feed).contract
    alone = replace(column, has_trust=False)
    part = replace(panel, columns=(alone,))
    time, names = panel_columns(contract, part)
    rows = _rows(home, contract, alone, span, up_to, names, key)
    if rows.is_empty():
        return shape
    start, end = span.at(span.first), span.at(span.last)
    _check_cells(rows, alone, time, span)
    part = replace(part, start=start, end=end)
    frame = build_panel(part, {column.feed: rows}, {column.feed: time}, trust)
    of_key = pl.lit(None, pl.String) if panel.key is None else pl.col(panel.key)
    state = pl.col(f"{column.name}_state").cast(pl.String).replace_strict(_STATES, default=None)
    return frame.select(key=of_key, at=pl.col("time"), value=pl.col(column.name), state=state)


def _rows(
    home: Home,
    contract: Contract,
    column: Column,
    span: Span,
    up_to: Mapping[str, int],
    names: list[str],
    key: str | None,
) -> pl.DataFrame:
    """Read the rows that can reach cells of a span, in order of arrival."""
    assert contract.time is not None, "panel_columns has looked"
    fill_us = 0 if column.fill == "none" else column.longest_age_us
    low = _stamp(span, span.first, -column.window_us - fill_us)
    high = _stamp(span, span.last, fill_us if column.fill == "linear" else 0)
    table = home.table(column.feed)
    found = table.scan(up_to_batch=up_to.get(column.feed, -1), between=(contract.time, low, high))
    if column.key is not None and key is not None:
        is_text = contract.field(column.key).type == "string"
        found = found.filter((pl.col(column.key) if is_text else pl.col(column.key).cast(pl.String)) == key)
    rows = collect_rows(found.select(names).head(MAX_READINGS + 1))
    if rows.height > MAX_READINGS:
        raise TooManyCells(
            f"panel: want cells of at most {MAX_READINGS:,} readings, got more: ask for less time"
        )
    return rows


def _check_cells(rows: pl.DataFrame, column: Column, time: str, span: Span) -> None:
    """Refuse what would take too much memory, the times around the span included."""
    every, stamps = span.grid.every_us, rows[time].drop_nulls().to_physical()
    n_keys = 1 if column.key is None else rows[column.key].n_unique()
    low, high = int(stamps.min() or 0), int(stamps.max() or 0)  # type: ignore[arg-type]
    n_times = (span.last - span.first) + (high - low) // every + column.window_us // every + 3
    if n_keys * n_times > MAX_CELLS:
        raise TooManyCells(f"panel: want at most {MAX_CELLS:,} cells at once, got {n_keys} x {n_times}")


def _stamp(span: Span, number: int, more_us: int) -> datetime:
    """Return a grid time and so much more, within the calendar."""
    micros = span.grid.start_us + number * span.grid.every_us + more_us
    return _EPOCH + timedelta(microseconds=min(max(micros, _micros(FIRST)), _micros(LAST)))


def _micros(stamp: datetime) -> int:
    return (stamp - _EPOCH) // timedelta(microseconds=1)
