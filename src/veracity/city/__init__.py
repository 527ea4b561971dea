"""The built-in city: a twin of Da Nang in small, simulated and marked so everywhere.

``Twin`` makes the deliveries; ``contracts()`` and ``panel()`` give the YAML that a real city
would have written for them; ``AGENCIES`` are the three that sign.
"""

from importlib import resources
from importlib.resources.abc import Traversable

from veracity.city.agencies import AGENCIES, Agency
from veracity.city.errors import CityError, ImpossibleTwin
from veracity.city.faults import Fault
from veracity.city.stations import Station, stations, stations_of
from veracity.city.twin import Delivery, Twin
from veracity.city.world import FEEDS

__all__ = [
    "AGENCIES",
    "FEEDS",
    "Agency",
    "CityError",
    "Delivery",
    "Fault",
    "ImpossibleTwin",
    "Station",
    "Twin",
    "contracts",
    "panel",
    "stations",
    "stations_of",
]


def contracts() -> dict[str, Traversable]:
    """Return the contract file of each feed, by the feed's name."""
    folder = resources.files("veracity.city") / "contracts"
    return {feed: folder / f"{feed}.yaml" for feed in FEEDS}


def panel() -> Traversable:
    """Return the panel file that aligns the three feeds by ward every five minutes."""
    return resources.files("veracity.city") / "panel.yaml"
