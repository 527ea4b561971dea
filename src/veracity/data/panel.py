"""Build a panel: many feeds on one event-time grid, every cell saying how it came to be.

A row at time t uses only readings of ``(t - window, t]``: nothing observed later, so a model
trained on a panel never looks ahead (``fill: linear`` apart, which says so in its state).

The result depends on the rows and their order of arrival alone, to the last bit: sums run
in that order, one window after the other, whatever the number of threads or files.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from veracity.data.errors import PanelTooLarge
from veracity.data.panel_cells import EMPTY, Floats, Ints, States, window_cells
from veracity.data.panel_definition import Column, Panel
from veracity.data.panel_grid import Grid, panel_grid, time_extent
from veracity.data.panel_readings import Readings, check_column, panel_keys, panel_readings, sensor_scores
from veracity.data.panel_slots import Slots

CELLS = 100_000_000
STATE = pl.Enum(["measured", "previous", "linear"])


@dataclass(frozen=True)
class Series:
    """One series of cells that a panel holds: a column's, or the mean trust of its readings."""

    name: str
    column: Column
    is_trust: bool = False


def panel_series(panel: Panel) -> tuple[Series, ...]:
    """Return a panel's series in the order of its frame."""
    out = []
    for c in panel.columns:
        out.append(Series(c.name, c))
        if c.has_trust:
            out.append(Series(f"{c.name}_trust", replace(c, aggregate="mean", is_weighted=False), True))
    return tuple(out)


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
    grid = panel_grid(panel, time_extent(panel, rows, times))
    n_keys = 1 if keys is None else keys.len()
    check_size(panel.name, n_keys, grid.n)
    found = series_readings(panel, rows, times, keys, trust or {})
    cells = ((s, *align(readings, s.column, grid, n_keys)) for s, readings in found)
    return cells_frame(panel, keys, grid, cells)


def series_readings(
    panel: Panel,
    rows: Mapping[str, pl.DataFrame],
    times: Mapping[str, str],
    keys: pl.Series | None,
    trust: Mapping[str, pl.DataFrame],
) -> Iterator[tuple[Series, Readings]]:
    """Yield the readings of each series."""
    codes: dict[tuple[str, str | None], Ints] = {}
    for s in panel_series(panel):
        c = s.column
        scores = sensor_scores(c, rows[c.feed], times[c.feed], trust) if c.uses_trust else None
        readings = panel_readings(c, rows[c.feed], times[c.feed], keys, codes, scores)
        if s.is_trust and readings.scores is not None:
            readings = replace(readings, values=readings.scores)
        yield s, readings


def cells_frame(
    panel: Panel, keys: pl.Series | None, grid: Grid, cells: Iterable[tuple[Series, Floats, States]]
) -> pl.DataFrame:
    """Return the frame of ``(n_keys, grid.n)`` values and states of each series."""
    n_keys = 1 if keys is None else keys.len()
    stamps = pl.Series("time", grid.start_us + grid.every_us * np.arange(grid.n), dtype=pl.Int64)
    stamps = stamps.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    out: list[pl.Series] = []
    if keys is not None:
        out.append(keys.gather(np.repeat(np.arange(n_keys, dtype=np.uint32), grid.n)).alias(str(panel.key)))
    out.append(stamps.gather(np.tile(np.arange(grid.n, dtype=np.uint32), n_keys)))
    for s, values, states in cells:
        value, state = _columns(s.name, values, states)
        out.extend([value] if s.is_trust else [value, state])
    return pl.DataFrame(out)


def _columns(name: str, values: Floats, states: States) -> list[pl.Series]:
    """Return a column of values, null where nothing is known, and that of their states."""
    series = pl.Series(name, values.ravel())
    state = pl.Series(f"{name}_state", states.ravel())
    known = state != EMPTY
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
    values, states = _cells(readings, slot, column, wide, n_keys)
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


def _cells(readings: Readings, slot: Ints, column: Column, grid: Grid, n_keys: int) -> tuple[Floats, States]:
    lead = column.window_us // grid.every_us - 1  # windows of the first times reach back before the grid
    inside = (slot >= -lead) & (slot < grid.n)
    check_size(column.name, n_keys, grid.n + lead)
    if not inside.all():
        readings = readings.only(inside)
        slot = slot[inside]
    slots = Slots.empty(column, n_keys, grid.n + lead)
    slots.fold(column, slot + lead, readings)
    return window_cells(slots, column, grid)


def check_size(name: str, n_keys: int, n_times: int) -> None:
    """Raise ``PanelTooLarge`` if so many cells are too many; a grid has times even where it has no key."""
    if max(n_keys, 1) * n_times > CELLS:
        raise PanelTooLarge(
            f"panel: want at most {CELLS:,} cells, got {n_keys:,} keys x {n_times:,} times in {name}"
        )
