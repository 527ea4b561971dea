"""``approve``: an officer, a named person, stands for something, and signs its digest.

Never an entry of its own: it lies, with the officer's signature, in the statement that it approves.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import MalformedEnvelope, MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.statements.checks import MAX_BY, MAX_WHY, check_person
from veracity.provenance.statements.statement import (
    SHA256,
    Statement,
    Subject,
    check_subjects,
    parse_statement,
    predicate_of,
)
from veracity.provenance.statements.words import read_system

Approved = Literal["release", "override", "incident"]
_KIND = "approve"


@dataclass(frozen=True)
class Approve:
    """What an officer approves.

    Attributes
    ----------
    action
        A change of what serves (``release``), a decision replaced by a person's (``override``), the end of
        an incident (``incident``).
    subject_sha256
        Digest of what is approved, word for word: see ``approved_sha256`` of the statement that holds it.
    by, why
        The person, as enrolled, and the reason given.
    approved_at
        The time of saying (RFC 3339, UTC).
    """

    action: Approved
    system: str
    subject_sha256: str
    by: str
    why: str
    approved_at: str

    def __post_init__(self) -> None:
        check_person(self.by, self.why)

    @classmethod
    def of(cls, envelope: Envelope) -> "Approve":
        """Read what an officer signed; whether the signature counts is for ``agencies``."""
        return cls.from_statement(parse_statement(envelope.payload))

    def check_is_of(self, action: Approved, system: str, subject_sha256: str) -> None:
        """Raise MalformedStatement unless the approval is of just this."""
        want, got = (action, system, subject_sha256), (self.action, self.system, self.subject_sha256)
        if want != got:
            raise MalformedStatement(f"{action}.approval: want one of {_told(*want)}, got {_told(*got)}")

    @classmethod
    def from_statement(cls, statement: Statement) -> "Approve":
        """Read a statement; MalformedStatement if it is no ``approve``."""
        fields = predicate_of(statement, _KIND)
        approve = cls(
            action=cast(Approved, fields.choice("action", get_args(Approved))),
            system=read_system(fields),
            subject_sha256=fields.sha256("subject"),
            by=fields.text("by", MAX_BY),
            why=fields.text("why", MAX_WHY),
            approved_at=fields.time("approved_at"),
        )
        fields.done()
        check_subjects(statement, approve.to_statement())
        return approve

    def to_statement(self) -> Statement:
        """Return the statement; its subject is what is approved."""
        predicate: dict[str, Any] = {
            "action": self.action,
            "system": self.system,
            "subject": self.subject_sha256,
            "by": self.by,
            "why": self.why,
            "approved_at": self.approved_at,
        }
        return Statement(_KIND, (Subject(SHA256, self.subject_sha256, self.action),), predicate)


def take_approval(fields: Fields, name: str, where: str) -> Envelope:
    """Read the envelope of an approval; MalformedStatement if it is none."""
    try:
        return Envelope.from_object(fields.take(name), f"{where}.{name}")
    except MalformedEnvelope as exc:
        raise MalformedStatement(str(exc)) from exc


def _told(action: str, system: str, subject_sha256: str) -> str:
    return f"{action} {system} {subject_sha256[:16]}"
