"""``reject``: a named person decided that some quarantined rows of a feed stay out of its table."""

from dataclasses import dataclass
from typing import Any

from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.checks import (
    MAX_BY,
    MAX_WHY,
    check_batches,
    check_person,
    read_batches,
)
from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    ROWS,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "reject"


@dataclass(frozen=True)
class Reject:
    """Rows that stay in quarantine for good.

    Attributes
    ----------
    decided_at
        The time of saying (RFC 3339, UTC).
    by, why
        The person and the reason given.
    batches
        The batches that the rows were set aside from, ascending.
    rows
        How many, and the digest of the rows as they stand in quarantine.
    """

    feed: str
    decided_at: str
    by: str
    why: str
    batches: tuple[int, ...]
    rows: RowsDigest
    simulated: bool

    def __post_init__(self) -> None:
        check_person(self.by, self.why)
        check_batches(self.batches)

    @classmethod
    def from_statement(cls, statement: Statement) -> "Reject":
        """Read a statement; MalformedStatement if it is no ``reject``."""
        fields = predicate_of(statement, _KIND)
        reject = cls(
            feed=fields.matching("feed", FEED_NAME, FEED),
            decided_at=fields.time("decided_at"),
            by=fields.text("by", MAX_BY),
            why=fields.text("why", MAX_WHY),
            batches=read_batches(fields),
            rows=RowsDigest.read(fields.object("rows")),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        check_subjects(statement, reject.to_statement())
        return reject

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the rows."""
        predicate: dict[str, Any] = {
            "feed": self.feed,
            "decided_at": self.decided_at,
            "by": self.by,
            "why": self.why,
            "batches": list(self.batches),
            "rows": self.rows.to_object(),
            "simulated": self.simulated,
        }
        subject = Subject(ROWS, self.rows.sha256, f"rejected rows of {self.feed}")
        return Statement(_KIND, (subject,), predicate)
