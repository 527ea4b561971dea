"""Inside: a row's position lies in an area."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from veracity.data.place import fault
from veracity.data.rules.area import Area, Box, Circle, Polygon
from veracity.data.rules.parameters import Parameters, Scope, finite
from veracity.data.rules.rule import Rule

VERTICES = 10_000
FEW_CORNERS = 32  # up to which going round costs less than finding the distinct places
_NUMBERS = ("number", "integer")
_HALF_EARTH_KM = 20_015.0


@dataclass(frozen=True)
class Inside(Rule):
    """A row's position lies in an area or on its border.

    ``{rule: inside, latitude: lat, longitude: lon, box: [west, south, east, north]}`` with a name on
    the schema object. Positions are degrees of WGS 84, east and north positive, longitudes from -180 to
    180. A row without a latitude or a longitude is not asked.

    Attributes
    ----------
    latitude, longitude
        ``latitude``, ``longitude``: the columns that hold the position.
    area
        One of ``box: [west, south, east, north]`` (``west`` greater than ``east`` spans the 180th
        meridian); ``polygon: [[longitude, latitude], ...]`` of 3 to 10,000 corners, closed by
        itself, which may not span it; ``circle: {longitude, latitude, radius_km}``, measured along a
        sphere, to within 2 m of it.
    """

    latitude: str
    longitude: str
    area: Area

    @property
    def columns(self) -> tuple[str, ...]:
        """The two columns of the position."""
        return (self.longitude, self.latitude)

    def broken(self) -> pl.Expr:
        """Return where the position is outside; null where there is none."""
        position = [pl.col(name).cast(pl.Float64) for name in self.columns]
        asked = pl.all_horizontal([pl.col(name).is_not_null() for name in self.columns])
        outside = pl.struct(position).map_batches(self._outside, return_dtype=pl.Boolean)
        return pl.when(asked).then(outside)

    def _outside(self, positions: pl.Series) -> pl.Series:
        """Return (n,) Boolean; with many corners to go round, each place is looked at once."""
        both = positions.struct.unnest()
        if not isinstance(self.area, Polygon) or len(self.area.ring) <= FEW_CORNERS:
            x, y = (axis.fill_null(0.0).to_numpy() for axis in both.get_columns())
            return pl.Series(positions.name, ~self.area.holds(x, y))
        both.columns = ["_longitude", "_latitude"]
        places = both.unique(maintain_order=True)
        x, y = (places[name].fill_null(0.0).to_numpy() for name in both.columns)
        judged = places.with_columns(_outside=pl.Series(~self.area.holds(x, y)))
        joined = both.join(judged, on=both.columns, how="left", maintain_order="left", nulls_equal=True)
        return joined["_outside"].alias(positions.name)

    def to_object(self) -> dict[str, Any]:
        """Return the rule as JSON."""
        told = {name: _plain(value) for name, value in vars(self.area).items()}
        return dict(super().to_object()) | {"area": {"shape": type(self.area).__name__.lower()} | told}


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def read_inside(scope: Scope, p: Parameters) -> Inside:
    """Read the rule."""
    latitude = p.column("latitude", scope, _NUMBERS)
    longitude = p.column("longitude", scope, _NUMBERS)
    given = [name for name in ("box", "polygon", "circle") if p.has(name)]
    if len(given) != 1:
        raise fault(f"{p.where}: want one of box, polygon and circle, got {' and '.join(given) or 'none'}")
    area = {"box": _box, "polygon": _polygon, "circle": _circle}[given[0]](p)
    return Inside(f"inside:{scope.property}", p.action, p.severity, latitude, longitude, area)


def _box(p: Parameters) -> Area:
    given = p.items("box", most=4)
    west, south, east, north = (*map(finite, given), None, None, None, None)[:4]
    if west is None or south is None or east is None or north is None:
        raise p.fail("box", "[west, south, east, north] in degrees", given)
    box = Box(west, south, east, north)
    if not (_on_globe(west, south) and _on_globe(east, north) and south <= north):
        raise p.fail("box", "west and east from -180 to 180, -90 <= south <= north <= 90", given)
    return box


def _polygon(p: Parameters) -> Area:
    given = p.items("polygon", most=VERTICES)
    ring = tuple(_corner(p, corner) for corner in given)
    if len(ring) < 3 or _is_flat(ring):
        raise p.fail("polygon", "3 or more corners that are not on one line", given)
    x = np.asarray(ring)[:, 0]
    if (np.abs(np.roll(x, -1) - x) > 180).any():
        raise p.fail("polygon", "edges of at most 180 degrees (the 180th meridian may not be crossed)", given)
    return Polygon(ring)


def _corner(p: Parameters, given: Any) -> tuple[float, float]:
    ends = [finite(end) for end in given] if isinstance(given, list) and len(given) == 2 else [None, None]
    x, y = ends
    if x is None or y is None or not _on_globe(x, y):
        raise p.fail("polygon", "corners [longitude, latitude] in degrees", given)
    return x, y


def _is_flat(ring: tuple[tuple[float, float], ...]) -> bool:
    """Tell whether all corners lie on one line, so that nothing is inside."""
    x, y = (np.asarray(ring)[:, axis] - ring[0][axis] for axis in (0, 1))
    far = int(np.argmax(x * x + y * y))
    return bool((x[far] * y == y[far] * x).all())


def _circle(p: Parameters) -> Area:
    q = Parameters(f"{p.where}.circle", p.mapping("circle"))
    longitude = q.number("longitude", low=-180, high=180)
    latitude = q.number("latitude", low=-90, high=90)
    radius_km = q.number("radius_km", low=0, high=_HALF_EARTH_KM)
    if radius_km == 0:
        raise q.fail("radius_km", "a radius above 0", radius_km)
    q.done()
    return Circle(longitude, latitude, radius_km)


def _on_globe(longitude: float, latitude: float) -> bool:
    return abs(longitude) <= 180 and abs(latitude) <= 90
