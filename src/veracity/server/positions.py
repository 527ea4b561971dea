"""Where a feed's sensors stand, as far as the city's own data says.

In this order: columns of the feed itself (``latitude`` and ``longitude``, or ``lat`` and ``lon``); another
feed that its contract looks it up in (rule ``registry``) and that has such columns; the list of places that
an app trained on the feed was given (``veracity app places``). Where none says, nothing is known: no
position is made up.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from veracity.canonical import canonical_json
from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.data.rules.registry import Registry
from veracity.errors import VeracityError
from veracity.home.errors import UnknownFeed
from veracity.home.home import Home
from veracity.models.places import parse_places

Point = tuple[float, float]  #: longitude, latitude: WGS 84 degrees

_NAMES = (("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"))
_KEPT = re.compile(r"places/([a-z0-9-]+)/\d{8}-[0-9a-f]{64}\.csv")
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
    return _of_apps(home, contract.feed, contract.sensor[0])


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


def _of_apps(home: Home, feed: str, sensor: str) -> Positions:
    """Return the places that the apps trained on the feed were given, the newest list of each."""
    trained = {
        str(p["name"])
        for _, p in home.index.predicates("train")
        if any(i["feed"] == feed for i in p["inputs"])
    }
    newest: dict[str, str] = {}
    for path in sorted(home.objects.list("places")):
        match = _KEPT.fullmatch(path)
        if match is not None and match[1] in trained:
            newest[match[1]] = path
    points: dict[str, Point] = {}
    for path in newest.values():
        text = home.objects.get(path)
        if text.partition(b",")[0].decode("utf-8", "replace") != sensor:
            continue
        try:
            places = parse_places(text)
        except VeracityError:
            continue
        for key, said in places.items():
            if "lon" in said and "lat" in said and _is_on_earth(said["lon"], said["lat"]):
                points[key] = said["lon"], said["lat"]
    return Positions(column=sensor, points=points)


def _is_on_earth(lon: float, lat: float) -> bool:
    return math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
