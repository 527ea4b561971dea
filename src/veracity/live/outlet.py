"""From a source to the broker: the document is kept, then its records are published, in that order.

So whoever finds a message of a source finds the document too. Records go as NDJSON bodies of bounded
size. What fails for want of a broker or of a disk may be tried again, from the body that failed on.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from veracity.errors import Unavailable
from veracity.feeds.errors import MalformedDocument
from veracity.feeds.source import Fetched
from veracity.live.documents import keep_document
from veracity.live.threads import in_thread
from veracity.log.doors import Objects
from veracity.provenance.messages import MAX_MESSAGE_BYTES, MAX_MESSAGE_RECORDS

BODY_BYTES = 524_288

T = TypeVar("T")
Patience = Callable[[Unavailable], Awaitable[None]]  #: waits before another try, or raises


class Publish(Protocol):
    """Publishes one message durably."""

    async def __call__(self, feed: str, device: str, payload: bytes, document: str | None) -> None:
        """Return when the message is safe; BrokerFull or BrokerUnavailable if it is not.

        ``document`` is the SHA-256 of what a source made the records from.
        """


class Outlet:
    """Sends what sources fetched."""

    def __init__(self, objects: Objects, publish: Publish) -> None:
        self._objects = objects
        self._publish = publish

    async def send(self, feed: str, device: str, fetched: Fetched, patience: Patience | None = None) -> int:
        """Keep a document and publish its records; return how many messages they became.

        With ``patience``, what could not be done is done again after it; without, the error is raised.

        Raises
        ------
        MalformedDocument
            If a record is larger than a message may be: then none is published.
        """
        payloads = list(bodies(fetched.records))
        keep = partial(in_thread, keep_document, self._objects, feed, fetched.document)
        sha256 = await _insist(keep, patience)
        for payload in payloads:
            await _insist(partial(self._publish, feed, device, payload, sha256), patience)
        return len(payloads)


async def _insist(work: Callable[[], Awaitable[T]], patience: Patience | None) -> T:
    while True:
        try:
            return await work()
        except Unavailable as exc:
            if patience is None:
                raise
            await patience(exc)


def bodies(records: Sequence[bytes], max_bytes: int = BODY_BYTES) -> Iterator[bytes]:
    r"""Yield NDJSON bodies of at most ``max_bytes``, in order; a record that is larger has its own.

    Examples
    --------
    >>> list(bodies([b"{1}", b"{2}", b"{3}"], max_bytes=8))
    [b'{1}\n{2}', b'{3}']
    """
    part: list[bytes] = []
    n_bytes = 0
    for record in records:
        if len(record) > MAX_MESSAGE_BYTES or b"\n" in record:
            raise MalformedDocument(
                f"record: want one line of at most {MAX_MESSAGE_BYTES} bytes, got {len(record)} bytes"
            )
        if part and (n_bytes + len(record) > max_bytes or len(part) == MAX_MESSAGE_RECORDS):
            yield b"\n".join(part)
            part, n_bytes = [], 0
        part.append(record)
        n_bytes += len(record) + 1
    if part:
        yield b"\n".join(part)
