"""How much a gateway keeps, for how long, and when records become a batch."""

from dataclasses import dataclass

MAX_RECORD_BYTES = 65_535  #: what a record of the city's evidence may be, without its line end
MAX_RECORDS = 16_384  #: of a batch: what the city's door takes in one message
MAX_BODY_BYTES = 900_000  #: of a batch: with its head below what a broker takes by default, 1 MiB


@dataclass(frozen=True)
class Keep:
    """What the store may hold.

    Attributes
    ----------
    max_bytes
        Of the file's pages in use. What does not fit any more is refused.
    sent_s, sent_bytes
        How long batches are kept after the city has them, and how much of them: ``resend`` sends them
        again. They make room as soon as it is needed.
    """

    max_bytes: int = 512 * 1024 * 1024
    sent_s: float = 86_400.0
    sent_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Cut:
    """When the records waiting become a batch: at whichever comes first.

    ``max_age_s`` counts only while few batches wait to be sent: without network, batches get full.
    ``per_s`` is how many are sent in a second, at most: what a city takes of one device is bounded, and
    after days without network there are many.
    """

    max_records: int = 1_000
    max_bytes: int = 262_144
    max_age_s: float = 1.0
    per_s: float = 50.0
