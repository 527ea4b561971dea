"""Where a feed's sensors stand, as far as the city's own data says.

In this order: columns of the feed itself (``latitude`` and ``longitude``, or ``lat`` and ``lon``); another
feed that its contract looks it up in (rule ``registry``) and that has such columns; the places of the apps
that read it (``veracity app places``), and those of the built-in city's own feeds. Where none says, nothing
is known: no position is made up.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

import polars as pl

from veracity import apps
from veracity.canonical import canonical_json
from veracity.city.stations import stations_of
from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.data.panel_definition import parse_panel
from veracity.data.rules.registry import Registry
from veracity.errors import VeracityError
from veracity.home.errors import UnknownFeed
from veracity.home.home import Home
from veracity.home.models.places import placed

Point = tuple[float, float]  #: longitude, latitude: WGS 84 degrees

_NAMES = (("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"))
_MAX_PLACES = 100_000


@dataclass(frozen=True)
class Positions:
    """Positions of a feed: ``columns`` (longitude, latitude) in each row, or by the value of ``column``."""

    columns: tuple[str, str] | None = None
    column: str | None = None
    points: Mapping[str, Point] | None = None

    @property
    def is_known(self) -> bool:
        """Whether any is known."""
        return self.columns is not None or bool(self.points)

    @property
    def digest(self) -> str:
        """SHA-256 of all that is known of them, where that is not in the rows themselves."""
        return sha256(canonical_json([self.column, sorted((self.points or {}).items())])).hexdigest()

    def with_points(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Add ``_lon`` and ``_lat`` to rows, null where they are unknown or no place on Earth."""
        none = pl.lit(None, pl.Float64)
        if self.columns is not None:
            lon, lat = (pl.col(name).cast(pl.Float64) for name in self.columns)
            valid = lon.is_between(-180, 180) & lat.is_between(-90, 90)
            return rows.with_columns(
                pl.when(valid).then(lon).alias("_lon"), pl.when(valid).then(lat).alias("_lat")
            )
        if not self.points or self.column is None:
            return rows.with_columns(none.alias("_lon"), none.alias("_lat"))
        known = pl.LazyFrame(
            {
                self.column: list(self.points),
                "_lon": [p[0] for p in self.points.values()],
                "_lat": [p[1] for p in self.points.values()],
            },
            schema={self.column: pl.String, "_lon": pl.Float64, "_lat": pl.Float64},
        )
        return rows.join(known, on=self.column, how="left", maintain_order="left")


def point_columns(contract: Contract) -> tuple[str, str] | None:
    """Return the columns of a contract that hold longitude and latitude; None without them."""
    numbers = {f.name for f in contract.fields if f.type == "number"}
    return next((pair for pair in _NAMES if set(pair) <= numbers), None)


def positions(home: Home, contract: Contract) -> Positions:
    """Return where a feed's sensors stand, as known now."""
    columns = point_columns(contract)
    if columns is not None:
        return Positions(columns=columns)
    for rule in contract.registry_rules:
        found = _of_registry(home, rule) if isinstance(rule, Registry) else None
        if found is not None:
            return found
    if len(contract.sensor) != 1 or contract.field(contract.sensor[0]).type != "string":
        return Positions()
    sensor = contract.sensor[0]
    return Positions(column=sensor, points=_of_apps(home, contract.feed, sensor) | _of_twin(contract))


def _of_registry(home: Home, rule: Registry) -> Positions | None:
    """Return the newest position of each thing in a registry that one column names."""
    if len(rule.match) != 1:
        return None
    own, other = rule.match[0]
    try:
        contract = home.feed(rule.feed).contract
    except UnknownFeed:
        return None
    columns = point_columns(contract)
    if columns is None or contract.personal or contract.field(other).type != "string":
        return None
    rows = home.table(rule.feed).scan().select(other, *columns).drop_nulls()
    last = collect_rows(rows.unique(other, keep="last", maintain_order=True).head(_MAX_PLACES))
    return Positions(
        column=own, points={str(k): (x, y) for k, x, y in last.iter_rows() if _is_on_earth(x, y)}
    )


def _of_apps(home: Home, feed: str, sensor: str) -> dict[str, Point]:
    """Return the places of the apps that read the feed by this column, as they are in this city."""
    points: dict[str, Point] = {}
    for name in apps.names():
        try:
            app = placed(home, apps.find(name))
            columns = parse_panel(app.panel).columns
        except VeracityError:
            continue  # an app that cannot be loaded knows no places
        if any(c.feed == feed and c.key == sensor for c in columns):
            said = {k: p for k, p in app.attributes.items() if "lon" in p and "lat" in p}
            points |= {k: (p["lon"], p["lat"]) for k, p in said.items() if _is_on_earth(p["lon"], p["lat"])}
    return points


def _of_twin(contract: Contract) -> dict[str, Point]:
    """Return where the built-in city's stations stand, if the contract is one of its own, to the byte."""
    if contract.text != _built_in(contract.feed):
        return {}
    return {s.id: (s.lon, s.lat) for s in stations_of(contract.feed)}


@lru_cache(maxsize=64)
def _built_in(feed: str) -> bytes | None:
    place = files("veracity.city") / "contracts" / f"{feed}.yaml"
    return place.read_bytes() if place.is_file() else None


def _is_on_earth(lon: float, lat: float) -> bool:
    return math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
