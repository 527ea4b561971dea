"""``erase``: the keys of some records' personal values are destroyed; who decided so, why, on what ground."""

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from veracity.provenance.errors import MalformedStatement
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

#: ``request``: the person asked; ``retention``: the contract's time is over; ``order``: an authority
#: ordered it; ``mistake``: it should not have been taken in.
Ground = Literal["request", "retention", "order", "mistake"]
GROUNDS: tuple[Ground, ...] = get_args(Ground)
_KIND = "erase"


@dataclass(frozen=True)
class Erase:
    """Records whose personal values nobody can read any more. Carries no personal data itself.

    Attributes
    ----------
    erased_at
        The time of saying (RFC 3339, UTC); the keys were destroyed before it is in the log.
    by, why, ground
        The person who decided, the reason given, and the legal ground.
    batches
        The batches that the records came in with, ascending.
    records
        How many, and the digest of the list of them: ``_batch``, ``_record``, and the ``name`` that
        the record's tokens carry.
    """

    feed: str
    erased_at: str
    by: str
    why: str
    ground: Ground
    batches: tuple[int, ...]
    records: RowsDigest
    simulated: bool

    def __post_init__(self) -> None:
        check_person(self.by, self.why)
        check_batches(self.batches)
        if self.records.rows < 1:
            raise MalformedStatement(f"erase.records: want at least one, got {self.records.rows}")

    @classmethod
    def from_statement(cls, statement: Statement) -> "Erase":
        """Read a statement; MalformedStatement if it is no ``erase``."""
        fields = predicate_of(statement, _KIND)
        erase = cls(
            feed=fields.matching("feed", FEED_NAME, FEED),
            erased_at=fields.time("erased_at"),
            by=fields.text("by", MAX_BY),
            why=fields.text("why", MAX_WHY),
            ground=cast(Ground, fields.choice("ground", GROUNDS)),
            batches=read_batches(fields),
            records=RowsDigest.read(fields.object("records")),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        check_subjects(statement, erase.to_statement())
        return erase

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the list of records."""
        predicate: dict[str, Any] = {
            "feed": self.feed,
            "erased_at": self.erased_at,
            "by": self.by,
            "why": self.why,
            "ground": self.ground,
            "batches": list(self.batches),
            "records": self.records.to_object(),
            "simulated": self.simulated,
        }
        subject = Subject(ROWS, self.records.sha256, f"erased records of {self.feed}")
        return Statement(_KIND, (subject,), predicate)
