"""Who asks: the token or the session that a request brings, looked at before anything else is done.

What does not count is refused, also where nothing needs an account: who has a token that ended should know.
A session counts for a write only from our own pages; browsers send its cookie from others too.
"""

import logging
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from veracity.errors import Unavailable, VeracityError
from veracity.home.accounts.account import Account
from veracity.home.accounts.errors import BadCredential
from veracity.home.accounts.sessions import session_holder
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.cookies import session_of
from veracity.server.accounts.origin import is_ours
from veracity.server.accounts.pace import SAFE, Pace
from veracity.server.problems import problem, status_of

#: what everybody reads in a closed city too: the pages that ask to sign in, the way to do so, the checker
OPEN_PATHS = frozenset(
    {
        "/",
        "/index.html",
        "/icon.svg",
        "/verify.html",
        "/api/v1/session",
        "/api/v1/sign-in",
        "/api/v1/sign-in/callback",
    }
)
SIGN_IN = "/api/v1/sign-in"
OPEN_PREFIXES = ("/assets/",)
_LOGGER = logging.getLogger(__name__)
_INVALID = {"WWW-Authenticate": 'Bearer realm="veracity", error="invalid_token"'}


class Identified:
    """Leaves the account in ``request.state.account``; keeps the pace; shuts closed cities."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app, self._accounts = app, accounts
        self._settings = accounts.settings
        self._pace = Pace(self._settings.limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        found = await self._look(request)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        scope["state"] = {**scope.get("state", {}), "account": found}
        await self._app(scope, receive, send)

    async def _look(self, request: Request) -> Account | Response | None:
        now_s = time.monotonic()
        if wait_s := self._pace.of_network(request, now_s):
            return _too_often("network", wait_s)
        if request.scope["path"] == SIGN_IN and (wait_s := self._pace.of_sign_in(request, now_s)):
            return _too_often("sign-in", wait_s)
        try:
            account = await self._account(request)
        except BadCredential as exc:
            if wait_s := self._pace.of_wrong(request, now_s):
                return _too_often("credential", wait_s)
            return problem(status_of(exc), exc.code, str(exc), _INVALID)
        except Unavailable as exc:
            busy = "accounts: want a database that can be read, got one that cannot now"
            return problem(503, exc.code, busy, {"Retry-After": "5"})
        except VeracityError as exc:
            _LOGGER.error("accounts: %s: %s", exc.code, exc)
            return problem(503, "city-unreadable", "accounts: want some that can be read, got an error")
        if account is not None and (wait_s := self._pace.of_account(account, request.method, now_s)):
            return _too_often(f"account {account.name}", wait_s)
        writes = request.method not in SAFE
        is_session = account is not None and account.came_by == "session"
        if is_session and writes and not is_ours(request, self._settings):
            return problem(403, "cross-site", "origin: want a page of this city, got another or none")
        if not self._settings.is_open and not _is_always_open(request.scope["path"]):
            if account is None:
                return problem(401, "sign-in-needed", "city: want an account to read it, got none")
            if not account.has("viewer"):
                return problem(403, "role-needed", f"account {account.name}: want any role, got none")
        return account

    async def _account(self, request: Request) -> Account | None:
        """Return whose token it is; without one, whose session. A header counts alone where both are."""
        said = request.headers.getlist("authorization")
        if said:
            scheme, _, token = said[0].partition(" ")
            if len(said) > 1 or scheme.lower() != "bearer":
                raise BadCredential("authorization: want one, Bearer and a token, got another")
            return await run_in_threadpool(self._token_holder, token.strip(" "))
        cookie = session_of(request, self._settings)
        return None if cookie is None else await run_in_threadpool(self._session_holder, cookie)

    def _token_holder(self, text: str) -> Account:
        return self._accounts.store.holder(text)

    def _session_holder(self, text: str) -> Account | None:
        """Return whose session it is; None for one that ended: the page then asks to sign in again."""
        return session_holder(self._accounts.store, text)


def _is_always_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def _too_often(who: str, wait_s: int) -> Response:
    return problem(
        429, "too-many-requests", f"{who}: want fewer requests, got too many", {"Retry-After": str(wait_s)}
    )
