"""Build a panel: many feeds on one event-time grid, every cell saying how it came to be.

A row at time t uses only readings of ``(t - window, t]``: nothing observed later, so a model
trained on a panel never looks ahead (``fill: linear`` apart, which says so in its state).

The result depends on the rows and their order of arrival alone, to the last bit: sums run
in that order, one window after the other, whatever the number of threads or files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.data.errors import PanelTooLarge
from veracity.data.panel_definition import Column, Panel
from veracity.data.panel_readings import Readings, check_column, panel_keys, panel_readings, sensor_scores

CELLS = 100_000_000
STATE = pl.Enum(["measured", "previous", "linear"])
_MEASURED, _PREVIOUS, _LINEAR, _EMPTY = 0, 1, 2, 255

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
States = npt.NDArray[np.uint8]
T = TypeVar("T", Floats, Ints)


@dataclass(frozen=True)
class Grid:
    """``n`` times, ``start_us + i * every_us``."""

    start_us: int
    every_us: int
    n: int


def build_panel(
    panel: Panel,
    rows: Mapping[str, pl.DataFrame],
    times: Mapping[str, str],
    trust: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Align feeds on the panel's grid.

    Parameters
    ----------
    panel
        The definition.
    rows
        Per feed its accepted rows, in order of arrival.
    times
        Per feed the name of its event-time column.
    trust
        For each of ``panel.trusted_feeds`` the scores of its sensors, as ``trust.trust_scores`` gives
        them; the feed's rows then have the sensor's columns too.

    Returns
    -------
    pl.DataFrame
        The key (if any), ``time`` (UTC), then ``<column>`` (float64, null where nothing is
        known) and ``<column>_state`` (measured, previous, linear or null), and ``<column>_trust`` where
        asked for, sorted by key and time.

    Raises
    ------
    MalformedPanel
        If a column asked for is not in its feed, or is no number, or a feed's trust is not given.
    PanelTooLarge
        If keys x times are more than 100 million cells, those around the grid that windows and
        fills look at included.
    """
    for c in panel.columns:
        check_column(c, rows[c.feed])
    keys = panel_keys(panel, rows)
    grid = _grid(panel, rows, times)
    n_keys = 1 if keys is None else keys.len()
    _check_size(panel.name, n_keys, grid.n)
    out: list[pl.Series] = []
    stamps = pl.Series("time", grid.start_us + grid.every_us * np.arange(grid.n), dtype=pl.Int64)
    stamps = stamps.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if keys is not None:
        out.append(keys.gather(np.repeat(np.arange(n_keys, dtype=np.uint32), grid.n)).alias(str(panel.key)))
    out.append(stamps.gather(np.tile(np.arange(grid.n, dtype=np.uint32), n_keys)))
    codes: dict[tuple[str, str | None], Ints] = {}
    for c in panel.columns:
        scores = sensor_scores(c, rows[c.feed], times[c.feed], trust or {}) if c.uses_trust else None
        readings = panel_readings(c, rows[c.feed], times[c.feed], keys, codes, scores)
        out.extend(_series(c.name, *align(readings, c, grid, n_keys)))
        if c.has_trust and readings.scores is not None:
            known = replace(readings, values=readings.scores)
            mean = replace(c, aggregate="mean", is_weighted=False)
            out.append(_series(f"{c.name}_trust", *align(known, mean, grid, n_keys))[0])
    return pl.DataFrame(out)


def _series(name: str, values: Floats, states: States) -> list[pl.Series]:
    """Return a column of values, null where nothing is known, and that of their states."""
    series = pl.Series(name, values.ravel())
    state = pl.Series(f"{name}_state", states.ravel())
    known = state != _EMPTY
    blank = pl.DataFrame([series, state]).select(
        pl.when(known).then(pl.col(name)),
        pl.when(known).then(pl.col(state.name)).cat.to(STATE),
    )
    return blank.get_columns()


def align(readings: Readings, column: Column, grid: Grid, n_keys: int) -> tuple[Floats, States]:
    """Aggregate readings into ``(n_keys, grid.n)`` values and states.

    A fill looks at the times around the grid too, as far as ``longest_age`` and the readings go:
    a cell is the same wherever the grid starts and ends.

    Cost: one pass over the readings, ``window / every`` passes over the grid.
    """
    slot = -((grid.start_us - readings.times) // grid.every_us)  # rounded up: (t - every, t]
    before, after = _around(slot, column, grid)
    wide = Grid(grid.start_us - before * grid.every_us, grid.every_us, before + grid.n + after)
    if before:
        slot += before
    values, states = _align(readings, slot, column, wide, n_keys)
    return values[:, before : before + grid.n], states[:, before : before + grid.n]


def _around(slot: Ints, column: Column, grid: Grid) -> tuple[int, int]:
    """Return how many times before and after the grid a fill may take a value from.

    ``previous`` takes from a measured time at most ``longest_age`` back, ``linear`` from two that
    are at most that far apart. Where there are no readings there is nothing to take.
    """
    if column.fill == "none" or not len(slot):
        return 0, 0
    furthest = column.longest_age_us // grid.every_us
    before = min(furthest, max(0, -int(slot.min())))
    after = min(furthest, max(0, int(slot.max()) - grid.n + 1)) if column.fill == "linear" else 0
    return before, after


def _align(readings: Readings, slot: Ints, column: Column, grid: Grid, n_keys: int) -> tuple[Floats, States]:
    reach = column.window_us // grid.every_us
    inside = (slot > -reach) & (slot < grid.n)
    lead = reach - 1  # windows of the first times reach back before the grid
    width = grid.n + lead
    _check_size(column.name, n_keys, width)
    if not inside.all():
        readings = readings.only(inside)
        slot = slot[inside]
    cell = readings.keys * width + (slot + lead)
    n_cells = n_keys * width
    count = np.bincount(cell, minlength=n_cells).reshape(n_keys, width)
    base = _per_cell(cell, readings, column, n_cells).reshape(n_keys, width)
    values = _windowed(base, count, column, reach, grid.n)
    counts = _rolled(count, reach, grid.n, np.add)
    if column.is_weighted:
        weight = np.bincount(cell, weights=readings.weights, minlength=n_cells).reshape(n_keys, width)
        values /= np.where(counts > 0, _rolled(weight, reach, grid.n, np.add), 1.0)
    elif column.aggregate == "mean":
        values /= np.maximum(counts, 1)
    states = np.where(counts > 0, np.uint8(_MEASURED), np.uint8(_EMPTY))
    if column.fill == "previous" and not counts.all():
        newest = _latest_time(cell, readings.times, n_cells).reshape(n_keys, width)
        seen = _rolled(newest, reach, grid.n, np.maximum)
        _fill_previous(values, states, seen, column.longest_age_us, grid)
    elif column.fill == "linear" and not counts.all():
        _fill_linear(values, states, column.longest_age_us, grid)
    return values, states


def _check_size(name: str, n_keys: int, n_times: int) -> None:
    """Raise ``PanelTooLarge`` if so many cells are too many; a grid has times even where it has no key."""
    if max(n_keys, 1) * n_times > CELLS:
        raise PanelTooLarge(
            f"panel: want at most {CELLS:,} cells, got {n_keys:,} keys x {n_times:,} times in {name}"
        )


def _per_cell(cell: Ints, readings: Readings, column: Column, n_cells: int) -> Floats:
    if column.aggregate == "count":
        return np.bincount(cell, minlength=n_cells).astype(np.float64)
    if column.is_weighted:
        weighed = readings.values * readings.weights
        return np.bincount(cell, weights=weighed, minlength=n_cells).astype(np.float64, copy=False)
    if column.aggregate in ("mean", "sum"):
        return np.bincount(cell, weights=readings.values, minlength=n_cells).astype(np.float64, copy=False)
    if column.aggregate in ("min", "max"):
        out = np.full(n_cells, np.inf if column.aggregate == "min" else -np.inf)
        (np.minimum if column.aggregate == "min" else np.maximum).at(out, cell, readings.values)
        return out
    out = np.zeros(n_cells)
    order = _time_order(readings.times)
    if column.aggregate == "first":
        order = np.arange(len(cell))[::-1] if order is None else order[::-1]
    # Where an index repeats, numpy keeps the last assigned: the newest, and of equals the later arrival.
    out[cell if order is None else cell[order]] = readings.values if order is None else readings.values[order]
    return out


def _time_order(times: Ints) -> Ints | None:
    return None if np.all(times[1:] >= times[:-1]) else np.argsort(times, kind="stable")


def _latest_time(cell: Ints, times: Ints, n_cells: int) -> Ints:
    out = np.full(n_cells, np.iinfo(np.int64).min)
    order = _time_order(times)
    out[cell if order is None else cell[order]] = times if order is None else times[order]
    return out


def _windowed(base: Floats, count: Ints, column: Column, reach: int, n: int) -> Floats:
    if column.aggregate in ("mean", "sum", "count"):
        return _rolled(base, reach, n, np.add)
    if column.aggregate in ("min", "max"):
        return _rolled(base, reach, n, np.minimum if column.aggregate == "min" else np.maximum)
    out = np.zeros((base.shape[0], n))
    steps = range(reach) if column.aggregate == "last" else range(reach - 1, -1, -1)
    for step in steps:  # later steps overwrite: the newest slot for last, the oldest for first
        have = count[:, step : step + n] > 0
        out[have] = base[:, step : step + n][have]
    return out


def _rolled(base: T, reach: int, n: int, combine: np.ufunc) -> T:
    """Combine each run of ``reach`` slots, oldest first, in place of the last. May return ``base`` itself."""
    if reach == 1:
        return base
    out = base[:, :n].copy()
    for step in range(1, reach):
        combine(out, base[:, step : step + n], out=out)
    return out


def _fill_previous(values: Floats, states: States, seen: Ints, longest_us: int, grid: Grid) -> None:
    """Carry the newest measured value forward while its newest reading is young enough."""
    position = np.where(states == _MEASURED, np.arange(grid.n), -1)
    source = np.maximum.accumulate(position, axis=1)
    rows, columns = np.nonzero((states == _EMPTY) & (source >= 0))
    origin = source[rows, columns]
    age = grid.start_us + grid.every_us * columns - seen[rows, origin]
    young = age <= longest_us
    rows, columns, origin = rows[young], columns[young], origin[young]
    values[rows, columns] = values[rows, origin]
    states[rows, columns] = _PREVIOUS


def _fill_linear(values: Floats, states: States, longest_us: int, grid: Grid) -> None:
    """Join measured values by straight lines where they are near enough to each other."""
    index = np.arange(grid.n)
    measured = states == _MEASURED
    before = np.maximum.accumulate(np.where(measured, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(measured, index, grid.n)[:, ::-1], axis=1)[:, ::-1]
    rows, columns = np.nonzero((states == _EMPTY) & (before >= 0) & (after < grid.n))
    a, b = before[rows, columns], after[rows, columns]
    near = (b - a) * grid.every_us <= longest_us
    rows, columns, a, b = rows[near], columns[near], a[near], b[near]
    left, right = values[rows, a], values[rows, b]
    values[rows, columns] = left + (right - left) * ((columns - a) / (b - a))
    states[rows, columns] = _LINEAR


def _grid(panel: Panel, rows: Mapping[str, pl.DataFrame], times: Mapping[str, str]) -> Grid:
    """Return the grid: whole steps since the epoch, from the data where the definition leaves it open."""
    every = panel.every_us
    # As integers: no calendar has every time that a file can hold.
    stamps = [rows[f][times[f]].to_physical().drop_nulls().to_numpy() for f in panel.feeds]
    have = [s for s in stamps if len(s)]
    start = _microseconds(panel.start) if panel.start else min((int(s.min()) for s in have), default=None)
    end = _microseconds(panel.end) if panel.end else max((int(s.max()) for s in have), default=None)
    if start is None or end is None:
        return Grid(0, every, 0)
    first = start if panel.start else -(-start // every) * every
    last = end if panel.end else -(-end // every) * every
    return Grid(first, every, max(0, (last - first) // every + 1))


def _microseconds(stamp: datetime) -> int:
    delta = stamp - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
