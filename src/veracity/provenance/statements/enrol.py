"""``enrol``: a key of the operator, an agency, a device or an officer comes, is replaced, or goes."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

from veracity.provenance.errors import MalformedSigningKey, MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.keys import PublicKey
from veracity.provenance.statements.checks import MAX_BY, check_person
from veracity.provenance.statements.statement import (
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

Action = Literal["enrol", "rotate", "revoke"]
Role = Literal["operator", "agency", "device", "officer"]
Duty = Literal["act", "incident", "override", "release"]
AGENCY_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,127}")
DEVICE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9-]{0,62}")
OFFICER_NAME = re.compile(r"officer/[a-z0-9][a-z0-9-]{0,62}")
DUTIES: tuple[Duty, ...] = get_args(Duty)
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
        When the change counts from (RFC 3339, UTC). Of a revocation: what the key signed and the city
        received before then stays valid, even if the log has it after. Of a key that comes: when it
        came, by the word of who signed.
    expires
        From when on nothing received counts that the key signed; only of a key that comes. Statements
        of keys that do not expire are written without it.
    person, duties
        Only and always of an officer: the name that approvals show, and what the officer may approve, in
        order. What the key brings it keeps: to change either takes another key.
    """

    action: Action
    agency: str
    role: Role
    key: PublicKey
    replaces: str | None = None
    as_of: str | None = None
    reason: str | None = None
    expires: str | None = None
    person: str | None = None
    duties: tuple[Duty, ...] = ()

    def __post_init__(self) -> None:
        if (self.role == "officer") != (self.person is not None) or bool(self.duties) != (
            self.role == "officer"
        ):
            raise MalformedStatement(
                f"enrol: want a person and duties of an officer and only then, got {self.role} with"
                f" {'a person' if self.person is not None else 'none'} and {len(self.duties)} duties"
            )
        if self.person is not None:
            _check_officer(self.agency, self.person, self.duties)

    @property
    def since(self) -> datetime | None:
        """``as_of`` as a time."""
        return None if self.as_of is None else datetime.fromisoformat(self.as_of)

    @property
    def until(self) -> datetime | None:
        """``expires`` as a time."""
        return None if self.expires is None else datetime.fromisoformat(self.expires)

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
        expires = fields.time("expires") if "expires" in fields else None
        person = fields.text("person", MAX_BY) if "person" in fields else None
        duties = _read_duties(fields) if "duties" in fields else ()
        fields.done()
        if (action == "rotate") != (replaces is not None):
            raise MalformedStatement(f"enrol.replaces: want a key ID to rotate and only then, got {replaces}")
        if expires is not None and action == "revoke":
            raise MalformedStatement(f"enrol.expires: want none to revoke, got {expires}")
        enrol = cls(action, agency, role, key, replaces, as_of, reason, expires, person, duties)
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
        if self.expires is not None:
            predicate["expires"] = self.expires
        if self.person is not None:
            predicate |= {"person": self.person, "duties": list(self.duties)}
        return Statement(_KIND, (Subject(SHA256, self.key.keyid, f"{self.agency} key"),), predicate)


def _read_duties(fields: Fields) -> tuple[Duty, ...]:
    items = fields.items("duties", len(DUTIES))
    duties = tuple(duty for duty in DUTIES if duty in items)
    if not duties or list(duties) != items:
        raise fields.fail("duties", f"some of {', '.join(DUTIES)}, in this order, each once", items)
    return duties


def _check_officer(name: str, person: str, duties: tuple[Duty, ...]) -> None:
    if not OFFICER_NAME.fullmatch(name):
        raise MalformedStatement(f"enrol.agency: want an officer as officer/<name>, got {name[:80]!r}")
    check_person(person, "enrolled")
    if duties != tuple(duty for duty in DUTIES if duty in duties):
        raise MalformedStatement(f"enrol.duties: want them in order, each once, got {', '.join(duties)[:80]}")
