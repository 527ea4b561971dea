"""Where a feed's things stand, as far as the city's own data says: the one place that knows.

In this order: columns of the row itself (``latitude`` and ``longitude``, ``lat`` and ``lon``); the feed that
its things are registered in (a rule ``registry``, or a feed with places and the same key); the places of
the apps that read it (``veracity app places``); those of the built-in city's own feeds. Where none says,
nothing is known: no position is made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import polars as pl

from veracity import apps
from veracity.canonical import canonical_json
from veracity.city.stations import stations_of
from veracity.data.contract import Contract
from veracity.data.panel_definition import parse_panel
from veracity.errors import VeracityError
from veracity.home.home import Home
from veracity.home.models.places import placed
from veracity.server.contract_columns import key_columns, point_columns
from veracity.server.created.entities import datastream_spots, read_created
from veracity.server.created.feeds import DATASTREAM, is_observations
from veracity.server.registers import (
    Key,
    Register,
    Registered,
    Spot,
    is_on_earth,
    is_register,
    key_of,
    read_register,
    register_of,
)
from veracity.server.sensorthings import ids

_POINT = ("_lon", "_lat")


@dataclass(frozen=True)
class Lookup:
    """Where things stand by what some columns of a row say, as text."""

    columns: tuple[str, ...]
    spots: Mapping[Key, Spot]

    def fill(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Set ``_lon`` and ``_lat`` of the rows that have none, where it knows them."""
        names = [f"_named_{n}" for n in range(len(self.columns))]
        known = pl.LazyFrame(
            {
                **{name: [key[n] for key in self.spots] for n, name in enumerate(names)},
                "_x": [spot.lon for spot in self.spots.values()],
                "_y": [spot.lat for spot in self.spots.values()],
            },
            schema={**dict.fromkeys(names, pl.String), "_x": pl.Float64, "_y": pl.Float64},
        )
        named = [pl.col(c).cast(pl.String).alias(name) for c, name in zip(self.columns, names, strict=True)]
        joined = rows.with_columns(named).join(known, on=names, how="left", maintain_order="left")
        lon, lat = map(pl.col, _POINT)
        filled = [
            pl.when(lon.is_null()).then(pl.col("_x")).otherwise(lon).alias("_lon"),
            pl.when(lon.is_null()).then(pl.col("_y")).otherwise(lat).alias("_lat"),
        ]
        return joined.with_columns(filled).drop(*names, "_x", "_y")


@dataclass(frozen=True)
class Positions:
    """Positions of a feed's rows: in ``columns`` (longitude, latitude) of each, else by the first lookup.

    ``register`` and ``registered`` are the registry of its things, if it has one, and what that says.
    """

    columns: tuple[str, str] | None = None
    lookups: tuple[Lookup, ...] = ()
    register: Register | None = None
    registered: Mapping[Key, Registered] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether any is known."""
        return self.columns is not None or bool(self.lookups)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that is known of them, where that is not in the rows themselves."""
        told = [
            [list(it.columns), sorted([*k, s.lon, s.lat] for k, s in it.spots.items())] for it in self.lookups
        ]
        return sha256(canonical_json(told)).hexdigest()

    @property
    def spots(self) -> list[Spot]:
        """All places that are known beside the rows."""
        return [spot for lookup in self.lookups for spot in lookup.spots.values()]

    def known(self, row: Mapping[str, Any]) -> Spot | None:
        """Return where the thing of a row stands, as is known beside the row itself."""
        found = (lookup.spots.get(key_of(row, lookup.columns)) for lookup in self.lookups)
        return next((spot for spot in found if spot is not None), None)

    def of(self, row: Mapping[str, Any]) -> Spot | None:
        """Return where a row was: as it says itself, else where its thing is known to stand."""
        known = self.known(row)
        if self.columns is not None:
            lon, lat = (row.get(name) for name in self.columns)
            if is_on_earth(lon, lat):
                return Spot(float(lon or 0), float(lat or 0), None if known is None else known.title)
        return known

    def with_points(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Add ``_lon`` and ``_lat`` to rows, null where they are unknown or no place on Earth."""
        none = pl.lit(None, pl.Float64)
        lon, lat = none, none
        if self.columns is not None:
            x, y = (pl.col(name).cast(pl.Float64) for name in self.columns)
            valid = x.is_between(-180, 180) & y.is_between(-90, 90)
            lon, lat = pl.when(valid).then(x), pl.when(valid).then(y)
        rows = rows.with_columns(lon.alias("_lon"), lat.alias("_lat"))
        for lookup in self.lookups:
            rows = lookup.fill(rows)
        return rows


class Survey:
    """Positions of many feeds, as known at a time, or now: what they share is read once.

    The places of apps are those in force now: no statement says since when.
    """

    def __init__(self, home: Home, as_of: datetime | None = None) -> None:
        self._home, self._as_of = home, as_of
        self._contracts = {name: feed.contract for name, feed in home.feeds().items()}
        self._registered: dict[Register, Mapping[Key, Registered]] = {}

    def of(self, contract: Contract) -> Positions:
        """Return the positions of a feed."""
        if is_observations(contract):
            spots = datastream_spots(read_created(self._home, self._as_of), self._of_thing)
            return Positions(lookups=(Lookup((DATASTREAM,), spots),) if spots else ())
        register = register_of(contract, self._contracts)
        registered = {} if register is None else self._read(register)
        last = {key: it.spots[-1] for key, it in registered.items() if it.spots}
        lookups = [] if register is None else [Lookup(register.columns, last)]
        keys = key_columns(contract)
        if len(keys) == 1:
            lookups.append(Lookup(keys, self._of_apps(contract.feed, keys[0]) | _of_twin(contract)))
        known = tuple(lookup for lookup in lookups if lookup.spots)
        return Positions(point_columns(contract), known, register, registered)

    def _read(self, register: Register) -> Mapping[Key, Registered]:
        if register not in self._registered:
            contract = self._contracts[register.feed]
            self._registered[register] = read_register(self._home, contract, register, self._as_of)
        return self._registered[register]

    def _of_thing(self, identity: str) -> Spot | None:
        """Return where a thing of a contract or a registry stands, as is known beside rows."""
        feed, *key = ids.parts_of(identity)
        contract = self._contracts.get(feed)
        if contract is None or contract.personal or is_observations(contract):
            return None
        columns = key_columns(contract)
        known = self.of(contract).known(dict(zip(columns, key, strict=False)))
        if known is not None or not is_register(contract):
            return known
        named = self._read(Register(feed, tuple((c, c) for c in columns), contract.time)).get(tuple(key))
        return named.spots[-1] if named is not None and named.spots else None

    def _of_apps(self, feed: str, key: str) -> dict[Key, Spot]:
        """Return the places of the apps that read a feed by this column, as they are in this city."""
        found: dict[Key, Spot] = {}
        for by_feed, spots in self._apps:
            if (feed, key) in by_feed:
                found |= spots
        return found

    @cached_property
    def _apps(self) -> list[tuple[set[tuple[str, str]], dict[Key, Spot]]]:
        """The places of every app, with the columns of feeds that name them."""
        found: list[tuple[set[tuple[str, str]], dict[Key, Spot]]] = []
        for name in apps.names():
            try:
                app = placed(self._home, apps.find(name))
                columns = parse_panel(app.panel).columns
            except VeracityError:
                continue  # an app that cannot be loaded knows no places
            spots: dict[Key, Spot] = {
                (place,): Spot(known["lon"], known["lat"])
                for place, known in app.attributes.items()
                if is_on_earth(known.get("lon"), known.get("lat"))
            }
            found.append(({(c.feed, c.key) for c in columns if c.key is not None}, spots))
        return found


def positions(home: Home, contract: Contract, as_of: datetime | None = None) -> Positions:
    """Return where a feed's things stood as known at a time, or stand as known now."""
    return Survey(home, as_of).of(contract)


def _of_twin(contract: Contract) -> dict[Key, Spot]:
    """Return where the built-in city's stations stand, if the contract is one of its own, to the byte."""
    if contract.text != _built_in(contract.feed):
        return {}
    return {(s.id,): Spot(s.lon, s.lat, s.place) for s in stations_of(contract.feed)}


@lru_cache(maxsize=64)
def _built_in(feed: str) -> bytes | None:
    """Return the contract of the built-in city's feed of this name."""
    place = files("veracity.city") / "contracts" / f"{feed}.yaml"
    return place.read_bytes() if place.is_file() else None
