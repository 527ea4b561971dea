"""The city at one size of its log: which feeds are shown, their files, sensors and registries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.lake import Table, collect_rows
from veracity.data.rules.registry import Registry
from veracity.home.home import Home
from veracity.home.tables import table_rows
from veracity.server.sensorthings.columns import SENSOR, STAMP
from veracity.server.sensorthings.feed_columns import FeedColumns, Segment, data_files, merged, segments
from veracity.server.sensorthings.ledger import Ledger

MAX_REGISTRY_ROWS = 200_000
MAX_SENSORS = 50_000  #: of one feed; a feed whose key names more is not shown: they are no things
_LATITUDE, _LONGITUDE = ("latitude", "lat"), ("longitude", "lon", "lng", "long")
_NUMBERS = ("number", "integer")


@dataclass(frozen=True)
class Place:
    """Where a thing was from a time on; None: from before anything is known."""

    longitude: float
    latitude: float
    since: datetime | None


@dataclass(frozen=True)
class Registered:
    """What a registry says of a thing: the latest of each column, and the places in order."""

    values: Mapping[str, Any]
    places: Sequence[Place]


@dataclass
class FeedView:
    """A feed as it is shown: its contract, the decoded columns, and what they hold as known then.

    ``up_to`` is the last batch that counts, None for all. ``registry`` is the feed that its things are
    registered in, with the pairs (own column, the registry's).
    """

    contract: Contract
    table: Table
    columns: FeedColumns
    ledger: Ledger
    segments: list[Segment]
    summary: pl.DataFrame
    values: tuple[Field, ...]
    up_to: int | None
    registry: str | None = None
    match: tuple[tuple[str, str], ...] = ()

    @property
    def feed(self) -> str:
        """Its name."""
        return self.contract.feed


@dataclass
class Snapshot:
    """All feeds that are shown, and the registries, by name; ``size`` is the log's."""

    size: int
    feeds: dict[str, FeedView] = field(default_factory=dict)
    registries: dict[str, dict[tuple[str, ...], Registered]] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)


def value_fields(contract: Contract) -> tuple[Field, ...]:
    """Return the columns that are observed: numbers, truths and coded texts that are no key or place."""
    aside = {*contract.key, contract.time, "simulated", *(place_columns(contract) or ())}
    return tuple(
        f
        for f in contract.fields
        if f.name not in aside and (f.type in (*_NUMBERS, "boolean") or (f.type == "string" and f.values))
    )


def place_columns(contract: Contract) -> tuple[str, str] | None:
    """Return the columns of latitude and longitude, in degrees, if there are any."""
    names = {f.name.lower(): f.name for f in contract.fields if f.type in _NUMBERS}
    latitude = next((names[n] for n in _LATITUDE if n in names), None)
    longitude = next((names[n] for n in _LONGITUDE if n in names), None)
    return None if latitude is None or longitude is None else (latitude, longitude)


def is_shown(contract: Contract) -> bool:
    """Tell whether a feed's rows are observations for everybody: they have a time, and nothing personal."""
    return contract.time is not None and not contract.personal and bool(value_fields(contract))


def registry_of(
    contract: Contract, contracts: Mapping[str, Contract]
) -> tuple[str, tuple[tuple[str, str], ...], str | None] | None:
    """Return the feed that a feed's sensors are registered in, how they match, and since when rows count.

    By a ``registry`` rule; else a feed with places whose key is the same column.
    """
    own = set(contract.sensor)
    for rule in contract.registry_rules:
        other = contracts.get(rule.feed)
        if other is None or other.personal or not isinstance(rule, Registry) or not own:
            continue
        if {column for column, _ in rule.match} == own:
            return rule.feed, rule.match, rule.since
    for name, other in contracts.items():
        keys = tuple(k for k in other.key if k != other.time)
        is_other = name != contract.feed and not other.personal
        is_registry = other.time not in other.key or not value_fields(other)
        if is_other and is_registry and own and set(keys) == own and place_columns(other):
            return name, tuple((k, k) for k in keys), other.time
    return None


def read_registry(
    home: Home,
    contract: Contract,
    match: Sequence[tuple[str, str]],
    since: str | None,
    as_of: datetime | None,
) -> dict[tuple[str, ...], Registered]:
    """Return what a registry says of each thing, by the values that name it."""
    keys = [other for _, other in match]
    rows = collect_rows(table_rows(home, contract.feed, as_of).head(MAX_REGISTRY_ROWS))
    if since is not None and since in rows.columns:
        rows = rows.sort(since, nulls_last=False, maintain_order=True)
    places = place_columns(contract)
    shown = [f.name for f in contract.fields if f.name not in (*keys, *(places or ()), "simulated")]
    found: dict[tuple[str, ...], tuple[dict[str, Any], list[Place]]] = {}
    for row in rows.iter_rows(named=True):
        key = tuple("" if row[k] is None else str(row[k]) for k in keys)
        values, at = found.setdefault(key, ({}, []))
        values.update({name: row[name] for name in shown if row.get(name) is not None})
        if places is not None and row[places[0]] is not None and row[places[1]] is not None:
            begin = row.get(since) if since else None
            place = Place(float(row[places[1]]), float(row[places[0]]), begin)
            if not at or (at[-1].longitude, at[-1].latitude) != (place.longitude, place.latitude):
                at.append(place)
    return {key: Registered(values, at) for key, (values, at) in found.items()}


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
        values = value_fields(contract)
        view = FeedView(contract, table, columns, ledger, segments(files), pl.DataFrame(), values, up_to)
        view.summary = self._summed(view, files, up_to)
        return view

    def _summed(self, view: FeedView, files: Sequence[Any], up_to: int | None) -> pl.DataFrame:
        contract, table, columns = view.contract, view.table, view.columns
        names = [f.name for f in view.values]
        places = list(place_columns(contract) or ())
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
    contracts = {name: feed.contract for name, feed in home.feeds().items()}
    snapshot = Snapshot(home.index.size, contracts=contracts)
    for name, contract in contracts.items():
        if not is_shown(contract):
            continue
        view = store.view(home, contract, as_of)
        if view.summary.height > MAX_SENSORS:
            continue
        found = registry_of(contract, contracts)
        if found is not None:
            view.registry, view.match, since = found
            if view.registry not in snapshot.registries:
                registry = contracts[view.registry]
                read = read_registry(home, registry, view.match, since, as_of)
                snapshot.registries[view.registry] = read
        snapshot.feeds[name] = view
    return snapshot
