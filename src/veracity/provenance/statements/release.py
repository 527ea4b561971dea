"""``release``: from here on a model serves a system at a stage, or none does any more."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast, get_args

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
from veracity.provenance.statements.words import (
    Action,
    Stage,
    check_line,
    read_digests,
    read_system,
)

_KIND = "release"
MAX_REPORTS = 16


@dataclass(frozen=True)
class Release:
    """A change of what serves.

    Attributes
    ----------
    action
        ``release`` a model, ``roll-back`` to one that served before, or ``stop``.
    model_sha256
        The model that serves from here on; of a stop, the one that no longer does.
    stage
        How far it may go: ``shadow`` (its word is only kept), ``advise``, ``act``. Of a stop, where it stood.
    card_sha256, reports
        Digests of the model card and of the assurance reports that the approval rests on.
    replaces
        The log entry of the release that ends with this one; None for the first.
    rule
        The stop rule that asked for it; only of a stop without a person.
    approval
        The officer's signed ``approve``; None only where a rule stops.
    """

    system: str
    action: Action
    model_sha256: str
    stage: Stage
    card_sha256: str
    reports: tuple[str, ...]
    released_at: str
    simulated: bool
    replaces: int | None = None
    rule: str | None = None
    approval: Envelope | None = None

    def __post_init__(self) -> None:
        if self.rule is not None:
            check_line("release.rule", self.rule)
        if (self.rule is None) == (self.approval is None) or (self.rule and self.action != "stop"):
            got = "both" if self.approval and self.rule else "a rule" if self.rule else "neither"
            raise MalformedStatement(
                f"release: want an officer's approval, or to stop, a rule; got {self.action} with {got}"
            )
        if self.action != "release" and self.replaces is None:
            raise MalformedStatement(f"release.replaces: want the release that {self.action} ends, got none")
        if self.approval is not None:
            Approve.of(self.approval).check_is_of("release", self.system, self.approved_sha256)

    @property
    def approved_sha256(self) -> str:
        """What an officer signs: the digest of everything but the time and the approval itself."""
        return release_sha256(self._asked())

    @property
    def duty(self) -> Duty:
        """What the officer who approves it must have been given."""
        return release_duty(self.action, self.stage)

    @classmethod
    def from_statement(cls, statement: Statement) -> "Release":
        """Read a statement; MalformedStatement if it is no ``release``, or its approval is of another."""
        fields = predicate_of(statement, _KIND)
        release = cls(
            system=read_system(fields),
            action=cast(Action, fields.choice("action", get_args(Action))),
            model_sha256=fields.sha256("model"),
            stage=cast(Stage, fields.choice("stage", get_args(Stage))),
            card_sha256=fields.sha256("card"),
            reports=read_digests(fields, "reports", MAX_REPORTS),
            released_at=fields.time("released_at"),
            simulated=fields.flag("simulated"),
            replaces=fields.optional("replaces", fields.count),
            rule=fields.optional("rule", fields.text),
            approval=fields.optional("approval", lambda name: take_approval(fields, name, _KIND)),
        )
        fields.done()
        check_subjects(statement, release.to_statement())
        return release

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the model."""
        predicate = {
            **self._asked(),
            "released_at": self.released_at,
            "rule": self.rule,
            "approval": self.approval and self.approval.to_object(),
        }
        return Statement(_KIND, (Subject(SHA256, self.model_sha256, self.system),), predicate)

    def _asked(self) -> dict[str, Any]:
        return asked_release(
            self.system,
            self.action,
            self.model_sha256,
            self.stage,
            self.card_sha256,
            self.reports,
            self.replaces,
            simulated=self.simulated,
        )


def asked_release(
    system: str,
    action: Action,
    model_sha256: str,
    stage: Stage,
    card_sha256: str,
    reports: tuple[str, ...],
    replaces: int | None,
    *,
    simulated: bool,
) -> dict[str, Any]:
    """Return what is asked of an officer, as JSON to show and to sign."""
    return {
        "system": system,
        "action": action,
        "model": model_sha256,
        "stage": stage,
        "card": card_sha256,
        "reports": list(reports),
        "replaces": replaces,
        "simulated": simulated,
    }


def release_duty(action: Action, stage: Stage) -> Duty:
    """Return the duty that a change of what serves takes: to let act is ``act``; to stop is ``release``."""
    return "act" if stage == "act" and action != "stop" else "release"


def release_sha256(asked: dict[str, Any]) -> str:
    """Return the digest that the officer's ``approve`` names."""
    return sha256(canonical_json(asked)).hexdigest()
