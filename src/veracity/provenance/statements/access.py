"""``access``: rights over the network given or taken, and what was written there under them."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.statements.enrol import AGENCY_NAME
from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "access"
Act = Literal["grant", "revoke", "writes"]
CameBy = Literal["command", "token", "session", "sign-in"]
ACTS: dict[str, Act] = {"grant": "grant", "revoke": "revoke", "writes": "writes"}
WAYS: dict[str, CameBy] = {
    "command": "command",
    "token": "token",
    "session": "session",
    "sign-in": "sign-in",
}
ROLES = ("admin", "auditor", "developer", "operator", "publisher", "viewer")
MAX_FEEDS = 256
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]")
_NAMED = "a name ([a-z0-9-], 2 to 64)"
_TOKEN = re.compile(r"[0-9A-Za-z]{8,32}")


@dataclass(frozen=True)
class Rights:
    """What an account or a token may do from now on.

    Attributes
    ----------
    roles
        In order, at least one.
    agency
        Whose data it may send; None for the city's own staff.
    feeds
        That a token is for, in order; None for all.
    expires
        Of a token; None for an account.
    """

    roles: tuple[str, ...]
    agency: str | None = None
    feeds: tuple[str, ...] | None = None
    expires: str | None = None

    def __post_init__(self) -> None:
        _check_ordered("roles", self.roles)
        if self.feeds is not None:
            _check_ordered("feeds", self.feeds)

    @classmethod
    def read(cls, fields: Fields) -> "Rights":
        """Read the JSON object."""
        roles = fields.items("roles", len(ROLES))
        if not all(isinstance(role, str) and role in ROLES for role in roles):
            raise fields.fail("roles", f"some of {', '.join(ROLES)}", roles)
        rights = cls(
            tuple(roles),
            fields.optional("agency", lambda n: fields.matching(n, AGENCY_NAME, "an agency's name")),
            fields.optional("feeds", lambda n: _read_feeds(fields, n)),
            fields.optional("expires", fields.time),
        )
        fields.done()
        return rights

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        feeds = None if self.feeds is None else list(self.feeds)
        return {"roles": list(self.roles), "agency": self.agency, "feeds": feeds, "expires": self.expires}


@dataclass(frozen=True)
class Writes:
    """A list of writes, kept apart: its digest and the numbers of the first and the last of them."""

    sha256: str
    first: int
    last: int

    @classmethod
    def read(cls, fields: Fields) -> "Writes":
        """Read the JSON object."""
        writes = cls(fields.sha256("sha256"), *fields.span("numbers", "write"))
        fields.done()
        return writes

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"sha256": self.sha256, "numbers": {"first": self.first, "last": self.last}}


@dataclass(frozen=True)
class Access:
    """Rights given or taken, or a list of what was written under them. No secret is ever in it.

    Attributes
    ----------
    number
        0, 1, 2 … over all statements of this kind: no two are the same, however still the clock stands.
    act
        ``grant``: an account or a token has these rights from now on, whatever it had before;
        ``revoke``: it has none from now on, and with an account all its tokens; ``writes``: what
        accounts wrote, by number, without a gap after the list before.
    by, came_by
        Who did it and how; ``operator`` by ``command`` for who has the home's own files, and for the list.
    account
        Whose rights; None of ``writes``.
    token
        The public identifier of the token that it is about; None if about the account itself.
    """

    number: int
    act: Act
    by: str
    came_by: CameBy
    done_at: str
    account: str | None = None
    token: str | None = None
    rights: Rights | None = None
    writes: Writes | None = None

    def __post_init__(self) -> None:
        there = (self.account is not None, self.rights is not None, self.writes is not None)
        if there != {
            "grant": (True, True, False),
            "revoke": (True, False, False),
            "writes": (False, False, True),
        }[self.act] or (self.token is not None and self.account is None):
            raise MalformedStatement(f"access: want what belongs to {self.act}, got other parts")
        if self.rights is not None and (self.token is None) != (self.rights.expires is None):
            raise MalformedStatement("access: want an expiry of a token and of nothing else, got otherwise")
        if self.rights is not None and self.token is None and self.rights.feeds is not None:
            raise MalformedStatement("access: want feeds of a token only, got them of an account")

    @classmethod
    def from_statement(cls, statement: Statement) -> "Access":
        """Read a statement; MalformedStatement if it is no ``access``, or contradicts itself."""
        fields = predicate_of(statement, _KIND)
        access = cls(
            number=fields.count("number"),
            act=ACTS[fields.choice("act", ACTS)],
            by=fields.matching("by", _NAME, _NAMED),
            came_by=WAYS[fields.choice("came_by", WAYS)],
            done_at=fields.time("done_at"),
            account=fields.optional("account", lambda n: fields.matching(n, _NAME, _NAMED)),
            token=fields.optional("token", lambda n: fields.matching(n, _TOKEN, "a token's identifier")),
            rights=fields.optional("rights", lambda n: Rights.read(fields.object(n))),
            writes=fields.optional("writes", lambda n: Writes.read(fields.object(n))),
        )
        fields.done()
        check_subjects(statement, access.to_statement())
        return access

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the account or token by its name, or the list."""
        predicate: dict[str, Any] = {
            "number": self.number,
            "act": self.act,
            "by": self.by,
            "came_by": self.came_by,
            "done_at": self.done_at,
            "account": self.account,
            "token": self.token,
            "rights": self.rights and self.rights.to_object(),
            "writes": self.writes and self.writes.to_object(),
        }
        return Statement(_KIND, (self._subject(),), predicate)

    def _subject(self) -> Subject:
        if self.writes is not None:
            name = f"writes {self.writes.first} to {self.writes.last}"
            return Subject(SHA256, self.writes.sha256, name)
        what = f"account {self.account}" if self.token is None else f"token {self.token}"
        return Subject(SHA256, sha256(what.encode()).hexdigest(), what)


def _read_feeds(fields: Fields, name: str) -> tuple[str, ...]:
    feeds = fields.items(name, MAX_FEEDS)
    if not all(isinstance(feed, str) and FEED_NAME.fullmatch(feed) for feed in feeds):
        raise fields.fail(name, f"of each {FEED}", feeds)
    return tuple(feeds)


def _check_ordered(what: str, names: tuple[str, ...]) -> None:
    if not names or names != tuple(sorted(set(names))):
        raise MalformedStatement(f"access.{what}: want at least one, in order, each once, got {len(names)}")
