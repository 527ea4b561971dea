"""Which feeds are shown to everybody: those whose contract never marked a personal field."""

from collections.abc import Sequence
from datetime import datetime

from veracity.data.contract import Contract
from veracity.home.clock import format_time
from veracity.home.errors import UnknownFeed
from veracity.home.home import Feed, Home
from veracity.server.errors import NoSuchDataset, NotThereThen, PersonalFeed


def public_feeds(home: Home, as_of: datetime | None = None) -> dict[str, Feed]:
    """Return every feed that may be shown, by name, with its contract in force at a time (or now)."""
    personal = {
        str(p["feed"])
        for _, p in home.index.predicates("contract")
        if home.contract(str(p["sha256"])).personal
    }
    if as_of is None:
        return {name: feed for name, feed in home.feeds().items() if name not in personal}
    before = home.index.known_before(as_of)
    latest = {
        str(p["feed"]): (idx, str(p["sha256"]))
        for idx, p in home.index.predicates("contract")
        if idx < before and p["feed"] not in personal
    }
    return {name: Feed(home.contract(digest), idx) for name, (idx, digest) in sorted(latest.items())}


def public_feed(home: Home, name: str, as_of: datetime | None = None) -> Feed:
    """Return one feed that may be shown, with its contract in force at a time (or now).

    The log says no time of a contract. One counts from the last batch, of any feed, that came before it.

    Raises
    ------
    NoSuchDataset
        If there is no such feed.
    NotThereThen
        If there was none then.
    PersonalFeed
        If a contract of it marks personal fields, now or ever.
    """
    try:
        feed = home.feed(name)
    except UnknownFeed as exc:
        raise NoSuchDataset(f"feed: want one of this city, got {name[:64]!r}") from exc
    if any(contract.personal for contract in contracts_of(home, name)):
        raise PersonalFeed(f"feed {name}: want one without personal fields, got one with some")
    return feed if as_of is None else feed_at(home, name, as_of)


def feed_at(home: Home, name: str, as_of: datetime) -> Feed:
    """Return a feed with its contract in force at a time; ``NotThereThen`` if it had none then."""
    said = [(idx, str(p["sha256"])) for idx, p in home.index.predicates("contract", name)]
    idx, digest = said[n_then(home, name, said, as_of) - 1]
    return Feed(home.contract(digest), idx)


def n_then(home: Home, name: str, said: Sequence[tuple[int, str]], as_of: datetime) -> int:
    """Return how many of a feed's contracts were known at a time, one or more.

    Every interface goes by it: before its first contract a feed was not there, rather than empty.

    Parameters
    ----------
    said
        Where in the log the contracts are, oldest first, and their digests.

    Raises
    ------
    NotThereThen
        If the first came later.
    """
    before = home.index.known_before(as_of)
    n = sum(idx < before for idx, _ in said)
    if n == 0:
        when = format_time(as_of)
        raise NotThereThen(f"feed {name[:64]}: want one that was there at {when}, got one added later")
    return n


def was_there(home: Home, as_of: datetime) -> frozenset[str]:
    """Return the names of the feeds that had a contract at a time."""
    before = home.index.known_before(as_of)
    return frozenset(str(p["feed"]) for idx, p in home.index.predicates("contract") if idx < before)


def contracts_of(home: Home, name: str) -> list[Contract]:
    """Return every contract that a feed ever had, oldest first."""
    return [home.contract(str(p["sha256"])) for _, p in home.index.predicates("contract", name)]
