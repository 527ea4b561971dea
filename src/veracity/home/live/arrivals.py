"""What comes to the door, and what the door lets in or turns away."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from veracity.home.live.origins import Origin

REASONS = (
    "unknown-feed",
    "not-live",
    "too-large",
    "malformed-message",
    "malformed-body",
    "too-many-records",
    "too-long",
    "no-header",
    "unsigned",
    "unknown-key",
    "revoked-key",
    "expired-key",
    "signature",
    "foreign-device",
    "rate",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as a broker gave it.

    Attributes
    ----------
    arrived_at
        When the broker had it, UTC.
    document
        SHA-256 of the document that a source made its records from, if it is of one.
    wants_receipt
        Whether its sender asked to be told what became of it.
    origin, is_again
        Where it stood in the broker's stream, if it came by one, and whether the broker gave it before.
    """

    feed: str
    device: str
    payload: bytes
    arrived_at: datetime
    document: str | None = None
    wants_receipt: bool = False
    origin: Origin | None = None
    is_again: bool = False

    @property
    def id(self) -> str:
        """What it is known by when it comes again, by whatever broker: 32 hex digits of its content."""
        place = f"{self.feed}\n{self.device}\n".encode()
        return hashlib.sha256(place + self.payload).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message let in: its records, and whose it is.

    ``sender`` is the enrolled name of the device whose key signed it, else the name in its topic.
    ``columns`` are those that its header names, ``n_headers`` the lines that are one; none of JSON.
    """

    arrival: Arrival
    id: str
    sender: str
    records: tuple[bytes, ...]
    keyid: str | None = None
    signature: bytes | None = None
    columns: tuple[str, ...] = ()
    n_headers: int = 0

    @property
    def n_records(self) -> int:
        """What it counts as where it gives nothing: its records without headers, at least one."""
        return max(1, len(self.records) - self.n_headers)


@dataclass(frozen=True, slots=True)
class Turned:
    """A message turned away, and why; ``n_records`` is what it counts as."""

    arrival: Arrival
    reason: str
    detail: str
    n_records: int = 1
