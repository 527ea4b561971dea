"""Cells: values and states of a stretch of the grid, made from slots. Windows first, then fills."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from veracity.data.panel_definition import Column
from veracity.data.panel_grid import Grid
from veracity.data.panel_slots import Slots

MEASURED, PREVIOUS, LINEAR, EMPTY = 0, 1, 2, 255

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
States = npt.NDArray[np.uint8]
T = TypeVar("T", Floats, Ints)


def window_cells(slots: Slots, column: Column, grid: Grid) -> tuple[Floats, States]:
    """Return ``(n_keys, grid.n)`` values and states.

    ``slots`` are those of the grid's times and, before them, of the ``window / every - 1`` times that
    the first windows reach back to. Their arrays may be changed.
    """
    reach = column.window_us // grid.every_us
    base = slots.total if column.aggregate != "count" else slots.count.astype(np.float64)
    counts = _rolled(slots.count, reach, grid.n, np.add)
    values = _windowed(base, slots.count, column, reach, grid.n)
    if slots.weight is not None:
        values /= np.where(counts > 0, _rolled(slots.weight, reach, grid.n, np.add), 1.0)
    elif column.aggregate == "mean":
        values /= np.maximum(counts, 1)
    states = np.where(counts > 0, np.uint8(MEASURED), np.uint8(EMPTY))
    if slots.newest is not None and column.fill == "previous" and not counts.all():
        seen = _rolled(slots.newest, reach, grid.n, np.maximum)
        _fill_previous(values, states, seen, column.longest_age_us, grid)
    elif column.fill == "linear" and not counts.all():
        _fill_linear(values, states, column.longest_age_us, grid)
    return values, states


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
    position = np.where(states == MEASURED, np.arange(grid.n), -1)
    source = np.maximum.accumulate(position, axis=1)
    rows, columns = np.nonzero((states == EMPTY) & (source >= 0))
    origin = source[rows, columns]
    age = grid.start_us + grid.every_us * columns - seen[rows, origin]
    young = age <= longest_us
    rows, columns, origin = rows[young], columns[young], origin[young]
    values[rows, columns] = values[rows, origin]
    states[rows, columns] = PREVIOUS


def _fill_linear(values: Floats, states: States, longest_us: int, grid: Grid) -> None:
    """Join measured values by straight lines where they are near enough to each other."""
    index = np.arange(grid.n)
    measured = states == MEASURED
    before = np.maximum.accumulate(np.where(measured, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(measured, index, grid.n)[:, ::-1], axis=1)[:, ::-1]
    rows, columns = np.nonzero((states == EMPTY) & (before >= 0) & (after < grid.n))
    a, b = before[rows, columns], after[rows, columns]
    near = (b - a) * grid.every_us <= longest_us
    rows, columns, a, b = rows[near], columns[near], a[near], b[near]
    left, right = values[rows, a], values[rows, b]
    values[rows, columns] = left + (right - left) * ((columns - a) / (b - a))
    states[rows, columns] = LINEAR
