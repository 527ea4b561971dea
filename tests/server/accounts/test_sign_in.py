"""People sign in with a real provider (certified ``oidc-provider``), and get what its claims give."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import oidc_provider
from accounts_city import Time
from asked import ask
from oidc_provider import CLIENT, SECRET, Provider
from small_city import AGENCY, clock, new_city
from veracity.home.accounts.errors import MalformedSignIn
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

BASE = "https://city.example"
CALLBACK = f"{BASE}/api/v1/sign-in/callback"
SETTINGS = """\
issuer: {issuer}
client_id: {client}
client_secret: {{file: {secret}}}
scopes: [openid, profile, groups]
roles:
  claim: groups
  of: {{operators: [operator, developer], admins: [admin]}}
agency: {{claim: organisation, of: {{weather: {agency}}}}}
name: name
"""


@pytest.fixture(scope="module", params=["in the identity token", "only when asked"])
def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    folder = tmp_path_factory.mktemp("provider")
    more = {"asked_for_more": request.param == "only when asked"}
    with oidc_provider.running(folder, CALLBACK, **more) as running:
        yield running


class Browser:
    """A browser that keeps our cookies."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = headers | ({"Cookie": cookies} if cookies else {})
        answer = ask(self.app, method, path, base="https://city.example", headers=sent)
        for said in answer.headers.get_list("set-cookie"):
            name, _, rest = said.partition("=")
            assert name.startswith("__Host-")
            assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(rest.split("; "))
            self.cookies[name] = rest.partition(";")[0].strip('"')
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return answer

    def who(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.get("/api/v1/session").json()["account"]
        return found


@pytest.fixture
def app(provider: Provider, tmp_path: Path) -> Iterator[FastAPI]:
    root = new_city(tmp_path / "city")
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    text = SETTINGS.format(issuer=provider.issuer, client=CLIENT, secret=secret, agency=AGENCY)
    (root / "sign-in.yaml").write_text(text, encoding="utf-8")
    made = make_app(ServerSettings(root, BASE, clock, seal_after_s=None))
    yield made
    made.state.accounts.close()
    made.state.city.close()
    home = Home.open(root, clock)
    report = audit(home)
    home.close()
    assert report.is_clean, report.findings


def back(provider: Provider, browser: Browser, person: str, then: str = "/") -> str:
    """Sign in at the provider; return the path it sends the browser back to."""
    sent = browser.get(f"/api/v1/sign-in?then={then}")
    assert sent.status_code == 303, sent.text
    assert "code_challenge_method=S256" in sent.headers["location"]
    return provider.signed_in(sent.headers["location"], person).removeprefix(BASE)


def test_signing_in_and_out(provider: Provider, app: FastAPI) -> None:
    """Who signs in has an account of no name, with the roles and the agency that the claims give."""
    provider.knows("lan", name="Nguyễn Thị Lan", groups=["operators", "cooks"], organisation="weather")
    browser = Browser(app)
    done = browser.get(back(provider, browser, "lan", "/map"))
    assert (done.status_code, done.headers["location"]) == (303, "/map")
    assert set(browser.cookies) == {"__Host-veracity-session"}
    who = browser.who()
    assert who is not None
    assert (who["roles"], who["agency"], who["came_by"]) == (["developer", "operator"], AGENCY, "session")
    assert who["name"].startswith("person-")
    home = Home.open(app.state.settings.home, clock)
    said = [p for _, p in home.index.predicates("access")]
    assert [(p["act"], p["account"], p["came_by"]) for p in said] == [("grant", who["name"], "sign-in")]
    assert "lan" not in str(said).lower().replace("plan", "")
    home.close()
    assert browser.get("/api/v1/session", "DELETE", Origin=BASE).status_code == 204
    assert browser.who() is None


def test_roles_follow_the_provider(provider: Provider, app: FastAPI) -> None:
    """At each sign-in the claims count anew: more, less, none; and tokens lose what their account loses."""
    provider.knows("an", groups=["operators", "admins"], organisation=["weather"])
    browser = Browser(app)
    assert browser.get(back(provider, browser, "an")).status_code == 303
    first = browser.who()
    assert first is not None
    assert first["roles"] == ["admin", "developer", "operator"]
    provider.knows("an", groups="operators", organisation="weather")
    other = Browser(app)
    other.get(back(provider, other, "an"))
    assert (other.who() or {})["roles"] == ["developer", "operator"]
    assert (other.who() or {})["name"] == first["name"]
    assert (browser.who() or {})["roles"] == ["developer", "operator"]  # the older session has less at once
    provider.knows("an", groups=["cooks"], organisation="weather")
    refused = other.get(back(provider, other, "an"))
    assert (refused.status_code, refused.json()["code"]) == (403, "sign-in-refused")
    assert browser.who() is None
    provider.knows("an", groups=["admins"], organisation="nowhere")
    assert other.get(back(provider, other, "an")).status_code == 403


def test_what_comes_back_counts_once(provider: Provider, app: FastAPI) -> None:
    """A code, a state and a browser belong together, and count once."""
    provider.knows("binh", groups=["operators"], organisation="weather")
    browser, other = Browser(app), Browser(app)
    came = back(provider, browser, "binh")
    assert other.get(came).json()["code"] == "sign-in-lost"  # stolen address: another browser
    assert browser.get(came).json()["code"] == "sign-in-lost"  # and it is used up
    came = back(provider, browser, "binh")
    assert browser.get(came).status_code == 303
    assert browser.get(came).json()["code"] == "sign-in-lost"
    mine, theirs = back(provider, browser, "binh"), back(provider, other, "binh")
    mixed = httpx.URL(mine).copy_set_param("code", httpx.URL(theirs).params["code"])
    assert browser.get(str(mixed)).json()["code"] == "sign-in-refused"  # another's code: PKCE
    came = str(httpx.URL(back(provider, browser, "binh")).copy_set_param("iss", "https://evil.example"))
    assert browser.get(came).json()["code"] == "sign-in-refused"
    began = browser.get("/api/v1/sign-in")
    state = httpx.URL(began.headers["location"]).params["state"]
    gone = browser.get(f"/api/v1/sign-in/callback?state={state}&error=access_denied")
    assert gone.json()["code"] == "sign-in-refused"
    assert browser.get("/api/v1/sign-in/callback").json()["code"] == "sign-in-lost"


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "You are not signed in"), ("fr, vi-VN;q=0.5", "Bạn chưa đăng nhập"), ("id", "Anda belum masuk")],
)
def test_a_person_who_is_refused_sees_a_page(
    provider: Provider, app: FastAPI, language: str, title: str
) -> None:
    """In their language, with the reason and the way on; the state counts no second time for it."""
    provider.knows("em", groups=["cooks"], organisation="weather")
    browser = Browser(app)
    as_person = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": language}
    came = back(provider, browser, "em")
    refused = browser.get(came, **as_person)
    assert (refused.status_code, refused.headers["content-type"]) == (403, "text/html; charset=utf-8")
    for said in (title, "sign-in-refused", 'href="/api/v1/sign-in"', 'href="/"'):
        assert said in refused.text
    assert refused.headers["cache-control"] == "private, no-store"
    assert "default-src 'none'" in refused.headers["content-security-policy"]
    assert browser.who() is None
    again = browser.get(came, **as_person)
    assert (again.status_code, "sign-in-lost" in again.text) == (403, True)
    forged = Browser(app).get("/api/v1/sign-in/callback?code=x&state=%3Cscript%3E", **as_person)
    assert (forged.status_code, "sign-in-lost" in forged.text, "<script>" in forged.text) == (
        403,
        True,
        False,
    )


@pytest.mark.parametrize(
    "then", ["https://evil.example", "//evil.example", "/\\evil.example", "/%0d%0aSet-Cookie:x", "x", "/a b"]
)
def test_the_page_that_is_wanted_is_ours(provider: Provider, app: FastAPI, then: str) -> None:
    """After signing in a browser is sent to a path of ours, never elsewhere."""
    provider.knows("chi", groups=["operators"], organisation="weather")
    browser = Browser(app)
    done = browser.get(back(provider, browser, "chi", then))
    assert (done.status_code, done.headers["location"]) == (303, "/")


def test_sessions_end(provider: Provider, app: FastAPI) -> None:
    """A session ends an hour after it was last used, and half a day after it began, used or not."""
    time = Time()
    app.state.accounts.clock = time
    provider.knows("dung", groups=["operators"], organisation="weather")
    browser = Browser(app)
    browser.get(back(provider, browser, "dung"))
    time.pass_by(minutes=61)
    assert browser.who() is None
    browser.get(back(provider, browser, "dung"))
    for _ in range(13):
        assert browser.who() is not None
        time.pass_by(minutes=55)
    time.pass_by(minutes=10)
    assert browser.who() is None


def test_settings_that_are_wrong_start_nothing(app: FastAPI) -> None:
    """A server does not start with settings for signing in that are not as they should be."""
    root = app.state.settings.home
    (root / "sign-in.yaml").write_text("issuer: http://id.example\n")
    with pytest.raises(MalformedSignIn):
        make_app(ServerSettings(root))
