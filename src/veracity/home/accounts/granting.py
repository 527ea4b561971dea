"""Giving rights and taking them, each said in the log: what commands and routes call.

Rights are said before they count, and end before that is said: whatever breaks in between, nobody can do
more than the log says.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from veracity.home.accounts.account import Account, Role, parse_account_name
from veracity.home.accounts.errors import AccountExists, MalformedAccount
from veracity.home.accounts.journal import next_number
from veracity.home.accounts.secret import TokenText, new_token
from veracity.home.accounts.store import AccountStore, KeptToken
from veracity.home.clock import format_time
from veracity.home.errors import UnknownAgency
from veracity.home.home import Home, Writer
from veracity.provenance.statements import Access, Rights
from veracity.provenance.statements.access import MAX_FEEDS, CameBy

VALID_FOR = timedelta(days=90)
LONGEST = timedelta(days=365)
OPERATOR = Account("operator", frozenset({"admin"}), came_by="command")  #: who has the home's own files
RESERVED = frozenset({"operator"})


def add_account(
    home: Writer,
    store: AccountStore,
    name: str,
    roles: Collection[Role],
    agency: str | None = None,
    *,
    by: Account = OPERATOR,
    person: tuple[str, str, str | None] | None = None,
) -> int:
    """Add an account and return the log entry that says so.

    Raises
    ------
    MalformedAccount, AccountExists, UnknownAgency
    """
    parse_account_name(name)
    if name in RESERVED or any(kept.name == name for kept in store.accounts()):
        raise AccountExists(f"account: want a name never given before, got {name!r}")
    rights = account_rights(home, roles, agency)
    idx = _say(home, _granted(home, by, name, rights, person is not None))
    store.add_account(name, frozenset(roles), agency, person=person)
    return idx


def set_rights(
    home: Writer,
    store: AccountStore,
    name: str,
    roles: Collection[Role],
    agency: str | None,
    *,
    by: Account = OPERATOR,
    is_sign_in: bool = False,
) -> int:
    """Replace an account's roles and agency; return the log entry that says so.

    What is taken away is taken before that is said; what is given is said before.
    """
    before = store.account(name)
    rights = account_rights(home, roles, agency)
    narrower = before.agency in (None, agency)  # who has none may send for every one
    store.set_rights(name, before.roles & frozenset(roles) if narrower else frozenset(), before.agency)
    idx = _say(home, _granted(home, by, name, rights, is_sign_in))
    store.set_rights(name, frozenset(roles), agency)
    return idx


def close_account(home: Writer, store: AccountStore, name: str, *, by: Account = OPERATOR) -> int:
    """End an account for ever, with its tokens and sessions; return the log entry that says so."""
    store.close_account(name)
    return _say(home, Access(next_number(home), "revoke", by.name, way(by), _now(home), name))


def suspend_account(home: Writer, store: AccountStore, name: str, *, by: Account) -> int:
    """Take all rights from an account that may get some again, and end its tokens and sessions."""
    store.suspend_account(name)
    return _say(home, Access(next_number(home), "revoke", by.name, way(by), _now(home), name))


def make_token(
    home: Writer,
    store: AccountStore,
    name: str,
    roles: Collection[Role] | None = None,
    feeds: Collection[str] | None = None,
    valid_for: timedelta = VALID_FOR,
    *,
    by: Account = OPERATOR,
) -> tuple[TokenText, datetime]:
    """Make a token of an account; return it, and when it ends. Its text is kept nowhere.

    Parameters
    ----------
    roles
        Some of those the account has; None for all of them.
    feeds
        The only ones it may write to; None for all.

    Raises
    ------
    UnknownAccount, UnknownFeed
        If there is no such account or feed.
    MalformedAccount
        If the account has not these roles, the time is too long, or it has too many tokens.
    """
    account = store.account(name)
    wanted = account.roles if roles is None else frozenset(roles)
    if not wanted or not wanted <= account.roles:
        raise MalformedAccount(
            f"token: want some of the roles of {name} ({', '.join(sorted(account.roles)) or 'none'}),"
            f" got {', '.join(sorted(wanted)) or 'none'}"
        )
    if not timedelta() < valid_for <= LONGEST:
        raise MalformedAccount(f"token: want a time of up to {LONGEST.days} days, got {valid_for}")
    wanted_feeds = None if feeds is None else frozenset(feeds)
    if wanted_feeds is not None:
        check_feeds(home, wanted_feeds)
    token, expires = new_token(), store.clock() + valid_for
    shown = None if wanted_feeds is None else tuple(sorted(wanted_feeds))
    rights = Rights(tuple(sorted(wanted)), account.agency, shown, format_time(expires))
    _say(
        home, Access(next_number(home), "grant", by.name, way(by), _now(home), name, token.identifier, rights)
    )
    made_with = by.credential if by.came_by == "token" else None
    store.add_token(token, name, wanted, wanted_feeds, expires, made_with)
    return token, expires


def revoke_token(
    home: Writer, store: AccountStore, identifier: str, *, by: Account = OPERATOR
) -> list[KeptToken]:
    """End a token and those made with it; return which ended, each said in the log."""
    return say_revoked(home, store.revoke_token(identifier), by)


def say_revoked(home: Writer, ended: list[KeptToken], by: Account) -> list[KeptToken]:
    """Say of tokens that have ended that they have."""
    for token in ended:
        _say(
            home,
            Access(
                next_number(home), "revoke", by.name, way(by), _now(home), token.account, token.identifier
            ),
        )
    return ended


def account_rights(home: Home, roles: Collection[Role], agency: str | None) -> Rights:
    """Return what an account is given, as the log says it."""
    if not roles:
        raise MalformedAccount("account: want at least one role, got none: close it instead")
    if agency is not None and not home.agencies().enrolled(agency):
        raise UnknownAgency(f"account: want an agency that is enrolled, got {agency[:80]!r}")
    return Rights(tuple(sorted(set(roles))), agency)


def check_feeds(home: Home, feeds: frozenset[str]) -> None:
    """Raise unless these are feeds of the city, not too many."""
    if not 0 < len(feeds) <= MAX_FEEDS:
        raise MalformedAccount(f"token: want 1 to {MAX_FEEDS} feeds, got {len(feeds)}")
    for feed in sorted(feeds):
        home.feed(feed)


def way(by: Account) -> CameBy:
    """Return how who acts proved it, in the words of the log."""
    return by.came_by


def _granted(home: Home, by: Account, name: str, rights: Rights, is_sign_in: bool) -> Access:
    way_of: CameBy = "sign-in" if is_sign_in else way(by)
    return Access(next_number(home), "grant", by.name, way_of, _now(home), name, None, rights)


def _say(home: Writer, access: Access) -> int:
    return home.say(access.to_statement())


def _now(home: Home) -> str:
    return format_time(home.clock())
