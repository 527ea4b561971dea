"""An account: who asks, with which roles, and how the request proved it.

==========  ===========================================================================
viewer      reads what is not open to all; every other role may do that too
publisher   sends data for feeds, describes what is sent
operator    runs the city: quarantine, alerts, decisions, releases of rows
developer   trains and submits models and panels
auditor     reads what only an auditor needs: accounts, tokens, what each wrote
admin       adds accounts, gives and takes roles, revokes tokens; does none of the rest
==========  ===========================================================================

An admin who wants to do another's work gives itself the role first, and the log says so.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from veracity.home.accounts.errors import FeedNotAllowed, MalformedAccount

Role = Literal["viewer", "publisher", "operator", "developer", "auditor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
CameBy = Literal["token", "session", "command"]
ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]")


@dataclass(frozen=True)
class Account:
    """Who asks.

    Attributes
    ----------
    name
        Of the account, as the log has it; no person's name.
    roles
        That this request may use: of a token, those it was made with that the account still has.
    agency
        Whose data it may send; None for the city's own staff.
    feeds
        That a token is for; None for all.
    came_by
        What proved it; ``command`` is the command line, beside the home's own files.
    credential
        The token's or the session's public identifier: never what proves it.
    """

    name: str
    roles: frozenset[Role]
    agency: str | None = None
    feeds: frozenset[str] | None = None
    came_by: CameBy = "token"
    credential: str = ""

    def has(self, role: Role) -> bool:
        """Say whether the account may act in a role; any role lets it view."""
        return role in self.roles or (role == "viewer" and bool(self.roles))

    def check_feed(self, feed: str) -> None:
        """Raise ``FeedNotAllowed`` unless this request may write to a feed."""
        if self.feeds is not None and feed not in self.feeds:
            raise FeedNotAllowed(f"feed: want one that the token is for, got {feed[:64]!r}")


def parse_role(text: str) -> Role:
    """Return a role; MalformedAccount if it is none."""
    for role in ROLES:
        if text == role:
            return role
    raise MalformedAccount(f"role: want one of {', '.join(ROLES)}, got {text[:40]!r}")


def parse_account_name(text: str) -> str:
    """Return an account's name; MalformedAccount if it can be none."""
    if not ACCOUNT_NAME.fullmatch(text):
        raise MalformedAccount(f"account: want a name of 2 to 64 of [a-z0-9-], got {text[:80]!r}")
    return text
