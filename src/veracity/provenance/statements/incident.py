"""``incident``: something went wrong with a system: opened, what was done, and closed, with a deadline."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, cast, get_args

from veracity.canonical import canonical_json
from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements.approve import Approve, take_approval
from veracity.provenance.statements.checks import MAX_BY, MAX_WHY, check_person
from veracity.provenance.statements.enrol import Duty
from veracity.provenance.statements.statement import (
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)
from veracity.provenance.statements.words import NAME, Severity, read_system

Step = Literal["opened", "updated", "closed"]
_KIND = "incident"


@dataclass(frozen=True)
class Incident:
    """One step of an incident.

    Attributes
    ----------
    incident
        Its name in the system, ``[a-z0-9-]``.
    step
        ``opened``, ``updated``, ``closed``; what is closed stays closed.
    by, what
        Who says it, a person or the rule that noticed, and what.
    due
        By when it is to be closed (RFC 3339, UTC), as of this step.
    approval
        The officer's signed ``approve``; only and always of what is closed.
    """

    system: str
    incident: str
    step: Step
    severity: Severity
    by: str
    what: str
    due: str
    said_at: str
    simulated: bool
    approval: Envelope | None = None

    def __post_init__(self) -> None:
        check_person(self.by, self.what)
        if (self.step == "closed") != (self.approval is not None):
            raise MalformedStatement(
                f"incident.approval: want an officer's to close, and only then, got {self.step}"
                f" {'with one' if self.approval else 'without'}"
            )
        if self.approval is not None:
            Approve.of(self.approval).check_is_of("incident", self.system, self.approved_sha256)

    @property
    def subject_sha256(self) -> str:
        """What the incident is known by: the digest of its system and name."""
        return sha256(canonical_json({"system": self.system, "incident": self.incident})).hexdigest()

    @property
    def duty(self) -> Duty:
        """What the officer who closes it must have been given."""
        return "incident"

    @property
    def approved_sha256(self) -> str:
        """What an officer signs to close it."""
        return closing_sha256(self.system, self.incident, self.what)

    @classmethod
    def from_statement(cls, statement: Statement) -> "Incident":
        """Read a statement; MalformedStatement if it is no ``incident``."""
        fields = predicate_of(statement, _KIND)
        incident = cls(
            system=read_system(fields),
            incident=fields.matching("incident", NAME, "an incident's name ([a-z0-9-], at most 64)"),
            step=cast(Step, fields.choice("step", get_args(Step))),
            severity=cast(Severity, fields.choice("severity", get_args(Severity))),
            by=fields.text("by", MAX_BY),
            what=fields.text("what", MAX_WHY),
            due=fields.time("due"),
            said_at=fields.time("said_at"),
            simulated=fields.flag("simulated"),
            approval=fields.optional("approval", lambda name: take_approval(fields, name, _KIND)),
        )
        fields.done()
        check_subjects(statement, incident.to_statement())
        return incident

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the incident's system and name."""
        predicate: dict[str, Any] = {
            "system": self.system,
            "incident": self.incident,
            "step": self.step,
            "severity": self.severity,
            "by": self.by,
            "what": self.what,
            "due": self.due,
            "said_at": self.said_at,
            "approval": self.approval and self.approval.to_object(),
            "simulated": self.simulated,
        }
        return Statement(_KIND, (Subject(SHA256, self.subject_sha256, self.incident),), predicate)


def closing_sha256(system: str, incident: str, what: str) -> str:
    """Return what an officer signs to close an incident."""
    asked = {"system": system, "incident": incident, "step": "closed", "what": what}
    return sha256(canonical_json(asked)).hexdigest()
