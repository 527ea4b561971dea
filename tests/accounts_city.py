"""A small city with accounts: opened for writing with its store, and a clock that can be moved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from small_city import AGENCY, NOW, clock
from veracity.home.accounts.account import ROLES, Role
from veracity.home.accounts.granting import add_account, make_token
from veracity.home.accounts.journal import list_path, read_list
from veracity.home.accounts.lines import Line
from veracity.home.accounts.store import AccountStore
from veracity.home.home import Home, Writer, open_writer


@dataclass
class Time:
    """The real time of a test; moved by hand."""

    at: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **more: float) -> None:
        self.at += timedelta(**more)


@contextmanager
def granting(root: Path, time: Callable[[], datetime] | None = None) -> Iterator[tuple[Writer, AccountStore]]:
    """The city opened for writing, with its accounts."""
    with open_writer(root, clock) as home, AccountStore.open(home.directory, time or Time()) as store:
        yield home, store


def with_accounts(root: Path, time: Time | None = None) -> dict[Role, str]:
    """Add an account for each role and return a token of each; the publisher is of an agency."""
    with granting(root, time) as (home, store):
        for role in ROLES:
            add_account(home, store, f"the-{role}", [role], AGENCY if role == "publisher" else None)
        return {role: make_token(home, store, f"the-{role}")[0].text for role in ROLES}


def listed_writes(home: Home) -> list[Line]:
    """Return every write that a list in the log has, in order."""
    lists = [p["writes"]["sha256"] for _, p in home.index.predicates("access") if p["act"] == "writes"]
    return [line for digest in lists for line in read_list(home.objects.get(list_path(digest)))]
