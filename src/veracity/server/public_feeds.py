"""Which feeds are shown to everybody: those whose contract never marked a personal field."""

from veracity.data.contract import Contract
from veracity.home.errors import UnknownFeed
from veracity.home.home import Feed, Home
from veracity.server.errors import NoSuchDataset, PersonalFeed


def public_feeds(home: Home) -> dict[str, Feed]:
    """Return every feed that may be shown, by name, with its contract in force."""
    personal = {
        str(p["feed"])
        for _, p in home.index.predicates("contract")
        if home.contract(str(p["sha256"])).personal
    }
    return {name: feed for name, feed in home.feeds().items() if name not in personal}


def public_feed(home: Home, name: str) -> Feed:
    """Return one feed that may be shown.

    Raises
    ------
    NoSuchDataset
        If there is no such feed.
    PersonalFeed
        If a contract of it marks personal fields, now or ever.
    """
    try:
        feed = home.feed(name)
    except UnknownFeed as exc:
        raise NoSuchDataset(f"feed: want one of this city, got {name[:64]!r}") from exc
    if any(contract.personal for contract in contracts_of(home, name)):
        raise PersonalFeed(f"feed {name}: want one without personal fields, got one with some")
    return feed


def contracts_of(home: Home, name: str) -> list[Contract]:
    """Return every contract that a feed ever had, oldest first."""
    return [home.contract(str(p["sha256"])) for _, p in home.index.predicates("contract", name)]
