"""Whether who asked may still do it at the moment when it is done: rights may end while a request waits.

What looks here under the home's lock, right before it writes, writes nothing that the log has behind the end
of its right. A right ends in the database first, and its end is said under that lock: so whoever was told of
it sees no write that comes later.
"""

from collections.abc import Iterable

from veracity.home.accounts.account import Account
from veracity.home.accounts.errors import AccountError, BadCredential, RoleNeeded
from veracity.home.accounts.sessions import session_holders
from veracity.home.accounts.store import AccountStore


def ended(store: AccountStore, asked: Iterable[Account]) -> dict[Account, AccountError]:
    """Return those of some accounts that may do less now than when they asked, or other things, with why.

    ``BadCredential`` where the token or the session counts no more; ``RoleNeeded`` where it counts, with
    other rights: asked again, it is looked at anew.
    """
    wanted = set(asked)
    tokens = store.holders({a.credential for a in wanted if a.came_by == "token"})
    sessions = session_holders(store, {a.credential for a in wanted if a.came_by == "session"})
    found: dict[Account, AccountError] = {}
    for account in wanted:
        if account.came_by == "command":
            continue
        now = (tokens if account.came_by == "token" else sessions).get(account.credential)
        if now is None:
            found[account] = BadCredential(
                f"{account.came_by}: want one that counts, got one that ended before this was done"
            )
        elif not account.roles <= now.roles or (account.agency, account.feeds) != (now.agency, now.feeds):
            found[account] = RoleNeeded(
                f"account {account.name}: want the rights that it asked with, got others by now: ask again"
            )
    return found


def check_standing(store: AccountStore, account: Account) -> None:
    """Raise ``BadCredential`` or ``RoleNeeded`` if an account may not do now what it might when it asked."""
    error = ended(store, [account]).get(account)
    if error is not None:
        raise error
