"""What clients made, as the feed of things says: entities in the order in which they were made.

A document has the properties of its entity and, by identifier, what it is linked to. It is the same for
every version of the interface::

    Things              name description properties locations
    Locations           name description location properties things
    Sensors             name description encodingType metadata properties
    ObservedProperties  name definition description properties
    Datastreams         name description properties kind unit thing sensor observed
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from veracity.data.lake import collect_rows
from veracity.home.home import Home
from veracity.home.tables import table_rows
from veracity.server.created.feeds import THINGS, VALUE_COLUMNS, is_built_in
from veracity.server.registers import Key, Spot, is_on_earth

MAX_CREATED = 20_000  #: entities of a city that clients made
_TEXTS = {
    "Things": ("name", "description"),
    "Locations": ("name", "description"),
    "Sensors": ("name", "description", "encodingType"),
    "ObservedProperties": ("name", "definition", "description"),
    "Datastreams": ("name", "description", "thing", "sensor", "observed"),
}
_LISTS = {"Things": "locations", "Locations": "things"}


@dataclass(frozen=True)
class Created:
    """One entity: what it says, who made it when, and where its record is in the evidence."""

    set: str
    id: str
    said: Mapping[str, Any]
    agency: str | None
    at: datetime
    batch: int
    record: int

    @property
    def spot(self) -> Spot:
        """Where a location is."""
        lon, lat = self.said["location"]["coordinates"][:2]
        return Spot(float(lon), float(lat), str(self.said["name"]), self.at)


def read_created(home: Home, as_of: datetime | None = None) -> list[Created]:
    """Return what clients had made at a time, or have made. What is no entity of ours is left out."""
    feed = home.feeds().get(THINGS)
    if feed is None or not is_built_in(feed.contract):
        return []
    rows = collect_rows(table_rows(home, THINGS, as_of).head(MAX_CREATED))
    return [made for row in rows.iter_rows(named=True) if (made := _parsed(row)) is not None]


def stays(created: Sequence[Created]) -> Iterator[tuple[str, Created, datetime]]:
    """Yield which thing came to which location, and when, in order."""
    locations = {c.id: c for c in created if c.set == "Locations"}
    for one in created:
        if one.set == "Things":
            for name in one.said["locations"]:
                if name in locations:
                    yield one.id, locations[name], one.at
        elif one.set == "Locations":
            for thing in one.said["things"]:
                yield thing, one, one.at


def datastream_spots(created: Sequence[Created], elsewhere: Callable[[str], Spot | None]) -> dict[Key, Spot]:
    """Return where the things of datastreams stand, by the identifier of the datastream.

    Parameters
    ----------
    elsewhere
        Where a thing stands that no client made.
    """
    last: dict[str, Spot | None] = {thing: location.spot for thing, location, _ in stays(created)}
    found: dict[Key, Spot] = {}
    for one in created:
        if one.set == "Datastreams":
            thing = one.said["thing"]
            if thing not in last:
                last[thing] = None if thing.startswith(f"{THINGS}:") else elsewhere(thing)
            if (spot := last[thing]) is not None:
                found[one.id,] = spot
    return found


def _parsed(row: Mapping[str, Any]) -> Created | None:
    try:
        said = orjson.loads(row["document"])
    except ValueError:
        return None
    entity_set = row["entity_set"]
    if not isinstance(said, dict) or not _is_sound(entity_set, said):
        return None
    return Created(
        entity_set, row["id"], said, row["agency"], row["created_at"], row["_batch"], row["_record"]
    )


def _is_sound(entity_set: str, said: Mapping[str, Any]) -> bool:
    """Tell whether a document has what its set needs: others than the server may write into the feed."""
    if not all(isinstance(said.get(n), str) for n in _TEXTS.get(entity_set, ("",))):
        return False
    linked = said.get(_LISTS.get(entity_set, ""), [])
    if not isinstance(linked, list) or not all(isinstance(i, str) for i in linked):
        return False
    if entity_set in _LISTS and _LISTS[entity_set] not in said:
        return False
    if not isinstance(said.get("properties"), dict):
        return False
    if entity_set == "Datastreams":
        return said.get("kind") in VALUE_COLUMNS and isinstance(said.get("unit"), dict)
    return entity_set != "Locations" or is_point(said.get("location"))


def is_point(value: Any) -> bool:
    """Tell whether a value is a point of GeoJSON, on Earth."""
    found = value.get("coordinates") if isinstance(value, dict) and value.get("type") == "Point" else None
    return isinstance(found, list) and 2 <= len(found) <= 3 and is_on_earth(found[0], found[1])
