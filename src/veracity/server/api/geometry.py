"""Where the places of a feed are: in its own columns, in an app that reads it, or in the built-in city.

Nothing of it is guessed: a place that none of these knows has no geometry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from veracity import apps
from veracity.city.stations import stations_of
from veracity.data.contract import Contract
from veracity.data.panel_definition import parse_panel
from veracity.errors import VeracityError
from veracity.home.home import Home
from veracity.home.models.places import placed

_LON = ("lon", "lng", "longitude")
_LAT = ("lat", "latitude")


@dataclass(frozen=True)
class Site:
    """Where a place is (WGS 84, degrees) and what people call it."""

    lon: float
    lat: float
    title: str | None = None


def coordinate_columns(contract: Contract) -> tuple[str, str] | None:
    """Return the columns of a feed that hold its rows' longitude and latitude; None without both."""
    names = {f.name.lower(): f.name for f in contract.fields if f.type in ("number", "integer")}
    lon = next((names[n] for n in _LON if n in names), None)
    lat = next((names[n] for n in _LAT if n in names), None)
    return None if lon is None or lat is None else (lon, lat)


def key_columns(contract: Contract) -> tuple[str, ...]:
    """Return the columns that tell a feed's places apart: its key without the event time."""
    return tuple(n for n in contract.key if n != contract.time)


def sites(home: Home, contract: Contract) -> Mapping[str, Site]:
    """Return the places of a feed that are known beside its rows, by key."""
    keys = key_columns(contract)
    if len(keys) != 1:
        return {}
    found = dict(_of_apps(home, contract.feed, keys[0]))
    if contract.text == _built_in(contract.feed):
        found |= {s.id: Site(s.lon, s.lat, s.place) for s in stations_of(contract.feed)}
    return found


def _of_apps(home: Home, feed: str, key: str) -> Mapping[str, Site]:
    """Return the places of the apps that read a feed by this key."""
    found: dict[str, Site] = {}
    for name in apps.names():
        try:
            app = placed(home, apps.find(name))
            columns = parse_panel(app.panel).columns
        except VeracityError:
            continue  # an app that cannot be loaded knows no places
        if not any(c.feed == feed and c.key == key for c in columns):
            continue
        for place, known in app.attributes.items():
            if "lon" in known and "lat" in known:
                found[place] = Site(known["lon"], known["lat"])
    return found


@lru_cache(maxsize=64)
def _built_in(feed: str) -> bytes | None:
    """Return the contract of the built-in city's feed of this name."""
    place = files("veracity.city") / "contracts" / f"{feed}.yaml"
    return place.read_bytes() if place.is_file() else None
