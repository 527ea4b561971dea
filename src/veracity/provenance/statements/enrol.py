"""``enrol``: a key of the operator, an agency or a device comes, is replaced, or goes."""

import re
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from veracity.provenance.errors import MalformedSigningKey, MalformedStatement
from veracity.provenance.keys import PublicKey
from veracity.provenance.statements.statement import (
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

Action = Literal["enrol", "rotate", "revoke"]
Role = Literal["operator", "agency", "device"]
AGENCY_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,127}")
_KIND = "enrol"


@dataclass(frozen=True)
class Enrol:
    """One change to who may sign.

    Attributes
    ----------
    key
        The key that comes (enrol, rotate) or goes (revoke).
    replaces
        The key ID that ``key`` takes over from; rotate only.
    as_of
        When the change is meant to count from (RFC 3339, UTC), for people. What decides is the
        order of the log.
    """

    action: Action
    agency: str
    role: Role
    key: PublicKey
    replaces: str | None = None
    as_of: str | None = None
    reason: str | None = None

    @classmethod
    def from_statement(cls, statement: Statement) -> "Enrol":
        """Read a statement; MalformedStatement if it is no ``enrol``."""
        fields = predicate_of(statement, _KIND)
        action = cast(Action, fields.choice("action", get_args(Action)))
        agency = fields.matching("agency", AGENCY_NAME, "an agency's name ([a-z0-9._/-], at most 128)")
        role = cast(Role, fields.choice("role", get_args(Role)))
        named = fields.object("key")
        keyid, text = named.sha256("keyid"), named.text("public", 128)
        named.done()
        try:
            key = PublicKey.parse(text)
        except MalformedSigningKey as exc:
            raise MalformedStatement(f"enrol.key: {exc}") from exc
        if key.keyid != keyid or key.format() != text:
            raise MalformedStatement(f"enrol.key.keyid: want {key.keyid}, got {keyid}")
        replaces = fields.optional("replaces", fields.sha256)
        as_of = fields.optional("as_of", fields.time)
        reason = fields.optional("reason", lambda name: fields.text(name, 1_000))
        fields.done()
        if (action == "rotate") != (replaces is not None):
            raise MalformedStatement(f"enrol.replaces: want a key ID to rotate and only then, got {replaces}")
        enrol = cls(action, agency, role, key, replaces, as_of, reason)
        check_subjects(statement, enrol.to_statement())
        return enrol

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the key."""
        predicate: dict[str, Any] = {
            "action": self.action,
            "agency": self.agency,
            "role": self.role,
            "key": {"keyid": self.key.keyid, "public": self.key.format()},
            "replaces": self.replaces,
            "as_of": self.as_of,
            "reason": self.reason,
        }
        return Statement(_KIND, (Subject(SHA256, self.key.keyid, f"{self.agency} key"),), predicate)
