"""The times of a panel, and how far around one of them its columns look."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from veracity.data.panel_definition import Column, Panel


@dataclass(frozen=True)
class Grid:
    """``n`` times, ``start_us + i * every_us``."""

    start_us: int
    every_us: int
    n: int


Extent = tuple[int, int] | None  #: first and last time, µs; None where there is none


def time_extent(panel: Panel, rows: Mapping[str, pl.DataFrame], times: Mapping[str, str]) -> Extent:
    """Return the first and the last event time of all feeds in a panel."""
    # As integers: no calendar has every time that a file can hold.
    stamps = [rows[f][times[f]].to_physical().drop_nulls().to_numpy() for f in panel.feeds]
    have = [s for s in stamps if len(s)]
    return (min(int(s.min()) for s in have), max(int(s.max()) for s in have)) if have else None


def panel_grid(panel: Panel, extent: Extent) -> Grid:
    """Return the grid: whole steps since the epoch, from the data where the definition leaves it open."""
    every = panel.every_us
    start = microseconds(panel.start) if panel.start else extent and extent[0]
    end = microseconds(panel.end) if panel.end else extent and extent[1]
    if start is None or end is None:
        return Grid(0, every, 0)
    first = start if panel.start else -(-start // every) * every
    last = end if panel.end else -(-end // every) * every
    return Grid(first, every, max(0, (last - first) // every + 1))


@dataclass(frozen=True)
class Reach:
    """How many grid times around its own a reading of a column can change: ``before`` and ``after``.

    A reading counts in ``window / every`` windows, the first of them that of its own grid time. ``previous``
    carries each of these on, by at most ``longest_age``; ``linear`` joins each with others on both sides, at
    most so far away.
    """

    before: int
    after: int


def reach_of(column: Column, every_us: int) -> Reach:
    """Derive a column's reach from its window, fill and longest age."""
    windows = column.window_us // every_us - 1
    fill = 0 if column.fill == "none" else column.longest_age_us // every_us
    return Reach(fill if column.fill == "linear" else 0, windows + fill)


def microseconds(stamp: datetime) -> int:
    """Return microseconds since 1970."""
    delta = stamp - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
