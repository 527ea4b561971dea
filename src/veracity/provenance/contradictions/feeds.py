"""The feeds that are followed, and those that are one too many."""

from collections.abc import Iterator
from typing import Any

from veracity.provenance.contradictions.feed import FeedSoFar
from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.plain import check_plain

MAX_FEEDS = 2_048  #: of further ones no chain is followed
MAX_BEYOND = 2_048  #: of further ones the name is known; each entry of still further ones is told


class Feeds:
    """What the log has said of each feed, and the names of the first that are not followed.

    Nothing is checked of a feed that is not followed, so it is told: else a log would fill the
    places with feeds that it does not use, and say of the others what it likes.
    """

    def __init__(self, followed: dict[str, Any] | None = None, beyond: Any = None) -> None:
        self._followed = {name: FeedSoFar.from_object(feed) for name, feed in (followed or {}).items()}
        self._beyond = dict.fromkeys(check_plain(beyond or [], [str]))

    def __iter__(self) -> Iterator[FeedSoFar]:
        return iter(self._followed.values())

    def get(self, name: str) -> FeedSoFar | None:
        """Return what was said of a feed; None if nothing was, or it is not followed."""
        return self._followed.get(name)

    def take_in(self, name: str) -> Iterator[Contradiction]:
        """Make a place for a feed that an entry speaks of; tell if there is none."""
        if name in self._followed or name in self._beyond:
            return
        if len(self._followed) < MAX_FEEDS:
            self._followed[name] = FeedSoFar()
            return
        if len(self._beyond) < MAX_BEYOND:
            self._beyond[name] = None
        detail = f"want at most {MAX_FEEDS} feeds, got {name} too: what is said of it is not checked"
        yield Contradiction("too-many-feeds", detail)

    def is_beyond(self, name: str) -> bool:
        """Tell whether something may have been said of a feed that is not followed."""
        return name in self._beyond or (name not in self._followed and len(self._beyond) >= MAX_BEYOND)

    @property
    def beyond(self) -> list[str]:
        """The names of the first that are not followed."""
        return list(self._beyond)

    def followed_to_object(self) -> dict[str, Any]:
        """Return what was said of those that are followed, as plain JSON."""
        return {name: feed.to_object() for name, feed in self._followed.items()}
