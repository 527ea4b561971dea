"""Registries: the feeds that say what things are and where they stand, and since when."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.data.rules.registry import Registry
from veracity.home.home import Home
from veracity.home.tables import table_rows
from veracity.server.contract_columns import key_columns, point_columns, value_fields

MAX_ROWS = 200_000  #: of a registry
Key = tuple[str, ...]  #: the values that name a thing, as text


@dataclass(frozen=True)
class Spot:
    """Where a thing stands, in degrees of WGS 84, and what people call it.

    ``since`` is when it came there; None: before anything is known.
    """

    lon: float
    lat: float
    title: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Register:
    """The feed that a feed's things are registered in, and how: pairs of its own column and the registry's.

    ``since`` is the registry's column of the time from which a row counts.
    """

    feed: str
    match: tuple[tuple[str, str], ...]
    since: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the feed itself that name a thing."""
        return tuple(own for own, _ in self.match)


@dataclass(frozen=True)
class Registered:
    """What a registry says of a thing: the latest of each column, and its places in order of time."""

    values: Mapping[str, Any]
    spots: Sequence[Spot]


def register_of(contract: Contract, contracts: Mapping[str, Contract]) -> Register | None:
    """Return where a feed's things are registered.

    By a rule ``registry`` of its contract; else by a feed with places whose key is the same columns.
    """
    for rule in contract.registry_rules:
        other = contracts.get(rule.feed)
        if other is not None and not other.personal and isinstance(rule, Registry):
            return Register(rule.feed, rule.match, rule.since)
    own = set(contract.sensor)
    for name, other in contracts.items():
        keys = key_columns(other)
        is_other = name != contract.feed and not other.personal
        if is_other and own and set(keys) == own and is_register(other):
            return Register(name, tuple((k, k) for k in keys), other.time)
    return None


def is_register(contract: Contract) -> bool:
    """Tell whether a feed says where things are, and nothing that was observed there at a time."""
    is_of_things = contract.time not in contract.key or not value_fields(contract)
    return is_of_things and point_columns(contract) is not None


def read_register(
    home: Home, contract: Contract, register: Register, as_of: datetime | None = None
) -> dict[Key, Registered]:
    """Return what a registry said of each thing at a time, or says now.

    Parameters
    ----------
    contract
        The registry's.
    """
    keys, since = [other for _, other in register.match], register.since
    rows = collect_rows(table_rows(home, register.feed, as_of).head(MAX_ROWS))
    if since is not None and since in rows.columns:
        rows = rows.sort(since, nulls_last=False, maintain_order=True)
    point = point_columns(contract)
    shown = [f.name for f in contract.fields if f.name not in (*keys, *(point or ()), "simulated")]
    found: dict[Key, tuple[dict[str, Any], list[Spot]]] = {}
    for row in rows.iter_rows(named=True):
        values, spots = found.setdefault(key_of(row, keys), ({}, []))
        values.update({name: row[name] for name in shown if row.get(name) is not None})
        here = None if point is None else (row[point[0]], row[point[1]])
        if here is not None and is_on_earth(*here):
            begin = row.get(since) if since else None
            spot = Spot(float(here[0]), float(here[1]), _title(values), begin)
            if not spots or (spots[-1].lon, spots[-1].lat) != (spot.lon, spot.lat):
                spots.append(spot)
    return {key: Registered(values, spots) for key, (values, spots) in found.items()}


def key_of(row: Mapping[str, Any], columns: Sequence[str]) -> Key:
    """Return the values of some columns of a row, as text; "" where there is none."""
    return tuple("" if row.get(c) is None else str(row[c]) for c in columns)


def is_on_earth(lon: Any, lat: Any) -> bool:
    """Tell whether two values are a longitude and a latitude."""
    numbers = (lon, lat)
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in numbers):
        return False
    return math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90


def _title(values: Mapping[str, Any]) -> str | None:
    name = values.get("name")
    return name if isinstance(name, str) and name else None
