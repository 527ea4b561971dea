"""Slots: what the readings of each ``(t - every, t]`` come to, folded one by one in order of arrival.

All that a panel's cells are made of is in them, whatever the window and the fill. Readings that come later
are folded on: slots filled in many steps are those filled at once, to the last bit.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from veracity.data.panel_definition import Column
from veracity.data.panel_readings import Readings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NEVER = np.iinfo(np.int64)


@dataclass(frozen=True)
class Slots:
    """Of one column, arrays (n_keys, width); what an aggregate does not need is None.

    Attributes
    ----------
    count
        Readings.
    total
        The aggregate of the slot's readings: sums weighed where weights are asked for.
    weight
        The sum of the weights.
    newest, oldest
        Time of the newest and of the oldest reading, µs.
    """

    count: Ints
    total: Floats
    weight: Floats | None
    newest: Ints | None
    oldest: Ints | None

    @classmethod
    def empty(cls, column: Column, n_keys: int, width: int) -> "Slots":
        """Return slots without readings."""
        shape = n_keys, width
        needs_newest = column.aggregate == "last" or column.fill == "previous"
        return cls(
            count=np.zeros(shape, np.int64),
            total=_full(shape, {"min": np.inf, "max": -np.inf}.get(column.aggregate, 0.0)),
            weight=np.zeros(shape) if column.is_weighted else None,
            newest=np.full(shape, _NEVER.min) if needs_newest else None,
            oldest=np.full(shape, _NEVER.max) if column.aggregate == "first" else None,
        )

    def fold(self, column: Column, slot: Ints, readings: Readings) -> None:
        """Take in readings in order of arrival, each in its (n,) slot; all inside."""
        cell = readings.keys * self.count.shape[1] + slot
        count, total = self.count.reshape(-1), self.total.reshape(-1)
        if column.aggregate == "last" and self.newest is not None:
            _assign_last(total, self.newest.reshape(-1), cell, readings)
        elif column.aggregate == "first" and self.oldest is not None:
            _assign_first(total, self.oldest.reshape(-1), cell, readings)
        elif column.aggregate in ("min", "max"):
            (np.minimum if column.aggregate == "min" else np.maximum).at(total, cell, readings.values)
        elif self.weight is not None:
            np.add.at(total, cell, readings.values * readings.weights)
            np.add.at(self.weight.reshape(-1), cell, readings.weights)
        elif column.aggregate != "count":
            np.add.at(total, cell, readings.values)
        if self.newest is not None and column.aggregate != "last":
            np.maximum.at(self.newest.reshape(-1), cell, readings.times)
        np.add.at(count, cell, 1)

    def cut(self, keys: Ints | slice, first: int, last: int, column: Column) -> "Slots":
        """Return a copy of the slots ``first`` up to but without ``last`` of some keys; outside is empty."""
        n_keys, width = self.count.shape
        low, high = max(first, 0), min(last, width)
        n_taken = n_keys if isinstance(keys, slice) else len(keys)
        out = Slots.empty(column, n_taken, last - first)
        if low < high:
            taken = (a[keys, low:high] for a in self.arrays())
            out.put(slice(None), slice(low - first, high - first), taken)
        return out

    def put(self, keys: Ints | slice, columns: slice, arrays: Iterable[npt.NDArray[np.generic]]) -> None:
        """Take others' slots, given as ``arrays`` gives them, in the place of some."""
        for mine, theirs in zip(self.arrays(), arrays, strict=True):
            mine[keys, columns] = theirs

    def clear(self, column: Column, first: int) -> None:
        """Empty the slots from ``first`` on."""
        n_keys, width = self.count.shape
        first = min(max(first, 0), width)
        self.put(slice(None), slice(first, width), Slots.empty(column, n_keys, width - first).arrays())

    def arrays(self) -> list[npt.NDArray[np.generic]]:
        """Return the arrays that there are."""
        every = (self.count, self.total, self.weight, self.newest, self.oldest)
        return [a for a in every if a is not None]


def _full(shape: tuple[int, int], value: float) -> Floats:
    return np.full(shape, value) if value else np.zeros(shape)


def _assign_last(total: Floats, newest: Ints, cell: Ints, readings: Readings) -> None:
    """Keep the newest reading of each slot, and of two of one time the later arrival."""
    cell, times, values = _those(readings.times >= newest[cell], cell, readings)
    order = _time_order(times)
    # Where an index repeats, numpy keeps the last assigned.
    total[cell if order is None else cell[order]] = values if order is None else values[order]
    newest[cell if order is None else cell[order]] = times if order is None else times[order]


def _assign_first(total: Floats, oldest: Ints, cell: Ints, readings: Readings) -> None:
    """Keep the oldest reading of each slot, and of two of one time the earlier arrival."""
    cell, times, values = _those(readings.times < oldest[cell], cell, readings)
    order = _time_order(times)
    order = np.arange(len(cell))[::-1] if order is None else order[::-1]
    total[cell[order]] = values[order]
    oldest[cell[order]] = times[order]


def _those(kept: npt.NDArray[np.bool_], cell: Ints, readings: Readings) -> tuple[Ints, Ints, Floats]:
    if kept.all():
        return cell, readings.times, readings.values
    return cell[kept], readings.times[kept], readings.values[kept]


def _time_order(times: Ints) -> Ints | None:
    return None if np.all(times[1:] >= times[:-1]) else np.argsort(times, kind="stable")
