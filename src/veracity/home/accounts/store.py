"""What is kept of accounts and tokens, and whether a token counts now. Nothing here says it in the log."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from veracity.home.accounts.account import Account, Role, parse_role
from veracity.home.accounts.errors import (
    AccountExists,
    BadCredential,
    MalformedAccount,
    UnknownAccount,
    UnknownToken,
)
from veracity.home.accounts.secret import TokenText, is_secret, parse_token
from veracity.home.accounts.tables import accounts, joined, open_tables, sessions, split, tokens
from veracity.home.clock import Clock, format_time, system_clock
from veracity.home.directory import Directory
from veracity.log.errors import StoreUnavailable
from veracity.stores.sql import SqlDatabase

MAX_ACCOUNTS = 10_000
MAX_TOKENS = 100  #: of one account, that count
USED_EVERY = timedelta(minutes=1)  #: how exactly it is noted when a token was last used


@dataclass(frozen=True)
class KeptAccount:
    """An account as kept. Closed ones stay: their names are never given again."""

    name: str
    roles: frozenset[Role]
    agency: str | None
    created_at: str
    closed_at: str | None
    shown: str | None


@dataclass(frozen=True)
class KeptToken:
    """A token as kept, without its hash."""

    identifier: str
    account: str
    roles: frozenset[Role]
    feeds: frozenset[str] | None
    made_with: str | None
    created_at: str
    expires_at: str
    revoked_at: str | None
    used_at: str | None

    def counts(self, now: datetime) -> bool:
        """Say whether it is neither revoked nor expired."""
        return self.revoked_at is None and format_time(now) < self.expires_at


class AccountStore:
    """Accounts and tokens of one home; safe to use from many threads.

    ``clock`` is the real time: what lets in must end when it says, also in a simulated city.
    """

    def __init__(self, database: SqlDatabase, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    @classmethod
    def open(cls, directory: Directory, clock: Clock | None = None) -> AccountStore:
        """Open the home's, made if there are none. To be closed after use."""
        return cls(open_tables(directory), clock or system_clock())

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> str:
        """The time, as the tables have it."""
        return format_time(self.clock())

    def accounts(self) -> list[KeptAccount]:
        """Return every account, by name, closed ones too."""
        with self.database.reading() as db:
            return [
                _account(row) for row in db.execute(sa.select(accounts).order_by(accounts.c.name)).mappings()
            ]

    def account(self, name: str) -> KeptAccount:
        """Return one that is not closed; UnknownAccount if there is none."""
        query = sa.select(accounts).where(accounts.c.name == name, accounts.c.closed_at.is_(None))
        with self.database.reading() as db:
            row = db.execute(query).mappings().one_or_none()
        if row is None:
            raise UnknownAccount(f"account: want one that is there, got {name[:64]!r}")
        return _account(row)

    def account_of_subject(self, issuer: str, subject: str) -> KeptAccount | None:
        """Return the account of who signs in, closed or not; None if it is the first time."""
        query = sa.select(accounts).where(accounts.c.issuer == issuer, accounts.c.subject == subject)
        with self.database.reading() as db:
            row = db.execute(query).mappings().one_or_none()
        return None if row is None else _account(row)

    def add_account(
        self,
        name: str,
        roles: frozenset[Role],
        agency: str | None,
        *,
        person: tuple[str, str, str | None] | None = None,
    ) -> None:
        """Keep a new account; AccountExists if the name was ever given.

        ``person`` is who signs in with it: issuer, subject, and what people read.
        """
        issuer, subject, shown = person or (None, None, None)
        row = {
            "name": name, "roles": joined(roles), "agency": agency, "created_at": self.now(),
            "issuer": issuer, "subject": subject, "shown": shown,
        }  # fmt: skip
        try:
            with self.database.writing() as db:
                if db.execute(sa.select(sa.func.count()).select_from(accounts)).scalar_one() >= MAX_ACCOUNTS:
                    raise MalformedAccount(f"account: want at most {MAX_ACCOUNTS}, got one more")
                db.execute(sa.insert(accounts), row)
        except IntegrityError as exc:
            raise AccountExists(f"account: want a name never given before, got {name!r}") from exc

    def set_rights(self, name: str, roles: frozenset[Role], agency: str | None) -> None:
        """Replace the roles and the agency of an account that is not closed."""
        query = sa.update(accounts).where(accounts.c.name == name, accounts.c.closed_at.is_(None))
        with self.database.writing() as db:
            done = db.execute(query.values(roles=joined(roles), agency=agency))
        if done.rowcount != 1:
            raise UnknownAccount(f"account: want one that is there, got {name[:64]!r}")

    def close_account(self, name: str) -> None:
        """End an account with all its tokens and sessions."""
        self._end(name, closed_at=self.now())

    def suspend_account(self, name: str) -> None:
        """Take an account's roles and end its tokens and sessions; it may get roles again."""
        self._end(name, roles="")

    def _end(self, name: str, **change: str) -> None:
        now = self.now()
        with self.database.writing() as db:
            query = sa.update(accounts).where(accounts.c.name == name, accounts.c.closed_at.is_(None))
            done = db.execute(query.values(**change))
            mine = tokens.c.account == name, tokens.c.revoked_at.is_(None)
            db.execute(sa.update(tokens).where(*mine).values(revoked_at=now))
            db.execute(sa.delete(sessions).where(sessions.c.account == name))
        if done.rowcount != 1:
            raise UnknownAccount(f"account: want one that is there, got {name[:64]!r}")

    def add_token(
        self,
        token: TokenText,
        account: str,
        roles: frozenset[Role],
        feeds: frozenset[str] | None,
        expires_at: datetime,
        made_with: str | None = None,
    ) -> None:
        """Keep a new token's hash; MalformedAccount if the account has too many that count."""
        now = self.now()
        counting = sa.select(sa.func.count()).where(
            tokens.c.account == account, tokens.c.revoked_at.is_(None), tokens.c.expires_at > now
        )
        row = {
            "id": token.identifier, "sha256": token.sha256, "account": account, "roles": joined(roles),
            "feeds": joined(feeds), "made_with": made_with, "created_at": now,
            "expires_at": format_time(expires_at),
        }  # fmt: skip
        with self.database.writing() as db:
            if db.execute(counting).scalar_one() >= MAX_TOKENS:
                raise MalformedAccount(f"token: want at most {MAX_TOKENS} of one account, got one more")
            db.execute(sa.insert(tokens), row)

    def tokens(self, account: str | None = None) -> list[KeptToken]:
        """Return every token, or those of one account, the newest first."""
        query = sa.select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id)
        if account is not None:
            query = query.where(tokens.c.account == account)
        with self.database.reading() as db:
            return [_token(row) for row in db.execute(query).mappings()]

    def token(self, identifier: str) -> KeptToken:
        """Return one token; UnknownToken if there is none."""
        with self.database.reading() as db:
            row = db.execute(sa.select(tokens).where(tokens.c.id == identifier)).mappings().one_or_none()
        if row is None:
            raise UnknownToken(f"token: want one that is there, got {identifier[:32]!r}")
        return _token(row)

    def revoke_token(self, identifier: str) -> list[KeptToken]:
        """End a token, and those that were made with it, and with them; return which were ended now."""
        self.token(identifier)
        ended: list[KeptToken] = []
        waiting, now = [identifier], self.now()
        with self.database.writing() as db:
            while waiting:
                this = waiting.pop()
                waiting += db.execute(sa.select(tokens.c.id).where(tokens.c.made_with == this)).scalars()
                row = db.execute(sa.select(tokens).where(tokens.c.id == this)).mappings().one()
                if row["revoked_at"] is None:
                    db.execute(sa.update(tokens).where(tokens.c.id == this).values(revoked_at=now))
                    ended.append(_token(row))
        return ended

    def holder(self, text: str) -> Account:
        """Return whose token this is, and what it lets do; note that it was used.

        The row is found by the token's public identifier; the secret is compared in constant time, also
        where there is no row.

        Raises
        ------
        BadCredential
            In the same words whether it is unknown, expired or revoked, or its account is closed.
        """
        token = parse_token(text)
        query = (
            sa.select(tokens, accounts.c.roles.label("has"), accounts.c.agency, accounts.c.closed_at)
            .join(accounts, accounts.c.name == tokens.c.account)
            .where(tokens.c.id == token.identifier)
        )
        with self.database.reading() as db:
            row = db.execute(query).mappings().one_or_none()
        known = is_secret(token.text, None if row is None else str(row["sha256"]))
        if not known or row is None or row["closed_at"] is not None or not _token(row).counts(self.clock()):
            raise BadCredential("token: want one that counts, got one unknown, expired or revoked")
        self._note_use(token.identifier, row["used_at"])
        return _holder(row)

    def holders(self, identifiers: Collection[str]) -> dict[str, Account]:
        """Return whose some tokens are that count now, by the tokens' public identifiers."""
        if not identifiers:
            return {}
        query = (
            sa.select(tokens, accounts.c.roles.label("has"), accounts.c.agency)
            .join(accounts, accounts.c.name == tokens.c.account)
            .where(tokens.c.id.in_(identifiers), accounts.c.closed_at.is_(None))
        )
        now = self.clock()
        with self.database.reading() as db:
            rows = list(db.execute(query).mappings())
        return {str(row["id"]): _holder(row) for row in rows if _token(row).counts(now)}

    def _note_use(self, identifier: str, used_at: str | None) -> None:
        now = self.clock()
        if used_at is None or used_at < format_time(now - USED_EVERY):
            query = sa.update(tokens).where(tokens.c.id == identifier)
            with suppress(StoreUnavailable), self.database.writing() as db:  # a courtesy: it shuts nobody out
                db.execute(query.values(used_at=format_time(now)))


def _roles(text: str) -> frozenset[Role]:
    return frozenset(parse_role(role) for role in split(text) or ())


def _account(row: Any) -> KeptAccount:
    return KeptAccount(
        row["name"], _roles(row["roles"]), row["agency"], row["created_at"], row["closed_at"], row["shown"]
    )


def _holder(row: Any) -> Account:
    """Return whose token a row of both tables is: with the roles that it and the account have."""
    kept = _token(row)
    return Account(
        kept.account, kept.roles & _roles(row["has"]), row["agency"], kept.feeds, "token", kept.identifier
    )


def _token(row: Any) -> KeptToken:
    return KeptToken(
        row["id"], row["account"], _roles(row["roles"]), split(row["feeds"]), row["made_with"],
        row["created_at"], row["expires_at"], row["revoked_at"], row["used_at"],
    )  # fmt: skip
