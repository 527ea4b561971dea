"""The door of a route: who asks, and whether they may.

A route that writes, or that not everyone may read, says who may ask::

    @ROUTER.post("/things", responses=DENIED)
    def create(account: Annotated[Account, Depends(needs("publisher"))]) -> ...:
        account.check_feed(feed)

``Identified`` (``server.accounts.identified``) has looked at the token or the session before, has refused
what is wrong with either, and has left the account in ``request.state.account``. Routes that say nothing
are open to all; where the city is not (``settings.is_open``), to every account.
"""

from typing import Annotated, Any

from fastapi import Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import Request

from veracity.home.accounts.account import Account, Role
from veracity.home.accounts.errors import RoleNeeded, SignInNeeded
from veracity.server.documented import problems

__all__ = ["DENIED", "Account", "Needs", "Role", "account_of", "needs"]

SESSION_COOKIE = "veracity-session"

_BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="An API token of an account.")
_COOKIE = APIKeyCookie(
    name=SESSION_COOKIE, auto_error=False, scheme_name="session", description="Who signed in with a browser."
)

#: what every route with a door may answer besides, for its ``responses``
DENIED: dict[int | str, dict[str, Any]] = problems(401, 403, 429)


def account_of(request: Request) -> Account | None:
    """Return who asks, as proved; None for anyone."""
    found: Account | None = getattr(request.state, "account", None)
    return found


class Needs:
    """A dependency that lets in accounts with one of some roles, and returns the account.

    Raises
    ------
    SignInNeeded
        If nobody in particular asks: 401.
    RoleNeeded
        If the account has none of the roles: 403.
    """

    def __init__(self, roles: tuple[Role, ...]) -> None:
        self.roles = roles

    async def __call__(
        self,
        request: Request,
        _token: Annotated[object, Security(_BEARER)],
        _session: Annotated[object, Security(_COOKIE)],
    ) -> Account:
        """Return who asks."""
        account = account_of(request)
        wanted = " or ".join(self.roles)
        if account is None:
            raise SignInNeeded(f"account: want one with the role {wanted}, got none")
        if not any(account.has(role) for role in self.roles):
            raise RoleNeeded(f"account {account.name}: want the role {wanted}, got others")
        return account


def needs(*roles: Role) -> Needs:
    """Return the door that one of some roles opens."""
    assert roles, "a door that nobody opens"
    return Needs(roles)
