"""What the catalogue's routes are asked with: names, versions, times; and what they share."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request

from veracity.home.clock import format_time, parse_time
from veracity.server.catalogue.dcat import City
from veracity.server.catalogue.spool import Spool
from veracity.server.city_reader import CityReader
from veracity.server.links import public_url
from veracity.server.recent import Recent

RECENT_S = 10.0  #: so old may what is measured over whole feeds be

FeedName = Annotated[
    str, Path(description="Name of a feed", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", max_length=64)
]
PanelName = Annotated[
    str, Path(description="Name of a panel", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", max_length=64)
]
Digest = Annotated[str, Path(description="SHA-256 of its bytes", pattern=r"^[0-9a-f]{64}$")]
Version = Annotated[int, Path(description="A batch's number: the feed as known after it", ge=0, le=10**12)]
Entry = Annotated[int, Path(description="A place in the log", ge=0, le=10**12)]
AsOf = Annotated[
    str | None,
    Query(
        description="As known at this time (RFC 3339); now if absent",
        max_length=40,
        json_schema_extra={"format": "date-time"},
    ),
]


def time_asked(as_of: str | None) -> datetime | None:
    """Return the time asked for; ``BadName`` if it is none."""
    return None if as_of is None else parse_time("as_of", as_of)


def then(when: datetime | None) -> str:
    """Return what follows the address of something as known at a time; empty if no time was asked for."""
    return "" if when is None else f"?as_of={format_time(when)}"


def city_of(request: Request) -> City:
    """Return the city whose catalogue is asked for."""
    settings = request.app.state.settings
    reader: CityReader = request.app.state.city
    with reader.home() as home:
        origin = home.directory.origin
    return City(public_url(request), origin, settings.is_open)


def reader_of(request: Request) -> CityReader:
    """Return the reader of the city's home."""
    reader: CityReader = request.app.state.city
    return reader


def spool_of(request: Request) -> Spool:
    """Return the spool of files for readers: one for the application."""
    state = request.app.state
    if not hasattr(state, "spool"):
        state.spool = Spool(state.settings.spool_bytes)
    spool: Spool = state.spool
    return spool


def recent_of(request: Request) -> Recent:
    """Return what keeps measured answers for a few seconds: one for the application."""
    state = request.app.state
    if not hasattr(state, "recent"):
        state.recent = Recent(RECENT_S)
    recent: Recent = state.recent
    return recent
