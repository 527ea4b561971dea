"""A real server with a real provider beside it: signing in, a token, and deciding about rows."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import oidc_provider
from accounts_city import granting
from oidc_provider import CLIENT, SECRET, Provider
from run_cli import run
from served import Served, serving
from small_city import AGENCY, clock, key, new_city
from until import until
from veracity.home.accounts.account import Role
from veracity.home.accounts.granting import add_account, make_token
from veracity.home.audit import audit
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest

DESK = {"width": 1280, "height": 900}
N_ASIDE = 6
QUALITY = "#/quality/rain"
SIGN_IN = """\
issuer: {issuer}
client_id: {client}
client_secret: {{file: {secret}}}
scopes: [openid, profile, groups]
roles: {{claim: groups, of: {{operators: [operator], auditors: [auditor], readers: [viewer]}}}}
name: name
"""


@dataclass
class Seen:
    """A city that is served, the provider its people sign in with, and a token of some roles."""

    served: Served
    provider: Provider
    root: Path
    tokens: dict[Role, str]

    @property
    def url(self) -> str:
        """Where the city is."""
        url: str = self.served.url
        return url


@pytest.fixture(scope="module")
def seen(portal: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A city with rows set aside. Its address is told to the provider before it is served there."""
    folder = tmp_path_factory.mktemp("signed-in")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        rows = [
            {"gauge": f"G{n:02}", "observed_at": "2026-09-01T00:00:00Z", "rain": 500 + n}
            for n in range(N_ASIDE)
        ]
        path = folder / "bad.ndjson"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        ingest(home, "rain", [path], sign=key(AGENCY))
    tokens: dict[Role, str] = {}
    roles: tuple[Role, ...] = ("operator", "auditor", "viewer")
    with granting(root, lambda: datetime.now(UTC)) as (home, store):
        for role in roles:
            add_account(home, store, f"the-{role}", [role])
            tokens[role] = make_token(home, store, f"the-{role}")[0].text
    secret = folder / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    back = f"http://127.0.0.1:{port}/api/v1/sign-in/callback"
    with oidc_provider.running(folder, back) as provider:
        text = SIGN_IN.format(issuer=provider.issuer, client=CLIENT, secret=secret)
        (root / "sign-in.yaml").write_text(text, encoding="utf-8")
        with serving("serve", "--home", root, port=port) as served:
            yield Seen(served, provider, root, tokens)
    read = Home.open(root, clock)
    report = audit(read)
    read.close()
    assert report.is_clean, report.findings


def signed_in(page: Any, seen: Seen, person: str, *groups: str) -> str:
    """Go to the provider by the page's own link, sign in there, and come back; return the account's name."""
    seen.provider.knows(person, name=person.title(), groups=list(groups))
    page.goto(f"{seen.url}/#/account")
    page.locator("main").get_by_role("link", name="Sign in").click()
    page.wait_for_url(f"{seen.provider.issuer}/**")
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.locator("[type=submit]").click()
    page.wait_for_url(f"{seen.url}/#/account")
    page.get_by_role("button", name="Sign out").wait_for()
    name: str = page.locator("main h2").first.inner_text()
    return name


def with_token(page: Any, seen: Seen, role: Role) -> None:
    """Come with a token, as a person does who has one."""
    page.goto(f"{seen.url}/#/account")
    page.get_by_label("Token (begins with vct_)").fill(seen.tokens[role])
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("heading", name=f"the-{role}").wait_for()


def go(page: Any, view: str) -> None:
    """Go on in the same page: a token is gone with a new one."""
    page.evaluate("view => { location.hash = view }", view)


def status_of(page: Any, record: int) -> str:
    """What the page says of a row."""
    row = page.locator("main tbody tr", has=page.locator("th code", has_text=f"0:{record}"))
    text: str = row.locator(".tag").inner_text()
    return text


def written(page: Any, seen: Seen, account: str) -> list[list[str]]:
    """The rows that an auditor is shown of what an account wrote, once the log has them."""
    assert run("account", "seal", "--home", seen.root).code == 0
    page.reload()
    page.get_by_label("Account, empty for all").fill(account)
    page.locator("section[aria-labelledby=writes]").get_by_role("button", name="Show").click()
    until(page, f"document.querySelector('main tbody td')?.textContent === {json.dumps(account)}")
    rows = page.locator("section[aria-labelledby=writes] tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("th, td").all()] for row in rows]


def test_an_operator_signs_in_lets_a_row_in_and_an_auditor_reads_it(seen: Seen, tab: Any) -> None:
    """By the provider's pages and back; tried, then done; in the log, and in the list of what was written."""
    page = tab(viewport=DESK, stranger=seen.provider.issuer)
    name = signed_in(page, seen, "lan", "operators")
    assert name == page.locator("header .who").inner_text()
    assert "run the city" in page.locator("main").inner_text()
    assert page.get_by_role("heading", name="What was written over the network").count() == 0
    go(page, QUALITY)
    page.get_by_label("Choose: 0:1", exact=True).check()
    page.get_by_label("range:rain").check()
    page.get_by_label("Why, for all to read").fill("A storm: the radar saw it too.")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("Nothing was written. 1 row comes in, 0 stay out.").wait_for()
    assert status_of(page, 1) == "waits"
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("Done. 1 row comes in, 0 stay out.").wait_for()
    until(page, "[...document.querySelectorAll('main .tag')].some(tag => tag.textContent === 'let in')")
    assert status_of(page, 1) == "let in"
    row = page.locator("main tbody tr", has=page.locator("th code", has_text="0:1"))
    assert f"{name}: A storm: the radar saw it too." in row.inner_text()
    assert page.get_by_label("Choose: 0:1", exact=True).is_disabled()
    page.get_by_role("status").get_by_role("link", name="Lineage").click()
    page.get_by_role("heading", name="Lineage").first.wait_for()
    until(page, "document.querySelector('main .failed') === null")
    go(page, "#/account")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Come with a token").wait_for()

    other = tab(viewport=DESK, stranger=seen.provider.issuer)
    signed_in(other, seen, "minh", "auditors")
    rows = written(other, seen, name)
    assert [(row[1], row[3], row[4].strip()) for row in rows] == [
        (name, "POST /api/v1/feeds/rain/quarantine/decisions", "200")
    ]
    assert rows[0][2].startswith("session")


def test_an_operators_token_keeps_a_row_out_by_keyboard_alone(seen: Seen, tab: Any) -> None:
    """From the token to the row that is rejected, without a mouse."""
    page = tab(viewport=DESK, stranger=seen.provider.issuer)
    page.goto(f"{seen.url}/#/account")
    page.get_by_role("heading", name="Come with a token").wait_for()
    keys = page.keyboard
    _tab_to(page, "e.matches('main input[type=password]')")
    keys.type(seen.tokens["operator"])
    keys.press("Enter")
    page.get_by_role("heading", name="the-operator").wait_for()
    _tab_to(page, "e.matches('nav a') && e.textContent === 'Data quality'")
    keys.press("Enter")
    page.get_by_role("heading", name="Data quality").first.wait_for()
    _tab_to(page, "e.matches('main a[href=\"#/quality/rain\"]')")
    keys.press("Enter")
    page.get_by_label("Choose: 0:2", exact=True).wait_for()
    _tab_to(page, "e.getAttribute('aria-label') === 'Choose: 0:2'")
    keys.press("Space")
    _tab_to(page, "e.matches('main input[type=radio]')")
    keys.press("ArrowDown")
    _tab_to(page, "e.matches('main textarea')")
    keys.type("The gauge was cleaned then.")
    _tab_to(page, "e.matches('main button[type=submit]')")
    keys.press("Enter")
    page.get_by_text("Nothing was written. 1 row stays out for good.").wait_for()
    _tab_to(page, "e.matches('main button') && e.textContent === 'Do it'")
    keys.press("Enter")
    page.get_by_text("Done. 1 row stays out for good.").wait_for()
    until(page, "[...document.querySelectorAll('main .tag')].some(tag => tag.textContent === 'rejected')")
    assert status_of(page, 2) == "rejected"

    other = tab(viewport=DESK, stranger=seen.provider.issuer)
    signed_in(other, seen, "minh", "auditors")
    rows = written(other, seen, "the-operator")
    assert [row[3] for row in rows] == ["POST /api/v1/feeds/rain/quarantine/decisions"]
    assert rows[0][2].startswith("token")


def _tab_to(page: Any, wanted: str) -> None:
    """Press Tab until the focus is where it is wanted."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate(f"(e => {wanted})(document.activeElement)"):
            return
    pytest.fail(f"want {wanted} within 200 presses of Tab, got {page.inner_text('main')[:500]}")


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_is_no_operator_is_shown_no_form_and_is_refused(seen: Seen, tab: Any, role: Role) -> None:
    """Neither a box to tick nor a button; and what the page does not offer the server refuses."""
    page = tab(viewport=DESK, stranger=seen.provider.issuer)
    with_token(page, seen, role)
    go(page, QUALITY)
    page.get_by_text("Only an operator lets records in").wait_for()
    assert page.locator("main input[type=checkbox]").count() == 0
    assert page.get_by_role("button", name="Do it").count() == 0
    status = page.evaluate(
        """async token => (await fetch('api/v1/feeds/rain/quarantine/decisions', {
            method: 'POST',
            headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'},
            body: JSON.stringify({decision: 'reject', why: 'no', batch: 0, records: [5]}),
        })).status""",
        seen.tokens[role],
    )
    assert status == 403
    assert status_of(page, 5) == "waits"


def test_a_viewer_is_shown_nothing_that_was_written(seen: Seen, tab: Any) -> None:
    """The list is for auditors."""
    page = tab(viewport=DESK, stranger=seen.provider.issuer)
    signed_in(page, seen, "an", "readers")
    assert page.get_by_role("heading", name="What was written over the network").count() == 0


def test_who_has_no_part_in_the_city_is_told_so_and_finds_back(seen: Seen, tab: Any) -> None:
    """Known to the provider, of no group that counts: a page in words, and a way back."""
    page = tab(viewport=DESK, stranger=seen.provider.issuer)
    seen.provider.knows("binh", name="Binh", groups=["cooks"])
    page.goto(f"{seen.url}/#/account")
    page.locator("main").get_by_role("link", name="Sign in").click()
    page.locator("input[name=login]").fill("binh")
    page.locator("input[name=password]").fill("any")
    page.locator("[type=submit]").click()
    page.wait_for_url(f"{seen.url}/api/v1/sign-in/callback**")
    page.locator("h1").wait_for()
    page.get_by_role("link", name="Go on without signing in").click()
    page.wait_for_selector("main h1")
    page.locator("header .who", has_text="Sign in").wait_for()
