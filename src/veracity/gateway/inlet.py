"""The way of a source's records into the store, past the models that read them."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from veracity.gateway.errors import MalformedReading, StoreFull
from veracity.gateway.status import Told
from veracity.gateway.store import Item, Store

_LOG = logging.getLogger(__name__)


class EdgeModel(Protocol):
    """A model that says something of the records of a feed."""

    def said(self, feed: str, records: Sequence[bytes]) -> list[Item]:
        """Return what it says of records, as records of a feed of its own; it never raises."""


class Inlet:
    """What one source puts its records into."""

    def __init__(
        self,
        store: Store,
        source: str,
        feed: str,
        models: Sequence[EdgeModel],
        told: Told,
        now_ns: Callable[[], int],
    ) -> None:
        self._store, self._source, self._feed = store, source, feed
        self._models, self._told = models, told
        self.now_ns = now_ns

    def put(self, records: Sequence[bytes], mark: str | None = None, digests: Sequence[bytes] = ()) -> None:
        """Take records, all or none, durably: from now on they are the gateway's.

        For sources that keep what is refused: StoreFull if there is no room. ``mark`` and ``digests`` as
        ``Store.put`` takes them.
        """
        if not records and mark is None:
            return
        items = [(self._feed, record) for record in records]
        for model in self._models:
            items += model.said(self._feed, records)
        self._store.put(items, self._source, mark, digests)
        self._told.worked(len(records))

    def offer(self, records: Sequence[bytes]) -> None:
        """Take records of a source that cannot wait; where there is no room, count them as lost."""
        try:
            self.put(records)
        except StoreFull as exc:
            self._lost("full", len(records), str(exc))
        except MalformedReading as exc:
            self._lost("malformed", len(records), str(exc))

    def refuse(self, why: Sequence[str]) -> None:
        """Count what a source sent and that is no record, one for each reason."""
        if why:
            self._lost("malformed", len(why), why[0])

    def mark(self) -> str | None:
        """Return how far the source is, as last told with its records."""
        return self._store.mark_of(self._source)

    def has_taken(self, digest: bytes) -> bool:
        """Say whether a message that comes again was taken before."""
        return self._store.has_taken(self._source, digest)

    def well(self) -> None:
        """Note that the source answers."""
        self._told.worked()

    def _lost(self, reason: str, n: int, why: str) -> None:
        self._store.lose(self._source, self._feed, reason, n)
        self._told.failed(why)
        _LOG.warning("lost", extra={"source": self._source, "reason": reason, "n": n, "error": why})
