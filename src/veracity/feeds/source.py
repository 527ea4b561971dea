"""Sources: what stands outside and is asked again and again, or is listened to, for one feed.

A source gives documents; a pure function of the same module turns each into the lines of its feed, one
JSON object each. Both are kept: the document as received under its digest, the lines as evidence, so that
anyone can turn the one into the other again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class Fetched:
    """One document of a source, and the records it gives.

    Attributes
    ----------
    document, media_type
        The bytes as received, and what they are.
    records
        One for each row of the feed: canonical JSON objects without line ends, as ``canonical_json``
        writes them. None where nothing in the document is new.
    """

    document: bytes
    media_type: str
    records: Sequence[bytes]


@runtime_checkable
class Source(Protocol):
    """One that is asked. Its ``name`` is the device that its messages are of."""

    name: str
    feed: str
    every_s: float

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Ask once, at most some seconds long; nothing if nothing changed since the last time.

        What it remembers between two calls (an ETag, a page it stopped at) is its own; see ``Remembers``.

        Raises
        ------
        SourceUnavailable
            If it did not answer, or said to come back later.
        MalformedDocument
            If what it sent is not what it should be; the source is asked again later.
        """


@runtime_checkable
class Stream(Protocol):
    """One that is listened to."""

    name: str
    feed: str

    def documents(self) -> AsyncIterator[Fetched]:
        """Yield what comes; asking for the next says that the last is safe, and may be acknowledged."""


@runtime_checkable
class Remembers(Protocol):
    """A source that goes on, after a restart, where it was.

    ``memory`` is a JSON object, which the source replaces and never changes in place. It is read after all
    that a ``fetch`` gave is safely published, and is set before the first ``fetch``, to what was read last;
    also to what it was before a ``fetch`` whose documents could not be published. What cannot be used of it
    is as if it were not there.
    """

    memory: Mapping[str, Any]
