"""A panel kept up to date: new rows change the cells within their reach, and no others.

After each update the panel is, to the last bit, what a build over all rows so far gives, in whatever
order of event time they come. It is made of the same two steps: readings are folded into slots
(``panel_slots``), slots become cells (``panel_cells``); here only those cells are made again that a new
reading can change (``panel_grid.Reach``). One thing reaches without bound: trust. A late row can change
its sensor's score from its day on, so from the first day whose scores changed the feed's rows are read again.

A time of the grid is *open* until the watermark has passed it. A late row that changes a closed
one is taken in all the same; the cells that it changed are counted as *revised*.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from veracity.data.panel import Series, cells_frame, check_size, panel_series, series_readings
from veracity.data.panel_cells import EMPTY, Floats, Ints, States, window_cells
from veracity.data.panel_definition import Panel
from veracity.data.panel_grid import Extent, Grid, panel_grid, reach_of, time_extent
from veracity.data.panel_readings import check_column, panel_keys
from veracity.data.panel_slots import Slots

Reread = Callable[[str, int], pl.DataFrame]
_DAY_US = 86_400_000_000
_ALL = slice(None)
FIRST_DAY = -106_000_000  # since 1970: before every time that a column can hold


@dataclass(frozen=True)
class Changed:
    """What an update changed.

    Attributes
    ----------
    n_cells
        Cells that are new or have another value or state than before.
    n_revised
        Those of them whose time was closed.
    first_us, last_us
        The first and the last time of the grid with such a cell; None where there is none.
    """

    n_cells: int = 0
    n_revised: int = 0
    first_us: int | None = None
    last_us: int | None = None


@dataclass(frozen=True)
class _Stretch:
    """Grid times ``first`` to ``last`` of some keys, in slot numbers."""

    keys: Ints | slice
    first: int
    last: int


@dataclass(frozen=True)
class _Layer:
    """One series: its slots, and the cells made from them; arrays (n_keys, room) all alike."""

    series: Series
    slots: Slots
    values: Floats
    states: States

    @classmethod
    def empty(cls, series: Series, n_keys: int, room: int) -> "_Layer":
        slots = Slots.empty(series.column, n_keys, room)
        return cls(series, slots, np.zeros((n_keys, room)), np.full((n_keys, room), np.uint8(EMPTY)))

    def take(self, old: "_Layer", keys: Ints | slice, columns: slice, width: int) -> None:
        """Take over an older layer's first ``width`` slots."""
        self.slots.put(keys, columns, (a[:, :width] for a in old.slots.arrays()))
        self.values[keys, columns] = old.values[:, :width]
        self.states[keys, columns] = old.states[:, :width]


class KeptPanel:
    """A panel in memory, brought up to date by ``update``; about 40 bytes a cell and column.

    Slots are numbered: that of number i ends at ``phase_us + i * every_us``.

    Parameters
    ----------
    panel
        The definition.
    times
        Per feed the name of its event-time column.
    reread
        Returns a feed's rows so far, those of the update included, whose event time is after the one
        given (µs), in order of arrival. Asked for where scores of past days changed, of panels with trust.
    """

    def __init__(self, panel: Panel, times: Mapping[str, str], reread: Reread) -> None:
        self.panel = panel
        self.closed_us: int | None = None  #: times up to this one are closed
        self._times = times
        self._reread = reread
        self._trust: dict[str, pl.DataFrame] = {}
        self._extent: Extent = None
        self._keys: pl.Series | None = None
        self._grid = Grid(0, panel.every_us, 0)
        self._phase_us = panel_grid(panel, (0, 0)).start_us % panel.every_us
        self._origin = 0  # number of the first slot
        self._width = 0  # slots in use; the arrays have room for more
        self._layers = [_Layer.empty(s, 0 if panel.key else 1, 0) for s in panel_series(panel)]

    def update(
        self,
        rows: Mapping[str, pl.DataFrame],
        trust: Mapping[str, pl.DataFrame] | None = None,
        watermark_us: int | None = None,
    ) -> Changed:
        """Take in new rows of every feed, in order of arrival, and say what they changed.

        Parameters
        ----------
        rows
            Per feed its new accepted rows, an empty frame where there are none.
        trust
            As ``build_panel`` takes it, of all rows so far.
        watermark_us
            Times up to it are closed for the updates to come.

        Raises
        ------
        MalformedPanel, PanelTooLarge
            As ``build_panel``. Where rows or size are at fault the panel is as it was; where trust or what
            is read again is, it has to be made anew.
        """
        for c in self.panel.columns:
            check_column(c, rows[c.feed])
        trust = trust or {}
        cuts = self._changed_trust(trust)
        taken = {**rows, **{feed: self._again(feed, rows[feed], cut) for feed, cut in cuts.items()}}
        old = self._grid
        self._make_room(rows)
        changes = []
        found = series_readings(self.panel, taken, self._times, self._keys, trust)
        for layer, (series, readings) in zip(self._layers, found, strict=True):
            cut = cuts.get(series.column.feed)
            if cut is not None:
                layer.slots.clear(series.column, cut - self._origin)
            number = self._number(readings.times)
            inside = (number >= self._origin) & (number < self._origin + self._width)
            if not inside.all():
                readings, number = readings.only(inside), number[inside]
            layer.slots.fold(series.column, number - self._origin, readings)
            stretches = self._stretches(series, readings.keys, number, old, cut)
            changes += [self._make_cells(layer, s) for s in stretches]
        self._trust = dict(trust)
        if watermark_us is not None:
            self.closed_us = max(watermark_us, self.closed_us or watermark_us)
        return _total(changes)

    def frame(self) -> pl.DataFrame:
        """Return the panel as ``build_panel`` returns it."""
        first = self._first(self._grid) - self._origin
        part = slice(first, first + self._grid.n)
        cells = ((x.series, x.values[:, part], x.states[:, part]) for x in self._layers)
        return cells_frame(self.panel, self._keys, self._grid, cells)

    def _number(self, times: Ints) -> Ints:
        return -((self._phase_us - times) // self.panel.every_us)

    def _first(self, grid: Grid) -> int:
        return (grid.start_us - self._phase_us) // grid.every_us

    def _changed_trust(self, trust: Mapping[str, pl.DataFrame]) -> dict[str, int]:
        """Return the slot from which each feed is to be read again, as scores changed."""
        days = {f: _first_changed(self._trust[f], trust[f]) for f in self._trust if f in trust}
        return {f: int(self._number(np.array(d * _DAY_US))) for f, d in days.items() if d is not None}

    def _again(self, feed: str, new: pl.DataFrame, cut: int) -> pl.DataFrame:
        """Return new rows of before a slot, and all rows from it on."""
        before_us = self._phase_us + (cut - 1) * self.panel.every_us
        early = new.filter(pl.col(self._times[feed]).to_physical() <= before_us)
        return pl.concat([early, self._reread(feed, before_us).select(new.columns)])

    def _make_room(self, rows: Mapping[str, pl.DataFrame]) -> None:
        """Let keys, grid and arrays grow to hold new rows too; check the size first."""
        keys = _merged_keys(self._keys, panel_keys(self.panel, rows))
        extent = _merged(self._extent, time_extent(self.panel, rows, self._times))
        grid = panel_grid(self.panel, extent)
        n_keys = 1 if keys is None else keys.len()
        check_size(self.panel.name, n_keys, grid.n)
        first, last = self._range(grid, extent)
        lead = max(c.window_us for c in self.panel.columns) // self.panel.every_us - 1
        check_size(self.panel.name, n_keys, last - first + 1 + lead)
        if self._width:
            first, last = min(first, self._origin), max(last, self._origin + self._width - 1)
        width = last - first + 1
        is_new = keys is not None and (self._keys is None or keys.len() > self._keys.len())
        room = self._layers[0].values.shape[1]
        if is_new or (self._width and first < self._origin) or width > room:
            self._move(keys, first, width)
        elif not self._width:
            self._origin = first
        self._keys, self._extent, self._grid, self._width = keys, extent, grid, width

    def _range(self, grid: Grid, extent: Extent) -> tuple[int, int]:
        """Return the first and the last slot of the grid and of the readings that its cells can need."""
        first = self._first(grid)
        last = first + grid.n - 1
        if extent is None:
            return first, last
        reaches = [reach_of(c, grid.every_us) for c in self.panel.columns]
        low, high = (int(x) for x in self._number(np.array(extent)))
        low = max(low, first - max(r.after for r in reaches))
        if self.panel.end is not None:
            high = min(high, last + max(r.before for r in reaches))
        return min(first, low), max(last, high)

    def _move(self, keys: pl.Series | None, first: int, width: int) -> None:
        """Move to larger arrays, with some room at their end."""
        n_keys = 1 if keys is None else keys.len()
        at: Ints | slice = _ALL
        if keys is not None and self._keys is not None:
            at = self._keys.cast(pl.Enum(keys)).to_physical().cast(pl.Int64).to_numpy()
        room = width if self.panel.end is not None else width + width // 8 + 64
        offset = self._origin - first
        for i, old in enumerate(self._layers):
            layer = _Layer.empty(old.series, n_keys, room)
            if self._width and (keys is None or self._keys is not None):
                layer.take(old, at, slice(offset, offset + self._width), self._width)
            self._layers[i] = layer
        self._origin = first

    def _stretches(
        self, series: Series, keys: Ints, number: Ints, old: Grid, cut: int | None
    ) -> Iterator[_Stretch]:
        """Yield what has to be made again: new times, what was read again, and what new readings reach."""
        first, n = self._first(self._grid), self._grid.n
        old_first = self._first(old)
        reach = reach_of(series.column, self.panel.every_us)
        whole = _Stretch(_ALL, first, first + n - 1)
        if not old.n:
            found = iter([whole])
        else:
            ends = [(first, old_first - 1), (old_first + old.n, whole.last)]
            if cut is not None:
                ends.append((cut - reach.before, whole.last))
                keys, number = keys[number < cut], number[number < cut]
            near = _reached(keys, number, reach.before, reach.after)
            found = iter([*(_Stretch(_ALL, a, b) for a, b in ends), *near])
        for s in found:
            a, b = max(s.first, whole.first), min(s.last, whole.last)
            if a <= b:
                yield _Stretch(s.keys, a, b)

    def _make_cells(self, layer: _Layer, stretch: _Stretch) -> Changed:
        """Make the cells of a stretch from the slots around it."""
        c, every = layer.series.column, self.panel.every_us
        furthest = 0 if c.fill == "none" else c.longest_age_us // every
        end = self._origin + self._width - 1
        before = min(furthest, stretch.first - self._origin)
        after = min(furthest, end - stretch.last) if c.fill == "linear" else 0
        first, last = stretch.first - before, stretch.last + after
        lead = c.window_us // every - 1
        slots = layer.slots.cut(stretch.keys, first - lead - self._origin, last + 1 - self._origin, c)
        grid = Grid(self._phase_us + first * every, every, last - first + 1)
        values, states = window_cells(slots, c, grid)
        part = slice(before, before + stretch.last - stretch.first + 1)
        return self._replace(layer, stretch, values[:, part], states[:, part])

    def _replace(self, layer: _Layer, stretch: _Stretch, values: Floats, states: States) -> Changed:
        at = stretch.keys, slice(stretch.first - self._origin, stretch.last + 1 - self._origin)
        was, had = layer.values[at], layer.states[at]
        is_same = (values == was) | (np.isnan(values) & np.isnan(was)) | (states == EMPTY)
        differs = ~is_same | (states != had)
        layer.values[at], layer.states[at] = values, states
        times = np.flatnonzero(differs.any(axis=0))
        if not len(times):
            return Changed()
        stamps = self._phase_us + (stretch.first + times[[0, -1]]) * self.panel.every_us
        n_revised = 0
        if self.closed_us is not None:
            n_closed = (self.closed_us - self._phase_us) // self.panel.every_us - stretch.first + 1
            n_revised = int(differs[:, : max(0, n_closed)].sum())
        return Changed(int(differs.sum()), n_revised, int(stamps[0]), int(stamps[1]))


def _reached(keys: Ints, number: Ints, before: int, after: int) -> list[_Stretch]:
    """Return the times that readings of (n,) keys and slots can change; near ones as one stretch."""
    if not len(number):
        return []
    order = np.argsort(number, kind="stable")
    keys, number = keys[order], number[order]
    edges = np.flatnonzero(np.diff(number) > before + after + 1) + 1
    runs = zip(np.split(keys, edges), np.split(number, edges), strict=True)
    return [_Stretch(np.unique(k), int(s[0]) - before, int(s[-1]) + after) for k, s in runs]


def _merged_keys(old: pl.Series | None, new: pl.Series | None) -> pl.Series | None:
    if old is None or new is None:
        return new
    return old if new.is_in(old.implode()).all() else pl.concat([old, new]).unique().sort()


def _merged(old: Extent, new: Extent) -> Extent:
    if old is None or new is None:
        return old or new
    return min(old[0], new[0]), max(old[1], new[1])


def _first_changed(old: pl.DataFrame, new: pl.DataFrame) -> int | None:
    """Return the first day (since 1970) of which two tables of scores differ."""
    columns = [c for c in new.columns if c not in ("_low", "_high", "_n")]
    if set(columns) - set(old.columns):
        return FIRST_DAY
    old, new = old.select(columns), new.select(columns)
    differ = pl.concat(
        [a.join(b, on=columns, how="anti", nulls_equal=True)["_day"] for a, b in ((old, new), (new, old))]
    )
    day = differ.to_physical().min()
    return None if day is None else int(day)  # type: ignore[arg-type]


def _total(changes: list[Changed]) -> Changed:
    first = [c.first_us for c in changes if c.first_us is not None]
    last = [c.last_us for c in changes if c.last_us is not None]
    return Changed(
        sum(c.n_cells for c in changes),
        sum(c.n_revised for c in changes),
        min(first, default=None),
        max(last, default=None),
    )
