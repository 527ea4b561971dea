"""Every answer carries the headers that protect browsers, and no request can put one of its own into it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from asked import ask
from served_city import ORIGIN, Made, ServedCity, city, made_once, serving
from veracity.server.accounts.headers import content_policy
from veracity.server.guard import Guarded
from veracity.server.settings import ServerSettings

__all__ = ["city", "made_once"]

ANSWERS: list[tuple[str, str, int]] = [
    ("GET", "/openapi.json", 200),
    ("GET", "/api/v1/session", 200),
    ("GET", "/api/v1/accounts", 401),
    ("GET", "/nowhere", 404),
    ("POST", "/openapi.json", 405),
    ("GET", "/api/v1/sign-in?then=" + "x" * 600, 422),
    ("OPTIONS", "/api/v1/accounts", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer(city: ServedCity, method: str, path: str, status: int) -> None:
    """Answers of every status have them all."""
    got = ask(city.app, method, path)
    assert got.status_code == status
    policy = got.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["referrer-policy"] == "no-referrer"
    assert got.headers["cross-origin-opener-policy"] == "same-origin"
    assert got.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "camera=()" in got.headers["permissions-policy"]
    assert "strict-transport-security" not in got.headers
    assert "server" not in got.headers
    if status == 405:
        assert got.headers["allow"] == ("GET, POST" if path == "/api/v1/accounts" else "GET, HEAD")
    assert status < 400 or got.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("is_guarded", [False, True])
def test_an_answer_for_a_bug(made_once: Made, tmp_path: Path, is_guarded: bool) -> None:
    """A bug of ours is answered with the same headers, and raised again for who runs the server."""
    with serving(made_once, tmp_path) as served:

        def fails() -> None:
            raise RuntimeError("a bug")

        served.app.get("/fails")(fails)
        app: ASGIApp = Guarded(served.app, 4) if is_guarded else served.app
        got = asyncio.run(asked_though_it_raises(app, "/fails"))
        assert (got.status_code, got.json()["code"]) == (500, "bug")
        assert got.headers["connection"] == "close"
        policy = got.headers["content-security-policy"]
        assert policy == ask(served.app, "GET", "/openapi.json").headers["content-security-policy"]
        assert got.headers["x-frame-options"] == "DENY"
        assert got.headers["referrer-policy"] == "no-referrer"


def test_answers_beside_the_application() -> None:
    """What stands before it, and turns away or gives up, tells browsers to distrust too."""

    async def never(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        raise RuntimeError("a bug")

    for app in (Guarded(never, 0), Guarded(never, 4)):
        got = asyncio.run(asked_though_it_raises(app, "/"))
        assert got.status_code in (500, 503)
        assert "default-src 'none'" in got.headers["content-security-policy"]
        assert got.headers["x-content-type-options"] == "nosniff"


async def asked_though_it_raises(app: ASGIApp, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as asking:
        return await asking.get(path)


def test_over_tls(made_once: Made, tmp_path: Path) -> None:
    """Over TLS, here or at the front, browsers are told to stay with it."""
    with serving(made_once, tmp_path, public_url="https://data.city.example") as behind:
        hsts = ask(behind.app, "GET", "/nowhere").headers["strict-transport-security"]
        assert int(hsts.split("=")[1].split(";")[0]) >= 31_536_000


def test_a_map_of_another_server() -> None:
    """Another origin may give pictures and maps where the settings name it; scripts never."""
    policy = dict(
        part.split(" ", 1) for part in content_policy(("https://tiles.example",)).split("; ") if " " in part
    )
    assert {name for name, value in policy.items() if "tiles" in value} == {"img-src", "connect-src"}


@pytest.mark.parametrize("text", ["%0d%0aX-Evil:%201", "%0aX-Evil:%201", "%00", "%E5%98%8A%E5%98%8DX-Evil:1"])
@pytest.mark.parametrize(
    "path",
    ["/{}", "/api/v1/sign-in?then=/{}", "/api/v1/sign-in/callback?state={}", "/api/v1/accounts/{}", "/?{}"],
)
def test_no_header_is_put_in(city: ServedCity, path: str, text: str) -> None:
    """Line ends in a path or a parameter stay text."""
    for role in (None, "admin"):
        got = city.ask(role, "GET", path.format(text))
        assert "x-evil" not in got.headers
        assert not any("\n" in value or "\r" in value for value in got.headers.values())


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "a b", "city.example\t"])
def test_the_host_header_decides_nothing(made_once: Made, tmp_path: Path, host: str) -> None:
    """Where the city has a public address, what a request says of its host comes into no answer."""
    with serving(made_once, tmp_path, public_url="https://data.city.example") as behind:
        for path in ("/api/v1/session", "/nowhere", "/api/v1/accounts", "/openapi.json"):
            got = ask(behind.app, "GET", path, headers={"Host": host})
            assert "evil" not in got.text + str(got.headers)


def test_settings_are_plain() -> None:
    """A server is open and limited where nothing else is said."""
    plain: dict[str, Any] = vars(ServerSettings(Path("x")))
    assert (plain["is_open"], plain["origins"], plain["page_origins"]) == (True, (), ())


def test_a_bug_of_ours_is_a_problem_too(made_once: Made, tmp_path: Path) -> None:
    """It is told by its kind alone, in the body that all errors have; what it says may name places."""

    def fails() -> None:
        raise RuntimeError("/home/secret")

    async def asking(app: ASGIApp) -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://city.example") as client:
            return await client.get("/fails")

    with serving(made_once, tmp_path) as served:
        served.app.get("/fails")(fails)
        got = asyncio.run(asking(served.app))
    assert (got.status_code, got.headers["content-type"]) == (500, "application/problem+json")
    assert got.json()["code"] == "bug"
    assert "secret" not in got.text
