"""Sessions of browsers that signed in, and sign-ins under way. Kept is a hash of what the browser holds."""

import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veracity.home.accounts.account import Account, Role, parse_role
from veracity.home.accounts.errors import MalformedAccount, SignInLost
from veracity.home.accounts.secret import secret_hash
from veracity.home.accounts.store import AccountStore
from veracity.home.accounts.tables import accounts, joined, sessions, sign_ins, split
from veracity.home.clock import format_time, parse_time
from veracity.log.errors import StoreUnavailable

IDLE = timedelta(hours=1)  #: a session ends that was not used for so long
LASTS = timedelta(hours=12)  #: and so long after signing in, used or not
SIGN_IN_LASTS = timedelta(minutes=10)
MAX_SESSIONS = 20  #: of one account; the oldest ends for a new one
MAX_SIGN_INS = 10_000  #: under way at once
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignIn:
    """What must come back from the provider, and what proves to it that we asked.

    ``state``, ``browser`` and ``verifier`` are secrets: of the address, the browser, and us. ``then`` is the
    path of ours that the browser wants to see in the end.
    """

    state: str = field(repr=False)
    browser: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    then: str = "/"


def begin_session(store: AccountStore, account: str, roles: frozenset[Role]) -> str:
    """Begin a session of an account; return the secret that its browser keeps."""
    secret, now = secrets.token_urlsafe(32), store.clock()
    row = {
        "sha256": secret_hash(secret), "id": secrets.token_hex(8), "account": account, "roles": joined(roles),
        "began_at": format_time(now), "used_at": format_time(now),
    }  # fmt: skip
    with store.database.writing() as db:
        over = sa.or_(
            sessions.c.began_at < format_time(now - LASTS), sessions.c.used_at < format_time(now - IDLE)
        )
        db.execute(sa.delete(sessions).where(over))
        mine = sa.select(sessions.c.sha256).where(sessions.c.account == account)
        kept = list(db.execute(mine.order_by(sessions.c.began_at.desc())).scalars())
        for old in kept[MAX_SESSIONS - 1 :]:
            db.execute(sa.delete(sessions).where(sessions.c.sha256 == old))
        db.execute(sa.insert(sessions), row)
    return secret


def session_holder(store: AccountStore, secret: str) -> Account | None:
    """Return whose session it is, with the roles that both it and the account have; None if it ended.

    It is found by a hash of 256 random bits: how long that takes tells nothing of any secret.
    """
    query = (
        sa.select(sessions, accounts.c.roles.label("has"), accounts.c.agency)
        .join(accounts, accounts.c.name == sessions.c.account)
        .where(sessions.c.sha256 == secret_hash(secret), accounts.c.closed_at.is_(None))
    )
    with store.database.reading() as db:
        row = db.execute(query).mappings().one_or_none()
    now = store.clock()
    if row is None or not _counts(row, now):
        return None
    if parse_time("session", row["used_at"]) + _NOTED_EVERY <= now:
        noted = sa.update(sessions).where(sessions.c.sha256 == row["sha256"])
        with suppress(StoreUnavailable), store.database.writing() as db:  # then it ends sooner
            db.execute(noted.values(used_at=format_time(now)))
    return _holder(row)


def session_holders(store: AccountStore, identifiers: Collection[str]) -> dict[str, Account]:
    """Return whose some sessions are that have not ended, by the sessions' public identifiers."""
    if not identifiers:
        return {}
    query = (
        sa.select(sessions, accounts.c.roles.label("has"), accounts.c.agency)
        .join(accounts, accounts.c.name == sessions.c.account)
        .where(sessions.c.id.in_(identifiers), accounts.c.closed_at.is_(None))
    )
    with store.database.reading() as db:
        rows = list(db.execute(query).mappings())
    now = store.clock()
    return {str(row["id"]): _holder(row) for row in rows if _counts(row, now)}


def _counts(row: Any, now: datetime) -> bool:
    began, used = parse_time("session", row["began_at"]), parse_time("session", row["used_at"])
    return now < began + LASTS and now < used + IDLE


def _holder(row: Any) -> Account:
    roles = (split(row["roles"]) or frozenset()) & (split(row["has"]) or frozenset())
    return Account(
        row["account"], frozenset(map(parse_role, roles)), row["agency"], None, "session", row["id"]
    )


def end_session(store: AccountStore, secret: str) -> None:
    """End a session; nothing where it had ended."""
    with store.database.writing() as db:
        db.execute(sa.delete(sessions).where(sessions.c.sha256 == secret_hash(secret)))


def begin_sign_in(store: AccountStore, then: str = "/") -> SignIn:
    """Remember that a browser is sent to the provider."""
    state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    made = SignIn(state, browser, nonce, verifier, then)
    now = store.clock()
    row = {
        "sha256": secret_hash(made.state), "browser_sha256": secret_hash(made.browser), "nonce": made.nonce,
        "verifier": made.verifier, "then": then, "began_at": format_time(now),
    }  # fmt: skip
    with store.database.writing() as db:
        db.execute(sa.delete(sign_ins).where(sign_ins.c.began_at < format_time(now - SIGN_IN_LASTS)))
        if db.execute(sa.select(sa.func.count()).select_from(sign_ins)).scalar_one() >= MAX_SIGN_INS:
            raise MalformedAccount("sign-in: want fewer under way at once, got too many")
        db.execute(sa.insert(sign_ins), row)
    return made


def take_sign_in(store: AccountStore, state: str, browser: str) -> SignIn:
    """Return a sign-in that comes back, once.

    Raises
    ------
    SignInLost
        If it is unknown, came back before, took too long, or began in another browser.
    """
    row_of = sign_ins.c.sha256 == secret_hash(state)
    with store.database.writing() as db:
        row = db.execute(sa.select(sign_ins).where(row_of)).mappings().one_or_none()
        db.execute(sa.delete(sign_ins).where(row_of))
    if (
        row is None
        or not secrets.compare_digest(str(row["browser_sha256"]), secret_hash(browser))
        or parse_time("sign-in", row["began_at"]) + SIGN_IN_LASTS <= store.clock()
    ):
        raise SignInLost("sign-in: want one that began in this browser a little while ago, got another")
    return SignIn(state, browser, row["nonce"], row["verifier"], row["then"])
