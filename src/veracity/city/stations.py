"""Where the twin's sensors stand. No real instrument is meant by any of them.

The names and codes of the wards are those of Da Nang since 1 July 2025 (Resolution
1659/NQ-UBTVQH15); the stations, their numbers and their places in a ward are invented.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

from veracity.city.clock import Floats


@dataclass(frozen=True)
class Station:
    """A station. ``kind``: what it stands by (air, traffic) or on which river (hydrology).

    ``ward`` is the code of the General Statistics Office; ``lon`` and ``lat`` are WGS 84 degrees.
    """

    id: str
    feed: str
    place: str
    ward: str
    lon: float
    lat: float
    kind: str


@lru_cache(maxsize=1)
def stations() -> tuple[Station, ...]:
    """Return all 72: 20 of air quality, 12 of hydrology, 40 of traffic."""
    text = resources.files("veracity.city").joinpath("stations.csv").read_text(encoding="utf-8")
    return tuple(
        Station(r["station"], r["feed"], r["place"], r["ward"], float(r["lon"]), float(r["lat"]), r["kind"])
        for r in csv.DictReader(text.splitlines())
    )


def stations_of(feed: str) -> tuple[Station, ...]:
    """Return the stations of one feed, by id."""
    return tuple(s for s in stations() if s.feed == feed)


def longitudes(of: tuple[Station, ...]) -> Floats:
    """Return (k,) float64, degrees east."""
    return np.array([s.lon for s in of])
