"""Which keys a table already holds: exact over all history, with a state the size of the sensors.

A sensor's readings mostly arrive in order, and a row newer than its sensor's newest repeats nothing. The
others are looked up: among the keys of the last commits, which are held in memory, or in the lake, in the
files that cover their times. Memory is bounded by the number of sensors, the size of a batch and
``RECENT``, never by history.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import polars as pl

from veracity.data.lake import collect_rows

RECENT = 524_288  # keys held in memory, some 24 bytes each
PIECES = 256  # in which they may lie: each commit brings one
_NEWEST = "_newest"  # no contract can have a column of this name
_EVER = datetime(1, 1, 1, tzinfo=UTC)  # no event time is older
ScanBetween = Callable[[tuple[str, object, object] | None], pl.LazyFrame]


class KeyHistory:
    """The keys of one table's accepted rows.

    Parameters
    ----------
    key, time
        The unique key's columns and the event time among them (None if the key has none).
    scan
        Rows of the table, optionally where a column is between two values (inclusive).
    newest
        The state after the last commit, as ``newest`` gave it; None to read it from the table.
    """

    def __init__(
        self, key: tuple[str, ...], time: str | None, scan: ScanBetween, newest: pl.DataFrame | None = None
    ) -> None:
        self._key = list(key)
        self._time = time if time in key else None
        self._sensor = [k for k in key if k != self._time]
        self._scan = scan
        fits = newest is not None and set(newest.columns) == {*self._sensor, _NEWEST}
        self._newest = newest if fits else None
        self._next: tuple[pl.DataFrame, pl.DataFrame] | None = None  # rows asked about, the newest with them
        self._recent = pl.DataFrame()  # keys of the last commits …
        self._commits: list[tuple[int, datetime]] = []  # (how many, the newest) of each commit in it
        self._recent_from: datetime | None = None  # … all that are newer than this; None if not yet known

    @property
    def newest(self) -> pl.DataFrame | None:
        """The newest event time per sensor: ``(*sensor columns, _newest)``; None without event time."""
        if self._time is None:
            return None
        if self._newest is None:
            self._newest = collect_rows(self._latest(self._scan(None)), streaming=True)
        return self._newest

    def known(self, keys: pl.DataFrame) -> pl.Series:
        """Tell for each row of key columns whether the table holds its key: ask only of rows that may."""
        if keys.is_empty():
            return pl.Series([], dtype=pl.Boolean)
        held = self._held(keys.unique()).with_columns(_held=True)
        found = keys.join(held, on=self._key, how="left", maintain_order="left")["_held"]
        return found.fill_null(value=False)

    def _held(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Return those of some keys that the table holds: from memory if they are recent."""
        if self._time is None:
            return self._looked_up(wanted, None)
        found = []
        if self._recent_from is not None:
            is_recent = pl.col(self._time) > self._recent_from
            times = wanted[self._time].unique().implode()
            near = self._recent.filter(pl.col(self._time).is_in(times))
            found.append(near.join(wanted, on=self._key, how="semi"))
            wanted = wanted.filter(~is_recent)
        if not wanted.is_empty():
            found.append(self._looked_up(wanted, self._between(wanted)))
        return pl.concat(found).unique() if found else wanted

    def _looked_up(self, wanted: pl.DataFrame, between: tuple[str, object, object] | None) -> pl.DataFrame:
        rows = self._scan(between).select(self._key).join(wanted.lazy(), on=self._key, how="semi")
        return collect_rows(rows.unique(), streaming=True)

    def _between(self, rows: pl.DataFrame) -> tuple[str, object, object] | None:
        return None if self._time is None else (self._time, rows[self._time].min(), rows[self._time].max())

    def same(self, rows: pl.DataFrame) -> pl.Series:
        """Tell for each row, key and all, whether the table holds just that row."""
        names = rows.columns
        if rows.is_empty():
            return pl.Series([], dtype=pl.Boolean)
        held = collect_rows(
            self._scan(self._between(rows))
            .select(names)
            .join(rows.lazy().unique(), on=names, how="semi", nulls_equal=True)
            .unique()
            .with_columns(_held=True),
            streaming=True,
        )
        joined = rows.join(held, on=names, how="left", nulls_equal=True, maintain_order="left")
        return joined["_held"].fill_null(value=False)

    def add(self, accepted: pl.DataFrame) -> None:
        """Take in the rows just committed."""
        after = self.newest_with(accepted)
        if self._time is not None and accepted.height:
            self._remember(accepted.select(self._key))
        self._newest, self._next = after, None

    def newest_with(self, accepted: pl.DataFrame) -> pl.DataFrame | None:
        """Return what ``newest`` will be once these rows are committed."""
        if self._next is not None and self._next[0] is accepted:
            return self._next[1]
        before = self.newest
        if self._time is None or accepted.is_empty():
            return before
        latest = self._latest(accepted.lazy()).collect()
        both = latest if before is None else pl.concat([before, latest])
        grouped = both.group_by(self._sensor).agg(pl.col(_NEWEST).max()) if self._sensor else None
        newest = both.select(pl.col(_NEWEST).max()) if grouped is None else grouped
        self._next = accepted, newest
        return newest

    def _remember(self, keys: pl.DataFrame) -> None:
        """Hold the keys just committed; the oldest commits go when there are too many."""
        if self._recent_from is None:
            newest = self.newest
            before = None if newest is None else newest[_NEWEST].max()
            self._recent_from = _EVER if before is None else cast(datetime, before)
        self._recent = keys if self._recent.is_empty() else pl.concat([self._recent, keys], rechunk=False)
        self._commits.append((keys.height, cast(datetime, keys[self._time or ""].max())))
        if self._recent.n_chunks() > PIECES:
            self._recent = self._recent.rechunk()
        while len(self._commits) > 1 and self._recent.height > RECENT:
            n, newest_gone = self._commits.pop(0)
            self._recent = self._recent[n:]
            self._recent_from = max(self._recent_from, newest_gone)

    def _latest(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        time = pl.col(self._time or "").max().alias(_NEWEST)
        return rows.group_by(self._sensor).agg(time) if self._sensor else rows.select(time)
