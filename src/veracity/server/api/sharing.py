"""What the routes share of the application's state, and what may be shown of a feed."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from veracity.data.contract import Contract
from veracity.home.home import Feed, Home
from veracity.server.city_reader import CityReader
from veracity.server.errors import NotThere, PersonalFeed


async def _city(request: Request) -> CityReader:
    city: CityReader = request.app.state.city
    return city


CityState = Annotated[CityReader, Depends(_city)]


def find_feed(home: Home, name: str) -> Feed:
    """Return a feed; ``NotThere`` if there is none."""
    if not home.index.predicates("contract", name):
        raise NotThere(f"feed: want one of this city, got {name!r}")
    return home.feed(name)


def is_personal(home: Home, name: str) -> bool:
    """Tell whether a feed has personal fields, under its contract or any that it had."""
    said = home.index.predicates("contract", name)
    return any(home.contract(str(p["sha256"])).personal for _, p in said)


def open_feed(home: Home, name: str, as_of: datetime | None = None) -> Contract:
    """Return the contract, at a time or now, of a feed whose rows may be shown to anyone.

    As of a time before its first contract it is the first: nothing had come that it could misjudge.

    Raises
    ------
    NotThere
        If there is no such feed.
    PersonalFeed
        If it has personal fields, or had some.
    """
    contract = find_feed(home, name).contract
    if is_personal(home, name):
        raise PersonalFeed(f"rows of {name}: want a feed without personal fields, got one with some")
    if as_of is None:
        return contract
    said = home.index.predicates("contract", name)
    before = home.index.known_before(as_of)
    return home.contract(str(next((p for i, p in reversed(said) if i < before), said[0][1])["sha256"]))


def age_s(now: datetime, then: datetime | None) -> float | None:
    """Return how long ago something was, in seconds, not below 0."""
    return None if then is None else max(0.0, (now - then).total_seconds())
