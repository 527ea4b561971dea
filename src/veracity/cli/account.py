"""``veracity account``: who may do what over the network, and their tokens."""

from datetime import timedelta
from pathlib import Path

import click

from veracity.cli.output import columns, emit, in_home
from veracity.home.accounts.account import ROLES, Role
from veracity.home.accounts.granting import (
    LONGEST,
    VALID_FOR,
    add_account,
    close_account,
    make_token,
    revoke_token,
    set_rights,
)
from veracity.home.accounts.journal import n_waiting, seal_writes
from veracity.home.accounts.store import AccountStore, KeptAccount, KeptToken
from veracity.home.accounts.tables import has_tables
from veracity.home.clock import format_time, system_clock
from veracity.home.home import Home, open_writer

_ROLE = click.Choice(ROLES)


@click.group()
def account() -> None:
    """Say who may do what over the network. There are no passwords: tokens, and signing in elsewhere."""


@account.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=_ROLE, help="Repeatable.")
@click.option("--agency", help="Whose data it may send; without one it is of the city's own staff.")
@in_home
def add(name: str, roles: tuple[Role, ...], agency: str | None, home: Path, as_json: bool) -> None:
    """Add an account; NAME stands in the log, so let it be no person's name."""
    with open_writer(home) as writer, _store(writer) as store:
        idx = add_account(writer, store, name, roles, agency)
    _say(f"added {name}: {', '.join(sorted(roles))}", {"account": name, "index": idx}, as_json)


@account.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=_ROLE, help="Repeatable.")
@click.option("--agency", help="Whose data it may send; without one it is of the city's own staff.")
@in_home
def role(name: str, roles: tuple[Role, ...], agency: str | None, home: Path, as_json: bool) -> None:
    """Replace an account's roles and agency by these."""
    with open_writer(home) as writer, _store(writer) as store:
        idx = set_rights(writer, store, name, roles, agency)
    _say(f"{name} has now: {', '.join(sorted(roles))}", {"account": name, "index": idx}, as_json)


@account.command()
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, type=_ROLE, help="Some of the account's; else all. Repeatable."
)
@click.option("--feed", "feeds", multiple=True, help="The only feeds it may write to; else all. Repeatable.")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST.days),
    default=VALID_FOR.days,
    show_default=True,
    help="How long it counts.",
)
@in_home
def token(
    name: str, roles: tuple[Role, ...], feeds: tuple[str, ...], days: int, home: Path, as_json: bool
) -> None:
    """Make a token of an account and print it, once: it is kept nowhere."""
    with open_writer(home) as writer, _store(writer) as store:
        made, expires = make_token(writer, store, name, roles or None, feeds or None, timedelta(days=days))
    document = {"token": made.text, "identifier": made.identifier, "expires_at": format_time(expires)}
    emit("account.token", document, made.text, as_json)


@account.command()
@click.argument("name", required=False)
@click.option("--token", "identifier", help="End this token instead, and those made with it.")
@in_home
def revoke(name: str | None, identifier: str | None, home: Path, as_json: bool) -> None:
    """End an account for ever, with its tokens and sessions; or one token."""
    if (name is None) == (identifier is None):
        raise click.UsageError("want the name of an account, or --token")
    with open_writer(home) as writer, _store(writer) as store:
        if name is not None:
            idx = close_account(writer, store, name)
            _say(f"closed {name}", {"account": name, "index": idx}, as_json)
            return
        ended = revoke_token(writer, store, str(identifier))
    names = [t.identifier for t in ended]
    _say(f"ended: {', '.join(names) or 'none, it had ended before'}", {"tokens": names}, as_json)


@account.command(name="ls")
@in_home
def list_accounts(home: Path, as_json: bool) -> None:
    """List accounts and their tokens, and how many writes are not yet in the log."""
    opened = Home.open(home)
    try:
        accounts, tokens, waiting = _read(opened)
    finally:
        opened.close()
    now = system_clock()()
    rows = [
        (a.name, ", ".join(sorted(a.roles)), a.agency or "-", "closed" if a.closed_at else "open")
        for a in accounts
    ]
    lines = [columns(rows, ("account", "roles", "agency", "state")) if rows else "no accounts"]
    if tokens:
        told = [
            (
                t.identifier,
                t.account,
                ", ".join(sorted(t.roles)),
                "all" if t.feeds is None else ", ".join(sorted(t.feeds)),
                t.expires_at[:10],
                "counts" if t.counts(now) else "revoked" if t.revoked_at else "expired",
                t.used_at or "never",
            )
            for t in tokens
        ]
        lines.append(columns(told, ("token", "account", "roles", "feeds", "until", "state", "used")))
    if waiting:
        lines.append(f"{waiting} writes not yet in the log: veracity account seal")
    document = {
        "accounts": [_account(a) for a in accounts],
        "tokens": [_token(t) for t in tokens],
        "waiting": waiting,
    }
    emit("account.ls", document, "\n\n".join(lines), as_json)


@account.command()
@in_home
def seal(home: Path, as_json: bool) -> None:
    """Put the writes over the network that no list has yet into the log."""
    with open_writer(home) as writer, _store(writer) as store:
        n_sealed = seal_writes(writer, store.database)
    emit("account.seal", {"sealed": n_sealed}, f"{n_sealed} writes put into the log", as_json)


def _store(home: Home) -> AccountStore:
    return AccountStore.open(home.directory)


def _read(home: Home) -> tuple[list[KeptAccount], list[KeptToken], int]:
    if not has_tables(home.database):
        return [], [], 0
    store = AccountStore(home.database, system_clock())
    return store.accounts(), store.tokens(), n_waiting(home.database)


def _say(text: str, document: dict[str, object], as_json: bool) -> None:
    emit("account", document, text, as_json)


def _account(kept: KeptAccount) -> dict[str, object]:
    return {
        "name": kept.name,
        "roles": sorted(kept.roles),
        "agency": kept.agency,
        "created_at": kept.created_at,
        "closed_at": kept.closed_at,
    }


def _token(kept: KeptToken) -> dict[str, object]:
    return {
        "identifier": kept.identifier,
        "account": kept.account,
        "roles": sorted(kept.roles),
        "feeds": None if kept.feeds is None else sorted(kept.feeds),
        "created_at": kept.created_at,
        "expires_at": kept.expires_at,
        "revoked_at": kept.revoked_at,
        "used_at": kept.used_at,
    }
