"""Admins give and take rights, everyone makes tokens of their own, and the log has each of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from accounts_city import with_accounts
from asked import ask
from small_city import AGENCY, clock, new_city
from veracity.home.accounts.account import Role
from veracity.home.accounts.sessions import begin_session
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings


class City:
    """A served city with a token of each role."""

    def __init__(self, root: Path) -> None:
        self.root, self.tokens = root, with_accounts(root)
        self.app: FastAPI = make_app(ServerSettings(root, clock=clock, seal_after_s=None))
        self.app.state.accounts.clock = clock

    def ask(self, role: Role | None, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}
        return ask(self.app, method, path, headers=headers | more.pop("headers", {}), **more)

    def said(self) -> list[dict[str, Any]]:
        home = Home.open(self.root, clock)
        found = [p for _, p in home.index.predicates("access")]
        home.close()
        return found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    served = City(new_city(tmp_path_factory.mktemp("served") / "city"))
    yield served
    served.app.state.accounts.close()
    served.app.state.city.close()
    home = Home.open(served.root, clock)
    assert audit(home).is_clean
    home.close()


def test_an_account_from_first_to_last(city: City) -> None:
    """An account is added, changed and closed by an admin; the log says who did it and how."""
    body = {"name": "minh", "roles": ["operator", "viewer"], "agency": AGENCY}
    made = city.ask("admin", "POST", "/api/v1/accounts", json=body)
    assert (made.status_code, made.json()["roles"]) == (201, ["operator", "viewer"])
    assert city.ask("admin", "POST", "/api/v1/accounts", json=body).status_code == 409
    changed = city.ask("admin", "PUT", "/api/v1/accounts/minh", json={"roles": ["auditor"]})
    assert (changed.json()["roles"], changed.json()["agency"]) == (["auditor"], None)
    token = city.ask("admin", "POST", "/api/v1/tokens", json={"account": "minh", "days": 1}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert ask(city.app, "GET", "/api/v1/accounts", headers=headers).status_code == 200
    assert city.ask("admin", "DELETE", "/api/v1/accounts/minh").status_code == 204
    assert ask(city.app, "GET", "/api/v1/accounts", headers=headers).status_code == 401
    assert city.ask("admin", "DELETE", "/api/v1/accounts/minh").status_code == 404
    said = [(p["act"], p["by"], p["came_by"]) for p in city.said() if p["account"] == "minh"]
    assert said == [(act, "the-admin", "token") for act in ("grant", "grant", "grant", "revoke")]


def test_lists_go_on(city: City) -> None:
    """Accounts are listed in pages; what depends on who asks is kept by no cache."""
    names: list[str] = []
    where: str | None = "/api/v1/accounts?limit=2"
    while where is not None:
        page = city.ask("auditor", "GET", where)
        assert page.headers["cache-control"] == "private, no-store"
        names += [item["name"] for item in page.json()["items"]]
        where = page.json()["next"]
    assert names == sorted(names)
    assert {"the-admin", "the-viewer"} <= set(names)


def test_tokens_of_ones_own(city: City) -> None:
    """With a session one makes tokens of one's own; with a token only an admin does."""
    assert city.ask("viewer", "POST", "/api/v1/tokens", json={}).status_code == 403
    secret = begin_session(city.app.state.accounts.store, "the-publisher", frozenset({"publisher"}))
    ours = {"Cookie": f"veracity-session={secret}", "Origin": "http://city.example"}
    made = ask(city.app, "POST", "/api/v1/tokens", headers=ours, json={"feeds": ["rain"]})
    assert made.status_code == 201
    other = ask(city.app, "POST", "/api/v1/tokens", headers=ours, json={"account": "the-admin"})
    assert other.status_code == 403
    listed = ask(city.app, "GET", "/api/v1/tokens", headers=ours).json()["items"]
    assert made.json()["identifier"] in {item["identifier"] for item in listed}
    assert "token" not in listed[0]
    path = f"/api/v1/tokens/{made.json()['identifier']}"
    assert city.ask("viewer", "DELETE", path).status_code == 404
    assert ask(city.app, "DELETE", path, headers=ours).status_code == 204
    assert city.ask("viewer", "GET", "/api/v1/tokens", params={"account": "the-admin"}).status_code == 403
    assert city.ask("auditor", "GET", "/api/v1/tokens", params={"account": "the-admin"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/accounts", {"name": "Minh", "roles": ["viewer"]}, 422),
        ("/api/v1/accounts", {"name": "minh-1", "roles": []}, 422),
        ("/api/v1/accounts", {"name": "minh-1", "roles": ["root"]}, 422),
        ("/api/v1/accounts", {"name": "minh-1", "roles": ["viewer"], "is_admin": True}, 422),
        ("/api/v1/accounts", {"name": "minh-1", "roles": ["viewer"], "agency": "nobody"}, 409),
        ("/api/v1/tokens", {"account": "nobody"}, 404),
        ("/api/v1/tokens", {"account": "the-viewer", "roles": ["admin"]}, 409),
        ("/api/v1/tokens", {"account": "the-viewer", "feeds": ["snow"]}, 409),
        ("/api/v1/tokens", {"account": "the-viewer", "days": 366}, 422),
        ("/api/v1/tokens", {"account": "the-viewer", "days": "9"}, 422),
    ],
)
def test_what_is_refused(city: City, path: str, body: dict[str, Any], status: int) -> None:
    """What is none is refused as a problem, and nothing is said of it."""
    before = len(city.said())
    got = city.ask("admin", "POST", path, json=body)
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == "application/problem+json"
    assert len(city.said()) == before


def test_who_asks(city: City) -> None:
    """Anyone may ask who they are."""
    assert city.ask(None, "GET", "/api/v1/session").json() == {
        "account": None,
        "sign_in": False,
        "is_open": True,
    }
    who = city.ask("publisher", "GET", "/api/v1/session").json()["account"]
    assert (who["name"], who["roles"], who["agency"]) == ("the-publisher", ["publisher"], AGENCY)
    for path in ("/api/v1/sign-in", "/api/v1/sign-in/callback?code=a&state=b"):
        none = city.ask(None, "GET", path)
        assert (none.status_code, none.json()["code"]) == (404, "no-sign-in")
        page = city.ask(None, "GET", path, headers={"Accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "/api/v1/sign-in" not in page.text


def test_signing_out(city: City) -> None:
    """A session ends at once when its browser signs out; other sites' pages cannot end it."""
    secret = begin_session(city.app.state.accounts.store, "the-viewer", frozenset({"viewer"}))
    cookie = {"Cookie": f"veracity-session={secret}"}
    ours = cookie | {"Origin": "http://city.example", "Sec-Fetch-Site": "same-origin"}
    assert ask(city.app, "GET", "/api/v1/session", headers=cookie).json()["account"]["name"] == "the-viewer"
    theirs = cookie | {"Origin": "https://evil.example"}
    assert ask(city.app, "DELETE", "/api/v1/session", headers=theirs).status_code == 403
    assert ask(city.app, "DELETE", "/api/v1/session", headers=cookie).status_code == 403
    done = ask(city.app, "DELETE", "/api/v1/session", headers=ours)
    assert done.status_code == 204
    assert 'veracity-session=""' in done.headers["set-cookie"]
    assert ask(city.app, "GET", "/api/v1/session", headers=cookie).json()["account"] is None
