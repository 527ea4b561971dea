"""What the routes share of the application's state, and what may be shown of a feed."""

from datetime import datetime
from threading import Lock
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from veracity.data.contract import Contract
from veracity.home.home import Feed, Home
from veracity.server.city_reader import CityReader
from veracity.server.errors import NotThere, PersonalFeed
from veracity.server.public_feeds import n_then

MAX_CONTRACTS = 1_000  #: kept, each of some kilobytes
_CONTRACTS: dict[str, Contract] = {}
_LOCK = Lock()


async def _city(request: Request) -> CityReader:
    city: CityReader = request.app.state.city
    return city


CityState = Annotated[CityReader, Depends(_city)]


def find_feed(home: Home, name: str) -> Feed:
    """Return a feed; ``NotThere`` if there is none."""
    idx, sha256 = _said(home, name)[-1]
    return Feed(kept_contract(home, sha256), idx)


def is_personal(home: Home, name: str) -> bool:
    """Tell whether a feed has personal fields, under its contract or any that it had."""
    said = home.index.predicates("contract", name)
    return any(kept_contract(home, str(p["sha256"])).personal for _, p in said)


def open_feed(home: Home, name: str, as_of: datetime | None = None) -> Contract:
    """Return the contract, at a time or now, of a feed whose rows may be shown to anyone.

    Raises
    ------
    NotThere
        If there is no such feed.
    NotThereThen
        If there was none then: its first contract came later.
    PersonalFeed
        If it has personal fields, or had some.
    """
    said = _said(home, name)
    contracts = [kept_contract(home, sha256) for _, sha256 in said]
    if any(contract.personal for contract in contracts):
        raise PersonalFeed(f"rows of {name}: want a feed without personal fields, got one with some")
    if as_of is None:
        return contracts[-1]
    return contracts[n_then(home, name, said, as_of) - 1]


def kept_contract(home: Home, sha256: str) -> Contract:
    """Return a contract by its digest, read and parsed once for all: what has a digest does not change."""
    with _LOCK:
        found = _CONTRACTS.get(sha256)
    if found is None:
        found = home.contract(sha256)
        with _LOCK:
            _CONTRACTS[sha256] = found
            while len(_CONTRACTS) > MAX_CONTRACTS:
                del _CONTRACTS[next(iter(_CONTRACTS))]
    return found


def _said(home: Home, name: str) -> list[tuple[int, str]]:
    """Return where the log says the contracts of a feed, and their digests; ``NotThere`` if it says none."""
    said = [(idx, str(p["sha256"])) for idx, p in home.index.predicates("contract", name)]
    if not said:
        raise NotThere(f"feed: want one of this city, got {name!r}")
    return said


def age_s(now: datetime, then: datetime | None) -> float | None:
    """Return how long ago something was, in seconds, not below 0."""
    return None if then is None else max(0.0, (now - then).total_seconds())
