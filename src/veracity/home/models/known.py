"""An app's panel as known at some time, over some times only: what a run reads, and what outcomes come from.

Nothing is read of a feed but the rows that those times can depend on, so that memory is bounded by the look
back and not by history. Places that the app knows are in the panel also while their sensors say nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

import polars as pl

from veracity.data.errors import MalformedPanel
from veracity.data.lake import collect_rows
from veracity.data.panel import build_panel
from veracity.data.panel_definition import Panel, parse_panel
from veracity.home.home import Home
from veracity.home.panels import is_any_simulated, snapshot_digest
from veracity.home.trust import panel_trust
from veracity.models.app import App
from veracity.models.decisions import TIME
from veracity.models.panel_array import LARGEST
from veracity.provenance.statements import Input

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CELLS = {"target": pl.String(), "key": pl.String(), "due": TIME, "value": pl.Float64()}


@dataclass(frozen=True)
class Known:
    """What a home knew for an app: each feed's rows up to a batch.

    Attributes
    ----------
    up_to
        The last batch of each feed of the panel; -1 for none.
    """

    home: Home
    app: App
    up_to: Mapping[str, int]

    @classmethod
    def at(cls, home: Home, app: App, as_of: datetime | None) -> "Known":
        """Return what was received by ``as_of``, or at all."""
        feeds = parse_panel(app.panel).feeds
        return cls(home, app, {f: home.index.up_to(f, as_of) for f in feeds if home.feed(f)})

    @classmethod
    def of(cls, home: Home, app: App, inputs: tuple[Input, ...]) -> "Known":
        """Return what a statement says was read."""
        feeds = parse_panel(app.panel).feeds
        return cls(home, app, dict.fromkeys(feeds, -1) | {i.feed: i.up_to_batch for i in inputs})

    @cached_property
    def panel(self) -> Panel:
        """The app's panel."""
        return parse_panel(self.app.panel)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The snapshots, as statements name them."""
        return tuple(
            Input(feed, last, snapshot_digest(self.home, feed, last))
            for feed, last in self.up_to.items()
            if last >= 0
        )

    @property
    def simulated(self) -> bool:
        """Whether any of the feeds is simulated."""
        return is_any_simulated(self.home, self.panel.feeds)

    def floor(self, stamp: datetime) -> datetime:
        """Return the last time of the grid that is not after another."""
        step = timedelta(microseconds=self.panel.every_us)
        return _EPOCH + (stamp - _EPOCH) // step * step

    def frame(self, start: datetime, end: datetime, since: Mapping[str, int] | None = None) -> pl.DataFrame:
        """Build the panel from ``start`` to ``end``, both included.

        Parameters
        ----------
        since
            Of each feed only rows of later batches than this one; by default all.
        """
        panel = replace(self.panel, start=start, end=end)
        rows: dict[str, pl.DataFrame] = {}
        times: dict[str, str] = {}
        for feed in panel.feeds:
            rows[feed], times[feed] = self._rows(panel, feed, (since or {}).get(feed, -1))
        return build_panel(panel, rows, times, panel_trust(self.home, self.up_to, panel.trusted_feeds))

    def measured(
        self, start: datetime, end: datetime, since: Mapping[str, int] | None = None
    ) -> pl.DataFrame:
        """Return what was measured, not filled, of the app's targets: ``CELLS``, sorted.

        A value over ``LARGEST`` is none: one such outcome would make every score of its line infinite.
        """
        frame = self.frame(start, end, since)
        key = pl.lit("") if self.panel.key is None else pl.col(self.panel.key).cast(pl.String)
        cells = [
            frame.filter(pl.col(f"{target}_state").cast(pl.String) == "measured").select(
                target=pl.lit(target, pl.String), key=key, due="time", value=pl.col(target)
            )
            for target in sorted(self.app.targets)
        ]
        whole = pl.concat([pl.DataFrame(schema=CELLS), *cells])
        return whole.with_columns(pl.col("value").fill_nan(None)).filter(pl.col("value").abs() <= LARGEST)

    def _rows(self, panel: Panel, feed: str, since: int) -> tuple[pl.DataFrame, str]:
        """Return the rows of a feed that the panel's times can depend on, and its column of time."""
        contract = self.home.feed(feed).contract
        if contract.time is None:
            raise MalformedPanel(f"panel {panel.name}: want feeds with a timestamp, got {feed} without")
        used = [c for c in panel.columns if c.feed == feed]
        wanted = {contract.time, *(c.value for c in used), *(c.key for c in used if c.key)}
        if feed in panel.trusted_feeds:
            wanted.update(contract.sensor)
        reach = timedelta(microseconds=max(c.window_us + c.longest_age_us for c in used))
        ahead = timedelta(microseconds=max(c.longest_age_us if c.fill == "linear" else 0 for c in used))
        start, end = panel.start or _EPOCH, panel.end or _EPOCH
        have = {f.name for f in contract.fields}
        scan = self.home.table(feed).scan(
            up_to_batch=self.up_to[feed], between=(contract.time, start - reach, end + ahead)
        )
        if since >= 0:
            scan = scan.filter(pl.col("_batch") > since)
        rows = collect_rows(scan.select(sorted(wanted & have)))
        keys = {c.key for c in used if c.key}
        times = {contract.time: start}
        named = [_named(rows, key, self.app.attributes, times) for key in sorted(keys)]
        return pl.concat([rows, *named], how="vertical"), contract.time


def _named(
    rows: pl.DataFrame, key: str, places: Mapping[str, object], times: Mapping[str, datetime]
) -> pl.DataFrame:
    """Return a row without a value for each place that the app knows: it is in the panel then."""
    blank = {n: pl.lit(times.get(n), t) for n, t in rows.schema.items() if n != key}
    names = pl.DataFrame({key: sorted(places)}, schema={key: pl.String})
    whole = names.with_columns(**blank).with_columns(pl.col(key).cast(rows.schema[key], strict=False))
    return whole.select(rows.columns).drop_nulls(key)
