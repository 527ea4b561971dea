"""The city at one size of its log: which feeds are shown, their files, their sensors and where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.lake import Table
from veracity.home.home import Home
from veracity.server.contract_columns import point_columns, value_fields
from veracity.server.created.entities import Created, read_created
from veracity.server.created.feeds import THINGS, is_observations, value_columns
from veracity.server.created.simulated import is_simulated
from veracity.server.positions import Positions, Survey
from veracity.server.public_feeds import was_there
from veracity.server.sensorthings.columns import SENSOR, STAMP
from veracity.server.sensorthings.feed_columns import FeedColumns, Segment, data_files, merged, segments
from veracity.server.sensorthings.ledger import Ledger

MAX_SENSORS = 50_000  #: of one feed; a feed whose key names more is not shown: they are no things


@dataclass
class FeedView:
    """A feed as it is shown: its contract, the decoded columns, and what they hold as known then.

    ``up_to`` is the last batch that counts, None for all. ``positions`` say where its things stand, and
    what the registry says that they are in.
    """

    contract: Contract
    table: Table
    columns: FeedColumns
    ledger: Ledger
    segments: list[Segment]
    summary: pl.DataFrame
    values: tuple[Field, ...]
    up_to: int | None
    positions: Positions = field(default_factory=Positions)

    @property
    def feed(self) -> str:
        """Its name."""
        return self.contract.feed


@dataclass
class Snapshot:
    """All feeds that are shown, by name; ``size`` is the log's.

    ``created`` is what clients made, ``observed`` the feed of its observations: none of ``feeds``.
    ``is_made_up``: what clients made is simulated, whatever they say.
    """

    size: int
    feeds: dict[str, FeedView] = field(default_factory=dict)
    created: Sequence[Created] = ()
    observed: FeedView | None = None
    is_made_up: bool = False


def is_shown(contract: Contract) -> bool:
    """Tell whether a feed's rows are observations for everybody: they have a time, and nothing personal."""
    return contract.time is not None and not contract.personal and bool(value_fields(contract))


class Store:
    """What outlives a snapshot: the columns and the ledger of each feed."""

    def __init__(self, make_columns: Any, make_ledger: Any) -> None:
        self._columns: dict[str, FeedColumns] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._make_columns, self._make_ledger = make_columns, make_ledger
        self._merged: dict[tuple[str, str], tuple[tuple[str, ...], pl.DataFrame]] = {}

    def view(self, home: Home, contract: Contract, as_of: datetime | None) -> FeedView:
        """Return a feed as known at a time, or now."""
        name = contract.feed
        columns = self._columns.setdefault(name, self._make_columns(name))
        ledger = self._ledgers.setdefault(name, self._make_ledger(name))
        ledger.catch_up(home)
        home.check_held(name)
        table = home.table(name)
        files = data_files(table, contract.time or "")
        up_to = None if as_of is None else home.index.up_to(name, as_of)
        if up_to is not None:
            files = [f for f in files if f.first_batch is None or f.first_batch <= up_to]
        values = value_columns(contract) if is_observations(contract) else value_fields(contract)
        view = FeedView(contract, table, columns, ledger, segments(files), pl.DataFrame(), values, up_to)
        view.summary = self._summed(view, files, up_to)
        return view

    def _summed(self, view: FeedView, files: Sequence[Any], up_to: int | None) -> pl.DataFrame:
        contract, table, columns = view.contract, view.table, view.columns
        names = [f.name for f in view.values]
        places = list(point_columns(contract) or ())
        whole = [f for f in files if up_to is None or (f.last_batch is not None and f.last_batch <= up_to)]
        key = (view.feed, contract.sha256)
        known, before = self._merged.get(key, ((), None))
        named = tuple(f.name for f in whole)
        begins = before is not None and named[: len(known)] == known and bool(known)
        fresh = whole[len(known) :] if begins else whole
        frames = [] if not begins or before is None else [before]
        frames += [columns.summary(table, contract, file, names, places) for file in fresh]
        together = merged(frames) if frames else _empty(names, places)
        if named and up_to is None:
            self._merged[key] = named, together
        parts = [columns.summed(table, contract, f, names, places, up_to) for f in files if f not in whole]
        return merged([together, *parts]) if parts else together


def _empty(names: Sequence[str], places: Sequence[str]) -> pl.DataFrame:
    counts = {f"n:{name}": pl.Int64() for name in names}
    at = {f"at:{name}": pl.Float64() for name in places}
    return pl.DataFrame(schema={SENSOR: pl.UInt32(), "first": STAMP, "last": STAMP, **counts, **at})


def take_snapshot(home: Home, store: Store, as_of: datetime | None) -> Snapshot:
    """Read the city as known at a time, or now.

    Raises
    ------
    StateBehind, TableMismatch, StoreUnavailable
        If its own files are not as its log says.
    """
    snapshot, survey = Snapshot(home.index.size, created=read_created(home, as_of)), Survey(home, as_of)
    things = home.feeds().get(THINGS)
    snapshot.is_made_up = things is not None and is_simulated(home, things.contract)
    there = None if as_of is None else was_there(home, as_of)
    for name, feed in home.feeds().items():
        if not is_shown(feed.contract) or (there is not None and name not in there):
            continue
        view = store.view(home, feed.contract, as_of)
        if view.summary.height > MAX_SENSORS:
            continue
        if is_observations(feed.contract):
            snapshot.observed = view
            continue
        view.positions = survey.of(feed.contract)
        snapshot.feeds[name] = view
    return snapshot
