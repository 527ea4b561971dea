"""``withdraw``: somebody takes back a calibration, from a time of observation on, and says why."""

import re
from dataclasses import dataclass
from typing import Any

from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "withdraw"
_SAID = re.compile(r"[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*")
MAX_PERSON, MAX_REASON = 200, 1_000


@dataclass(frozen=True)
class Withdraw:
    """A calibration, by its document's digest (hex), does not count for readings from ``start`` on.

    ``start`` is an event time and ``said_at`` the time of saying (RFC 3339, UTC); ``person`` says it.
    What was measured is not touched, and what was corrected before the entry stays as it was stated.
    """

    name: str
    document_sha256: str
    start: str
    person: str
    reason: str
    said_at: str

    @classmethod
    def from_statement(cls, statement: Statement) -> "Withdraw":
        """Read a statement; MalformedStatement if it is no ``withdraw``."""
        fields = predicate_of(statement, _KIND)
        for name, longest in (("person", MAX_PERSON), ("reason", MAX_REASON)):
            fields.text(name, longest)
        withdraw = cls(
            name=fields.matching("name", FEED_NAME, FEED.replace("a feed's", "a calibration's")),
            document_sha256=fields.sha256("document"),
            start=fields.time("from"),
            person=fields.matching("person", _SAID, "a name on one line"),
            reason=fields.matching("reason", _SAID, "a reason on one line"),
            said_at=fields.time("said_at"),
        )
        fields.done()
        check_subjects(statement, withdraw.to_statement())
        return withdraw

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the calibration's document."""
        predicate: dict[str, Any] = {
            "name": self.name,
            "document": self.document_sha256,
            "from": self.start,
            "person": self.person,
            "reason": self.reason,
            "said_at": self.said_at,
        }
        return Statement(_KIND, (Subject(SHA256, self.document_sha256, f"{self.name}.json"),), predicate)
