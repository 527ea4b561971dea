"""From a source to the broker: the document is kept, then its records are published, in that order.

So whoever finds a message of a source finds the document too. Records go as NDJSON bodies of bounded
size, no faster than the door takes them. What fails for want of a broker or of a disk may be tried again,
from the body that failed on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from veracity.data.text import RECORD_BYTES
from veracity.errors import Unavailable
from veracity.feeds.source import Fetched
from veracity.home.live.limits import LimitsByFeed
from veracity.home.live.rates import Buckets, Rate
from veracity.live.documents import keep_document
from veracity.live.threads import in_thread
from veracity.log.doors import Objects
from veracity.provenance.messages import MAX_MESSAGE_BYTES

BODY_BYTES = 524_288
BODY_RECORDS = 8_192

T = TypeVar("T")
Patience = Callable[[Unavailable], Awaitable[None]]  #: waits before another try, or raises


class Publish(Protocol):
    """Publishes one message durably."""

    async def __call__(self, feed: str, device: str, payload: bytes, document: str | None) -> None:
        """Return when the message is safe; BrokerFull or BrokerUnavailable if it is not.

        ``document`` is the SHA-256 of what a source made the records from.
        """


class Outlet:
    """Sends what sources fetched. One for all of them: it is what keeps their pace.

    Parameters
    ----------
    limits
        What the door takes. Of each limit at most half is used, so that what is sent twice is let in too.
    clock, sleep
        A monotonic clock in seconds, and waiting.
    """

    def __init__(
        self,
        objects: Objects,
        publish: Publish,
        limits: LimitsByFeed | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._objects, self._publish = objects, publish
        self._limits = limits or LimitsByFeed()
        self._clock, self._sleep = clock, sleep
        self._paces: dict[str, Buckets] = {}

    async def send(self, feed: str, device: str, fetched: Fetched, patience: Patience | None = None) -> int:
        """Keep a document and publish its records; return how many messages they became.

        With ``patience``, what could not be done is done again after it; without, the error is raised.
        """
        limits = self._limits.of(feed)
        max_bytes, max_records = (
            min(BODY_BYTES, limits.max_bytes // 2),
            min(BODY_RECORDS, limits.max_records // 2),
        )
        payloads = list(bodies(fetched.records, max_bytes, max(max_records, 1)))
        keep = partial(in_thread, keep_document, self._objects, feed, fetched.document)
        sha256 = await _insist(keep, patience)
        for payload in payloads:
            await self._keep_pace(feed, device)
            await _insist(partial(self._publish, feed, device, payload, sha256), patience)
        return len(payloads)

    async def _keep_pace(self, feed: str, device: str) -> None:
        """Wait until a device may send one more: the door would turn it away."""
        door = self._limits.of(feed).device
        rate = Rate(door.per_s / 2, max(door.burst // 2, 1))
        pace = self._paces.setdefault(feed, Buckets(rate))
        while not pace.take(device, self._clock()):
            await self._sleep(1.0 / rate.per_s)


async def _insist(work: Callable[[], Awaitable[T]], patience: Patience | None) -> T:
    while True:
        try:
            return await work()
        except Unavailable as exc:
            if patience is None:
                raise
            await patience(exc)


def bodies(
    records: Sequence[bytes], max_bytes: int = BODY_BYTES, max_records: int = BODY_RECORDS
) -> Iterator[bytes]:
    r"""Yield NDJSON bodies of at most so many bytes and records, in order; one that is larger goes alone.

    A record that the door will turn away, because it is too long or no line, has a body of its own, so that
    it is counted and takes no other with it. Of one that no message could hold, its beginning is sent: that
    is too long as well, and a source must not stop at it.

    Examples
    --------
    >>> list(bodies([b"{1}", b"{2}", b"{3}"], max_bytes=8))
    [b'{1}\n{2}', b'{3}']
    """
    part: list[bytes] = []
    n_bytes = 0
    for record in records:
        is_bad = len(record) >= RECORD_BYTES or b"\n" in record
        if part and (is_bad or n_bytes + len(record) > max_bytes or len(part) == max_records):
            yield b"\n".join(part)
            part, n_bytes = [], 0
        if is_bad:
            yield record[: RECORD_BYTES + 1] if len(record) > MAX_MESSAGE_BYTES else record
            continue
        part.append(record)
        n_bytes += len(record) + 1
    if part:
        yield b"\n".join(part)
