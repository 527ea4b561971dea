"""Each role against each route: who may is let in, who may not is told so, and no route is left out."""

import re
from pathlib import Path

import httpx

from served_city import Made, ServedCity, city, made_once, serving
from veracity.home.accounts.account import ROLES, Role
from who_may import ALL, ANY, ENDLESS, READS_WITH_POST, WHO_MAY, Operation, in_open_tree, operations

__all__ = ["city", "made_once"]


def asked(city: ServedCity, role: Role | None, it: Operation) -> httpx.Response:
    """Ask a route for something that is not there, with an empty body: enough to come to its door."""
    method = "GET" if it.method == "*" else it.method
    path = re.sub(r"\{[^}]*\}", "nothing", it.path)
    return city.ask(role, method, path, json={} if method in {"POST", "PUT", "PATCH"} else None)


def test_every_route_is_in_the_table(city: ServedCity) -> None:
    """A route without a line, a line without a route, or a door other than the line says: each fails."""
    assert {it.name: it.roles for it in operations(city.app) if not in_open_tree(it)} == WHO_MAY


def test_each_role_at_each_route(city: ServedCity) -> None:
    """Nobody passes a door that is not theirs, and everybody passes their own."""
    for it in operations(city.app):
        if it.name in ENDLESS:
            continue
        for role in (None, *ROLES):
            status = asked(city, role, it).status_code
            if it.roles == ALL:
                assert status not in {401, 403}, (it, role, status)
            elif role is None:
                assert status == 401, (it, role, status)
            elif it.roles == ANY or role in it.roles.split():
                # POST /api/v1/tokens with a token is for admins; see test_account_routes
                assert status != 401, (it, role, status)
                assert status != 403 or it.name == "POST /api/v1/tokens", (it, role, status)
            else:
                assert status == 403, (it, role, status)


def test_writing_needs_a_door(city: ServedCity) -> None:
    """No route that may change something is open to all, but for signing out."""
    known = {"DELETE /api/v1/session"} | READS_WITH_POST
    open_ones = {it.name for it in operations(city.app) if it.method not in {"GET", "*"} and it.roles == ALL}
    assert open_ones <= known


def test_a_closed_city(made_once: Made, tmp_path: Path) -> None:
    """Where the city is closed, nobody reads without an account, but for what it takes to sign in."""
    with serving(made_once, tmp_path, is_open=False) as closed:
        for it in operations(closed.app):
            if it.name in ENDLESS:
                continue
            opens = it.path.startswith(("/api/v1/session", "/api/v1/sign-in"))
            status = asked(closed, None, it).status_code
            assert (status == 401) != opens, (it, status)
            if it.roles == ALL:
                assert asked(closed, "viewer", it).status_code not in {401, 403}, it
        got = closed.ask("viewer", "GET", "/openapi.json")
        assert got.headers["cross-origin-resource-policy"] == "same-origin"
        assert "public" not in got.headers.get("cache-control", "")
        assert closed.ask(None, "GET", "/nowhere").status_code == 401
        for path in ("/", "/icon.svg", "/verify.html"):  # the portal's own, where it is built
            assert closed.ask(None, "GET", path).status_code in {200, 404}, path
