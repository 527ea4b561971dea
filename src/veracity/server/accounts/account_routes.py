"""``/api/v1/accounts``: who may do what, for admins to change and auditors to read."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.accounts.granting import add_account, close_account, set_rights
from veracity.home.accounts.intents import Expected, intend
from veracity.home.home import Writer, open_writer
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.doors import DENIED, Account, needs
from veracity.server.accounts.fitting import fitting
from veracity.server.accounts.shapes import AccountBody, AccountList, AccountName, AccountShape, RightsBody
from veracity.server.answers import PRIVATE
from veracity.server.api.shapes import next_url
from veracity.server.documented import problems

ROUTER = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])
MAX_PAGE = 1_000

_Admin = Annotated[Account, Depends(needs("admin"))]
_Reader = Annotated[Account, Depends(needs("admin", "auditor"))]
_Name = Annotated[AccountName, Path()]


@ROUTER.get("", responses=DENIED | problems(422, 503))
def list_accounts(
    request: Request,
    response: Response,
    _who: _Reader,
    after: Annotated[AccountName | None, Query(description="The name to go on after.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> AccountList:
    """List accounts by name, closed ones too."""
    found = [a for a in _accounts(request).store.accounts() if after is None or a.name > after]
    response.headers["Cache-Control"] = PRIVATE
    following = found[limit - 1].name if len(found) > limit else None
    items = [AccountShape.of(a) for a in found[:limit]]
    return AccountList(items=items, next=next_url(request, following, "after"))


@ROUTER.post("", status_code=201, responses=DENIED | problems(400, 409, 422, 503))
def create(request: Request, response: Response, who: _Admin, body: AccountBody) -> AccountShape:
    """Add an account. It has no token yet, and no password ever."""
    accounts = _accounts(request)
    with fitting(), open_writer(accounts.settings.home, accounts.settings.clock) as home:
        _intend(home, who, "grant", body.name)
        add_account(home, accounts.store, body.name, body.roles, body.agency, by=who)
    return _said(request, response, accounts, body.name)


@ROUTER.put("/{name}", responses=DENIED | problems(400, 404, 409, 422, 503))
def change(request: Request, response: Response, who: _Admin, name: _Name, body: RightsBody) -> AccountShape:
    """Replace an account's roles and agency."""
    accounts = _accounts(request)
    with fitting(), open_writer(accounts.settings.home, accounts.settings.clock) as home:
        _intend(home, who, "grant", name)
        set_rights(home, accounts.store, name, body.roles, body.agency, by=who)
    return _said(request, response, accounts, name)


@ROUTER.delete("/{name}", status_code=204, responses=DENIED | problems(404, 422, 503))
def close(request: Request, who: _Admin, name: _Name) -> None:
    """End an account for ever, with its tokens and sessions."""
    accounts = _accounts(request)
    with open_writer(accounts.settings.home, accounts.settings.clock) as home:
        _intend(home, who, "revoke", name)
        close_account(home, accounts.store, name, by=who)
    request.state.is_recorded = True


def _intend(home: Writer, who: Account, act: str, name: str) -> None:
    intend(home, Expected("access", None, {"act": act, "account": name, "token": None, "by": who.name}))


def _accounts(request: Request) -> Accounts:
    found: Accounts = request.app.state.accounts
    return found


def _said(request: Request, response: Response, accounts: Accounts, name: str) -> AccountShape:
    request.state.is_recorded = True
    response.headers["Cache-Control"] = PRIVATE
    return AccountShape.of(accounts.store.account(name))
