"""``/api/v1/session`` and ``/api/v1/sign-in``: who asks, signing in with the city's provider, signing out."""

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from veracity.home.accounts.errors import NoSignIn, SignInRefused
from veracity.home.accounts.sessions import (
    LASTS,
    SIGN_IN_LASTS,
    begin_session,
    begin_sign_in,
    end_session,
    take_sign_in,
)
from veracity.home.accounts.signing_in import account_for
from veracity.home.home import open_writer
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.cookies import SIGN_IN_COOKIE, give, session_of, sign_in_of, take_back
from veracity.server.accounts.doors import SESSION_COOKIE, account_of
from veracity.server.accounts.openid import Provider
from veracity.server.accounts.origin import own_origin
from veracity.server.accounts.refused_page import PAGE, SignInRoute
from veracity.server.accounts.shapes import SessionShape, Who
from veracity.server.answers import PRIVATE
from veracity.server.documented import problems

ROUTER = APIRouter(prefix="/api/v1", tags=["accounts"])
SIGN_IN = APIRouter(route_class=SignInRoute)
CALLBACK = "/api/v1/sign-in/callback"
_OURS = re.compile(
    r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}"
)  # a path of ours: no host, no backslash, no space


def _or_page(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route answers errors with: a problem, or a page to a person's browser."""
    described = problems(*statuses)
    for one in described.values():
        one["content"]["text/html"] = PAGE
    return described


_Text = Annotated[str | None, Query(max_length=4_096)]


@ROUTER.get("/session")
def session(request: Request, response: Response) -> SessionShape:
    """Say who asks. Anyone may; a browser finds out here whether it is signed in."""
    accounts = _accounts(request)
    account = account_of(request)
    response.headers["Cache-Control"] = PRIVATE
    response.headers["Vary"] = "Authorization, Cookie"
    return SessionShape(
        account=None if account is None else Who.of(account),
        sign_in=accounts.provider is not None,
        is_open=accounts.settings.is_open,
    )


@ROUTER.delete("/session", status_code=204, responses=problems(403, 503))
def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    accounts = _accounts(request)
    request.state.is_recorded = True  # nothing is written
    secret = session_of(request, accounts.settings)
    if secret is not None:
        end_session(accounts.store, secret)
    response = Response(status_code=204, headers={"Cache-Control": PRIVATE, "Clear-Site-Data": '"cache"'})
    take_back(response, request, accounts.settings, SESSION_COOKIE)
    return response


@SIGN_IN.get(
    "/sign-in",
    status_code=303,
    response_class=RedirectResponse,
    responses=_or_page(404, 503) | problems(422) | {303: {"description": "To the provider."}},
)
def sign_in(
    request: Request,
    then: Annotated[str, Query(max_length=501, description="The path of ours to see in the end.")] = "/",
) -> Response:
    """Send the browser to the city's provider to sign in."""
    accounts = _accounts(request)
    provider = _provider(accounts)
    made = begin_sign_in(accounts.store, then if _OURS.fullmatch(then) else "/")
    address = provider.address(made, _redirect_uri(request, accounts), time.time())
    response = _seen(address)
    give(
        response, request, accounts.settings, SIGN_IN_COOKIE, made.browser, int(SIGN_IN_LASTS.total_seconds())
    )
    return response


@SIGN_IN.get(
    "/sign-in/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses=_or_page(403, 404, 503)
    | problems(422)
    | {303: {"description": "To the page that was wanted, signed in."}},
)
def come_back(
    request: Request, code: _Text = None, state: _Text = None, iss: _Text = None, error: _Text = None
) -> Response:
    """Take what the provider sent back, check it, and begin a session."""
    accounts = _accounts(request)
    provider, settings = _provider(accounts), accounts.settings
    begun = take_sign_in(accounts.store, state or "", sign_in_of(request, settings) or "")
    if error is not None or code is None:
        raise SignInRefused("sign-in: want a person who signed in, got none")
    claims = provider.claims(code, iss, begun, _redirect_uri(request, accounts), time.time())
    rules = provider.settings
    roles = rules.roles_of(claims)
    name = account_for(
        accounts.store,
        lambda: open_writer(settings.home, settings.clock),
        rules.issuer,
        str(claims["sub"]),
        roles,
        rules.agency_of(claims) if roles else None,
        rules.name_of(claims),
    )
    old = session_of(request, settings)
    if old is not None:
        end_session(accounts.store, old)
    secret = begin_session(accounts.store, name, roles)
    response = _seen(begun.then)
    give(response, request, settings, SESSION_COOKIE, secret, int(LASTS.total_seconds()))
    take_back(response, request, settings, SIGN_IN_COOKIE)
    return response


ROUTER.include_router(SIGN_IN)


def _accounts(request: Request) -> Accounts:
    found: Accounts = request.app.state.accounts
    return found


def _provider(accounts: Accounts) -> Provider:
    if accounts.provider is None:
        raise NoSignIn("sign-in: want a city with a provider, got one without: ask for a token")
    return accounts.provider


def _redirect_uri(request: Request, accounts: Accounts) -> str:
    """Return where the provider sends the browser back to. It takes only those it was told beforehand."""
    return (accounts.settings.public_url or own_origin(request, accounts.settings)) + CALLBACK


def _seen(address: str) -> Response:
    return RedirectResponse(address, 303, {"Cache-Control": PRIVATE})
