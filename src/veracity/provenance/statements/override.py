"""``override``: an officer replaced one decision of a system by another, and said why."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from veracity.canonical import canonical_json
from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements.approve import Approve, take_approval
from veracity.provenance.statements.enrol import Duty
from veracity.provenance.statements.statement import (
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)
from veracity.provenance.statements.words import read_system

_KIND = "override"
MAX_VALUE = 4_096


@dataclass(frozen=True)
class Override:
    """A person's word in place of a decision's; both are scored.

    Attributes
    ----------
    run, record
        Which decision: of which run, which row, from 0.
    decision_sha256
        Digest of the decision as its page has it, newline included.
    due
        When the outcome of the decision is due, as its line has it (RFC 3339, UTC): later than the word.
    value
        What stands in its place: canonical JSON of the columns that change.
    approval
        The officer's signed ``approve``.
    """

    system: str
    run: int
    record: int
    decision_sha256: str
    due: str
    value: str
    overridden_at: str
    approval: Envelope
    simulated: bool

    def __post_init__(self) -> None:
        if datetime.fromisoformat(self.overridden_at) >= datetime.fromisoformat(self.due):
            raise MalformedStatement(
                f"override: want it before the outcome is due ({self.due}), got {self.overridden_at}"
            )
        self.approved.check_is_of("override", self.system, self.approved_sha256)

    @property
    def approved_sha256(self) -> str:
        """What the officer signs: the digest of which decision, and what stands in its place."""
        return overridden_sha256(self.system, self.run, self.record, self.decision_sha256, self.value)

    @property
    def duty(self) -> Duty:
        """What the officer must have been given."""
        return "override"

    @property
    def approved(self) -> Approve:
        """What the officer's signature is on."""
        return Approve.of(self.approval)

    @classmethod
    def from_statement(cls, statement: Statement) -> "Override":
        """Read a statement; MalformedStatement if it is no ``override``, or its approval is of another."""
        fields = predicate_of(statement, _KIND)
        override = cls(
            system=read_system(fields),
            run=fields.count("run"),
            record=fields.count("record"),
            decision_sha256=fields.sha256("decision"),
            due=fields.time("due"),
            value=fields.text("value", MAX_VALUE),
            overridden_at=fields.time("overridden_at"),
            approval=take_approval(fields, "approval", _KIND),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        check_subjects(statement, override.to_statement())
        return override

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the decision."""
        predicate: dict[str, Any] = {
            "system": self.system,
            "run": self.run,
            "record": self.record,
            "decision": self.decision_sha256,
            "due": self.due,
            "value": self.value,
            "overridden_at": self.overridden_at,
            "approval": self.approval.to_object(),
            "simulated": self.simulated,
        }
        name = f"{self.system} run {self.run} record {self.record}"
        return Statement(_KIND, (Subject(SHA256, self.decision_sha256, name),), predicate)


def overridden_sha256(system: str, run: int, record: int, decision_sha256: str, value: str) -> str:
    """Return what an officer signs to override a decision."""
    asked = {"system": system, "run": run, "record": record, "decision": decision_sha256, "value": value}
    return sha256(canonical_json(asked)).hexdigest()
