"""Pages of other sites read what is open, and write nothing, with a browser's session or without."""

import re
from pathlib import Path

import pytest

import veracity.server
from asked import ask
from served_city import ORIGIN, Made, ServedCity, city, made_once, serving

__all__ = ["city", "made_once"]

EVIL = "https://evil.example"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://city.example.evil.example"},
        {"Origin": "https://city.example"},  # the same name by another scheme
        {"Origin": "http://city.example:8080"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_cross_site_posts(city: ServedCity, headers: dict[str, str]) -> None:
    """A form or script of another site cannot write with the session that the browser sends along."""
    sent = {"Cookie": city.session("admin"), "Content-Type": "text/plain", **headers}
    body = '{"name": "eve", "roles": ["admin"]}'
    for method, path in (("POST", "/api/v1/accounts"), ("DELETE", "/api/v1/accounts/the-viewer")):
        got = ask(city.app, method, path, headers=sent, content=body)
        assert (got.status_code, got.json()["code"]) == (403, "cross-site")
    names = [a["name"] for a in city.ask("admin", "GET", "/api/v1/accounts").json()["items"]]
    assert "eve" not in names


def test_our_own_pages_write(city: ServedCity) -> None:
    """The portal writes with the session of who signed in."""
    sent = {"Cookie": city.session("admin"), **OURS}
    body = {"name": "page-made", "roles": ["viewer"]}
    assert ask(city.app, "POST", "/api/v1/accounts", headers=sent, json=body).status_code == 201


def test_reading_is_for_all_sites(city: ServedCity) -> None:
    """Any site's page may read, without credentials of the browser."""
    got = ask(city.app, "GET", "/api/v1/session", headers={"Origin": EVIL, "Cookie": city.session("admin")})
    assert got.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in got.headers
    asked = {"Origin": EVIL, "Access-Control-Request-Method": "GET"}
    preflight = ask(city.app, "OPTIONS", "/api/v1/accounts", headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "GET, HEAD")


def test_pages_see_all_that_we_say(city: ServedCity) -> None:
    """Of every header that our code names in an answer, a page of another site may read what is of use."""
    exposed = ask(city.app, "GET", "/openapi.json", headers={"Origin": EVIL}).headers[
        "access-control-expose-headers"
    ]
    source = Path(veracity.server.__file__).parent
    named = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(
            r'"([A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)+|ETag|Link|Allow|Location)"', path.read_text("utf-8")
        )
    }
    always = {
        "Cache-Control",
        "Content-Language",
        "Content-Length",
        "Content-Type",
        "Expires",
        "Last-Modified",
    }
    for_browsers = re.compile(
        r"Access-Control-.*|Sec-.*|Content-Security-Policy|.*-Policy|X-.*|Strict-Transport-Security"
        r"|Clear-Site-Data|Content-Encoding|If-.*|NGSI-LD|Accept|Accept-.*(?<!Ranges)|Set-Cookie"
    )
    of_use = {n for n in named if n not in always and not for_browsers.fullmatch(n)}
    assert of_use <= set(exposed.split(", "))
    assert {"ETag", "Content-Range", "Repr-Digest", "Retry-After", "NGSILD-Results-Count"} <= of_use


def test_only_named_sites_write(made_once: Made, tmp_path: Path) -> None:
    """A page of a site in the settings writes with a token; of others not even that."""
    friend = "https://App.Friend.example:443"
    with serving(made_once, tmp_path, origins=(friend,)) as friendly:
        for origin, status in (("https://app.friend.example", 204), (EVIL, 403), ("null", 403)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            preflight = ask(friendly.app, "OPTIONS", "/api/v1/tokens", headers=asked)
            assert preflight.status_code == status
            assert preflight.headers.get("access-control-allow-origin") == (origin if status == 204 else None)
            body = {"account": "the-viewer"}
            wrote = friendly.ask("admin", "POST", "/api/v1/tokens", headers={"Origin": origin}, json=body)
            assert wrote.status_code == (201 if status == 204 else 403)
        sent = {"Origin": "https://app.friend.example", "Cookie": friendly.session("admin")}
        got = ask(friendly.app, "POST", "/api/v1/tokens", headers=sent, json={})
        assert got.status_code == 403  # never with the session


def test_behind_a_front(made_once: Made, tmp_path: Path) -> None:
    """Where the city has a public address, that is its origin, whatever the front asks us as."""
    with serving(made_once, tmp_path, public_url="https://data.city.example") as behind:
        cookie = "__Host-" + behind.session("viewer")
        for origin, status in (("https://data.city.example", 204), (ORIGIN, 403)):
            sent = {"Cookie": cookie, "Origin": origin}
            assert ask(behind.app, "DELETE", "/api/v1/session", headers=sent).status_code == status
