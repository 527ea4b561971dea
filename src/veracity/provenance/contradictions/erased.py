"""Erasures: of batches that there are, and each list of records once."""

from collections.abc import Iterator
from typing import Any

from veracity.provenance.contradictions.feed import FeedSoFar
from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.statements import Erase

MAX_LISTS = 16_384


class Erased:
    """The newest lists of erased records."""

    def __init__(self, lists: list[Any] | None = None) -> None:
        self._lists: Remembered[int] = Remembered(MAX_LISTS, int, lists)

    def add(self, index: int, said: Erase, feed: FeedSoFar | None) -> Iterator[Contradiction]:
        """Take in an erasure; ``feed`` is None if it is not followed."""
        if feed is not None and said.batches[-1] >= feed.next_batch:
            detail = f"want batches of {said.feed} below {feed.next_batch}, got {said.batches[-1]}"
            yield Contradiction("erased-unsaid", detail, feed.last_index)
        if feed is not None and said.simulated != feed.simulated:
            yield Contradiction("simulated", f"want {feed.simulated} as the contract says", feed.stated_at)
        key = f"{said.feed}/{said.records.sha256}"
        if key in self._lists:
            detail = "want records erased once, got a list of records erased before"
            yield Contradiction("erased-twice", detail, self._lists.get(key))
        self._lists.set(key, index)

    def to_object(self) -> list[Any]:
        """Return plain JSON."""
        return self._lists.to_object()
