"""``/api/v1/tokens``: one's own tokens; for admins those of all, and auditors read them.

Who came by a token makes no other, unless an admin: a stolen one would outlive its end. What an admin's
token made ends with it.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.accounts.errors import RoleNeeded, UnknownToken
from veracity.home.accounts.granting import make_token, say_revoked
from veracity.home.accounts.intents import Expected, intend, intend_to_revoke
from veracity.home.clock import format_time
from veracity.home.home import open_writer
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.doors import DENIED, Account, needs
from veracity.server.accounts.fitting import fitting
from veracity.server.accounts.shapes import (
    AccountName,
    TokenBody,
    TokenId,
    TokenList,
    TokenMade,
    TokenShape,
)
from veracity.server.answers import PRIVATE
from veracity.server.api.shapes import next_url
from veracity.server.documented import problems

ROUTER = APIRouter(prefix="/api/v1/tokens", tags=["accounts"])
MAX_PAGE = 1_000

_Anyone = Annotated[Account, Depends(needs("viewer", "admin"))]


@ROUTER.get("", responses=DENIED | problems(422, 503))
def list_tokens(
    request: Request,
    response: Response,
    who: _Anyone,
    account: Annotated[AccountName | None, Query(description="Whose; for admins and auditors.")] = None,
    after: Annotated[TokenId | None, Query(description="The identifier to go on after.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> TokenList:
    """List one's own tokens, or those of an account, by identifier."""
    name = account or who.name
    if name != who.name and not (who.has("admin") or who.has("auditor")):
        raise RoleNeeded(f"account {who.name}: want the role admin or auditor, got others")
    kept = sorted(_accounts(request).store.tokens(name), key=lambda token: token.identifier)
    found = [token for token in kept if after is None or token.identifier > after]
    response.headers["Cache-Control"] = PRIVATE
    items = [TokenShape.of(token) for token in found[:limit]]
    following = found[limit - 1].identifier if len(found) > limit else None
    return TokenList(items=items, next=next_url(request, following, "after"))


@ROUTER.post("", status_code=201, responses=DENIED | problems(400, 404, 409, 422, 503))
def create(request: Request, response: Response, who: _Anyone, body: TokenBody) -> TokenMade:
    """Make a token. Its text is in this answer and nowhere else."""
    name = body.account or who.name
    if not who.has("admin") and (name != who.name or who.came_by == "token"):
        raise RoleNeeded(f"account {who.name}: want the role admin, or one's own session, got neither")
    accounts = _accounts(request)
    valid_for = timedelta(days=body.days)
    with fitting(), open_writer(accounts.settings.home, accounts.settings.clock) as home:
        intend(home, Expected("access", None, {"act": "grant", "account": name, "by": who.name}))
        made, expires = make_token(home, accounts.store, name, body.roles, body.feeds, valid_for, by=who)
    request.state.is_recorded = True
    response.headers["Cache-Control"] = PRIVATE
    return TokenMade(
        token=made.text, identifier=made.identifier, account=name, expires_at=format_time(expires)
    )


@ROUTER.delete("/{identifier}", status_code=204, responses=DENIED | problems(404, 422, 503))
def revoke(request: Request, who: _Anyone, identifier: Annotated[TokenId, Path()]) -> None:
    """End a token, and those that were made with it. It ends at once, whatever the log is doing."""
    accounts = _accounts(request)
    kept = accounts.store.token(identifier)
    if kept.account != who.name and not who.has("admin"):
        raise UnknownToken(f"token: want one that is there, got {identifier!r}")
    intend_to_revoke(accounts.store.database, identifier)
    ended = accounts.store.revoke_token(identifier)
    with open_writer(accounts.settings.home, accounts.settings.clock) as home:
        say_revoked(home, ended, who)
    request.state.is_recorded = True


def _accounts(request: Request) -> Accounts:
    found: Accounts = request.app.state.accounts
    return found
