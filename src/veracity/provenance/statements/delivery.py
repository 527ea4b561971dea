"""``delivery``: an agency says, file in hand, "this is what we sent".

It travels as ``<file>.dsse.json`` beside the file, and then inside the ``ingest`` statement of
every batch that the file became. The file's evidence root lets a receipt lead from one page
to the agency's own signature.
"""

from dataclasses import dataclass
from typing import Any

from veracity.provenance.statements.file import FileDigest
from veracity.provenance.statements.statement import (
    EVIDENCE_ROOT,
    FEED,
    FEED_NAME,
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "delivery"


@dataclass(frozen=True)
class DeliveredEvidence:
    """How the file was cut: the root over its parts' roots (hex), and the sizes of the cuts.

    ``root`` is the RFC 6962 root in which each part's evidence root stands as a leaf hash.
    """

    root: str
    n_parts: int
    n_records: int
    records_per_page: int
    records_per_part: int


@dataclass(frozen=True)
class Delivery:
    """One file, delivered to one feed."""

    feed: str
    file: FileDigest
    evidence: DeliveredEvidence

    @classmethod
    def from_statement(cls, statement: Statement) -> "Delivery":
        """Read a statement; MalformedStatement if it is no ``delivery``."""
        fields = predicate_of(statement, _KIND)
        feed = fields.matching("feed", FEED_NAME, FEED)
        named = fields.object("file")
        file = FileDigest.read(named)
        named.done()
        inner = fields.object("evidence")
        evidence = DeliveredEvidence(
            root=inner.sha256("root"),
            n_parts=inner.count("n_parts", 1),
            n_records=inner.count("n_records"),
            records_per_page=inner.count("records_per_page", 1),
            records_per_part=inner.count("records_per_part", 1),
        )
        inner.done()
        fields.done()
        delivery = cls(feed, file, evidence)
        check_subjects(statement, delivery.to_statement())
        return delivery

    def to_statement(self) -> Statement:
        """Return the statement; its subjects are the file and its evidence root."""
        predicate: dict[str, Any] = {
            "feed": self.feed,
            "file": self.file.to_object(),
            "evidence": {
                "root": self.evidence.root,
                "n_parts": self.evidence.n_parts,
                "n_records": self.evidence.n_records,
                "records_per_page": self.evidence.records_per_page,
                "records_per_part": self.evidence.records_per_part,
            },
        }
        subjects = (
            Subject(SHA256, self.file.sha256, self.file.name),
            Subject(EVIDENCE_ROOT, self.evidence.root, "evidence of the file"),
        )
        return Statement(_KIND, subjects, predicate)
