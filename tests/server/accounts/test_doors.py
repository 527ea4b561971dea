"""The door of a route: nobody is asked to sign in, who may not is told so, who may is let in."""

from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

from asked import ask
from veracity.errors import VeracityError
from veracity.home.accounts.account import ROLES, Role
from veracity.home.accounts.errors import FeedNotAllowed
from veracity.server.accounts.doors import DENIED, Account, needs
from veracity.server.problems import problem, status_of


def application(account: Account | None) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def identified(request: Request, call_next: RequestResponseEndpoint) -> Response:
        request.state.account = account
        return await call_next(request)

    @app.exception_handler(VeracityError)
    async def of_ours(_request: Request, error: VeracityError) -> Response:
        return problem(status_of(error), error.code, str(error))

    for role in ROLES:

        def route(who: Annotated[Account, Depends(needs(role))]) -> str:
            return who.name

        app.get(f"/{role}", responses=DENIED)(route)
    return app


def get(account: Account | None, path: str) -> httpx.Response:
    return ask(application(account), "GET", path)


def test_nobody_is_asked_to_sign_in() -> None:
    """Without an account every door answers 401, and says how to prove one."""
    for role in ROLES:
        got = get(None, f"/{role}")
        assert (got.status_code, got.json()["code"]) == (401, "sign-in-needed")
        assert got.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_own_door_and_the_viewers(role: Role) -> None:
    """An account gets through the doors of its role and of viewers, through no other."""
    account = Account("lan", frozenset({role}))
    for door in ROLES:
        want = 200 if door in {role, "viewer"} else 403
        assert get(account, f"/{door}").status_code == want


def test_the_description_names_both_ways() -> None:
    """OpenAPI says that a token or a session opens a door, and what else may be answered."""
    described = get(None, "/openapi.json").json()
    door = described["paths"]["/admin"]["get"]
    assert door["security"] == [{"token": []}, {"session": []}]
    assert {"401", "403", "429"} <= set(door["responses"])


def test_a_token_for_some_feeds() -> None:
    """A token that is for some feeds is for no other."""
    some = Account("lan", frozenset({"publisher"}), feeds=frozenset({"rain"}))
    some.check_feed("rain")
    with pytest.raises(FeedNotAllowed):
        some.check_feed("snow")
    Account("lan", frozenset({"publisher"})).check_feed("snow")
