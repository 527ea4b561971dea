"""Which feeds are shown to everybody: those whose contract never marked a personal field."""

from datetime import datetime

from veracity.data.contract import Contract
from veracity.home.errors import UnknownFeed
from veracity.home.home import Feed, Home
from veracity.server.errors import NoSuchDataset, PersonalFeed


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
        If there is no such feed, or was none then.
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
    """Return a feed with its contract in force at a time; ``NoSuchDataset`` if it had none then."""
    before = home.index.known_before(as_of)
    said = [(idx, str(p["sha256"])) for idx, p in home.index.predicates("contract", name) if idx < before]
    if not said:
        raise NoSuchDataset(f"feed {name[:64]}: want one that was there then, got one added later")
    idx, digest = said[-1]
    return Feed(home.contract(digest), idx)


def contracts_of(home: Home, name: str) -> list[Contract]:
    """Return every contract that a feed ever had, oldest first."""
    return [home.contract(str(p["sha256"])) for _, p in home.index.predicates("contract", name)]
