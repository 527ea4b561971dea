"""A person signs in: the account is found or made, and has from then on what the provider's claims give."""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager

from veracity.home.accounts.account import Account, Role
from veracity.home.accounts.errors import SignInRefused
from veracity.home.accounts.granting import add_account, set_rights, suspend_account
from veracity.home.accounts.store import AccountStore
from veracity.home.home import Writer

Opened = Callable[[], AbstractContextManager[Writer]]  #: opens the home for writing


def account_for(
    store: AccountStore,
    opened: Opened,
    issuer: str,
    subject: str,
    roles: frozenset[Role],
    agency: str | None,
    shown: str | None,
) -> str:
    """Return the name of a person's account, its rights as they should be now; the log has each change.

    A name is made by chance at the first sign-in: who the person is stays in the database.

    Raises
    ------
    SignInRefused
        If the claims give no role, or an admin closed the account. What it had before it has no more.
    """
    kept = store.account_of_subject(issuer, subject)
    if kept is not None and kept.closed_at is not None:
        raise SignInRefused("sign-in: want an account that is open, got one that was closed")
    if not roles:
        if kept is not None and kept.roles:
            with opened() as home:
                suspend_account(home, store, kept.name, by=_person(kept.name))
        raise SignInRefused("sign-in: want claims that give a role, got none")
    if kept is None:
        name = f"person-{secrets.token_hex(6)}"
        with opened() as home:
            add_account(home, store, name, roles, agency, by=_person(name), person=(issuer, subject, shown))
        return name
    if (kept.roles, kept.agency) != (roles, agency):
        with opened() as home:
            set_rights(home, store, kept.name, roles, agency, by=_person(kept.name), is_sign_in=True)
    return kept.name


def _person(name: str) -> Account:
    return Account(name, frozenset(), came_by="session")
