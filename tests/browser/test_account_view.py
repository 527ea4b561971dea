"""The account's view: come with a token that the page alone holds, who am I, and what only some are shown."""

import json
from typing import Any

from playwright.sync_api import Route

from recorded_city import RecordedCity

TOKEN = "vct_" + "a" * 43
SESSION = "**/api/v1/session"


def as_account(roles: list[str], refused: bool = False) -> Any:
    """Return what answers who asks: somebody where the token comes, else nobody."""

    def answer(route: Route) -> None:
        held = route.request.headers.get("authorization")
        if held is not None and refused:
            body = {
                "type": "/problems/bad-credential",
                "status": 401,
                "code": "bad-credential",
                "detail": "no",
            }
            route.fulfill(status=401, body=json.dumps(body), content_type="application/problem+json")
            return
        account = {"name": "flood-desk", "roles": roles, "agency": None, "feeds": None, "came_by": "token"}
        known = account if held == f"Bearer {TOKEN}" else None
        route.fulfill(json={"account": known, "sign_in": True, "is_open": True})

    return answer


def come(page: Any) -> None:
    """Give the token as a person does."""
    page.get_by_label("Token (begins with vct_)").fill(TOKEN)
    page.get_by_role("button", name="Use it").click()


def test_a_token_is_held_in_memory_and_gone_with_the_page(city: RecordedCity, tab: Any) -> None:
    """Who am I says its roles; nothing keeps it; a reload forgets it."""
    page = tab()
    page.route(SESSION, as_account(["operator"]))
    page.goto(f"{city.url}/#/account")
    come(page)
    page.get_by_role("heading", name="flood-desk").wait_for()
    assert "run the city" in page.locator("main").inner_text()
    assert page.locator("header .who").inner_text() == "flood-desk"
    kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    assert "vct_" not in page.evaluate(kept)
    page.reload()
    page.get_by_role("heading", name="Come with a token").wait_for()


def test_the_token_goes_with_each_question_and_with_no_other(city: RecordedCity, tab: Any) -> None:
    """All that is asked afterwards carries it, the stream of events too; forgotten, nothing does."""
    page = tab()
    page.route(SESSION, as_account(["viewer"]))
    page.goto(f"{city.url}/#/account")
    come(page)
    page.get_by_role("heading", name="flood-desk").wait_for()
    sent: list[tuple[str, str | None]] = []
    page.on("request", lambda it: sent.append((it.url, it.headers.get("authorization"))))
    page.get_by_role("link", name="Log", exact=True).click()
    page.get_by_role("heading", name="Witnesses").wait_for()
    asked = [held for url, held in sent if "/api/v1/" in url]
    assert asked != []
    assert set(asked) == {f"Bearer {TOKEN}"}
    page.locator("header .who").click()
    page.get_by_role("button", name="Forget the token").click()
    page.get_by_role("heading", name="Come with a token").wait_for()
    sent.clear()
    with page.expect_request("**/api/v1/**"):
        page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_role("heading", name="AI register").wait_for()
    assert {held for url, held in sent if "/api/v1/" in url} == {None}


def test_what_was_read_with_a_token_is_gone_with_it(city: RecordedCity, tab: Any) -> None:
    """In a closed city whoever sits down next sees nothing of what was shown before."""
    page = tab()
    page.route(SESSION, as_account(["viewer"]))

    def closed(route: Route) -> None:
        if route.request.headers.get("authorization") is None:
            route.fulfill(status=401, json={"code": "sign-in-needed", "detail": "no"})
        else:
            route.fallback()

    page.route("**/api/v1/log", closed)
    page.goto(f"{city.url}/#/account")
    come(page)
    page.get_by_role("heading", name="flood-desk").wait_for()
    page.get_by_role("link", name="Log", exact=True).click()
    page.get_by_role("heading", name="Witnesses").wait_for()
    page.locator("header .who").click()
    page.get_by_role("button", name="Forget the token").click()
    page.get_by_role("heading", name="Come with a token").wait_for()
    page.get_by_role("link", name="Log", exact=True).click()
    page.get_by_text("You need to sign in to see this.").wait_for()
    assert "Root hash" not in page.locator("main").inner_text()


def test_a_refused_token_is_said_to_be_refused(city: RecordedCity, tab: Any) -> None:
    """In words, and it is not kept; what is no token is not even sent."""
    page = tab()
    page.route(SESSION, as_account([], refused=True))
    page.goto(f"{city.url}/#/account")
    page.get_by_label("Token (begins with vct_)").fill("password1")
    page.get_by_role("button", name="Use it").click()
    page.get_by_text("This is no token of this kind").wait_for()
    come(page)
    page.get_by_text("The server refused this token").wait_for()
    assert page.locator("header .who").inner_text() == "Sign in"


def test_signing_in_goes_to_the_provider(city: RecordedCity, tab: Any) -> None:
    """The link leads to the server's own sign-in, and back here in the end."""
    page = tab()
    page.route(SESSION, as_account([]))
    page.goto(f"{city.url}/#/account")
    page.get_by_role("heading", name="Sign in").wait_for()
    link = page.get_by_role("link", name="Sign in").last.get_attribute("href")
    assert link == f"{city.url}/api/v1/sign-in?then=%2F%23%2Faccount"


def test_a_city_without_a_provider_offers_tokens_alone(city: RecordedCity, tab: Any) -> None:
    """No button that leads nowhere."""
    page = tab()
    page.goto(f"{city.url}/#/account")
    page.get_by_role("heading", name="Come with a token").wait_for()
    assert page.locator("main").get_by_role("link", name="Sign in").count() == 0


def test_acts_are_shown_to_those_who_may(city: RecordedCity, tab: Any) -> None:
    """Quarantine, releases and overrides: a reader sees what was done, an operator how it is done."""
    page = tab()
    page.route(SESSION, as_account(["operator"]))
    views = {
        "#/quality/air-quality": "Let records in, or keep them out for good",
        "#/models/environment": "veracity model ask environment",
        "#/models/app/environment": "veracity app override environment",
    }
    for view, command in views.items():
        page.goto(f"{city.url}/{view}")
        page.get_by_text(
            "Only an operator" if view.startswith("#/quality") else "an act that a person signs"
        ).wait_for()
        assert command not in page.locator("main").inner_text()
    page.goto(f"{city.url}/#/account")
    come(page)
    page.get_by_role("heading", name="flood-desk").wait_for()
    for view, command in views.items():
        page.evaluate("view => { location.hash = view }", view)
        page.get_by_text(command).first.wait_for()


def test_a_decision_about_quarantine_is_tried_and_then_done(city: RecordedCity, tab: Any) -> None:
    """Rows of two batches, a rule waived, a reason: told what would be, then done; never without a trial."""
    page = tab()
    page.route(SESSION, as_account(["operator"]))
    asked: list[dict[str, Any]] = []

    def decided(route: Route) -> None:
        body: dict[str, Any] = json.loads(route.request.post_data or "")
        asked.append(body)
        n = len(body["records"])
        counts = {"rows": n, "accepted": n, "quarantined": 0, "held": 0, "held_by": [], "decided": 0}
        entry = None if body["is_trial"] else 172
        route.fulfill(json={"is_trial": body["is_trial"], "entry": entry, **counts})

    page.route("**/quarantine/decisions", decided)
    page.goto(f"{city.url}/#/account")
    come(page)
    page.get_by_role("heading", name="flood-desk").wait_for()
    page.evaluate("() => { location.hash = '#/quality/air-quality' }")
    page.get_by_label("Choose: 37:3", exact=True).check()
    page.get_by_label("Choose: 37:221").check()
    page.get_by_label("Choose: 31:39").check()
    page.get_by_text("3 rows are chosen").wait_for()
    do = page.get_by_role("button", name="Do it")
    assert do.is_disabled()
    page.get_by_label("out of range: PM2.5 range:pm25").check()
    page.get_by_label("Why, for all to read").fill("A storm: looked at on the spot.")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("Nothing was written. 3 rows come in, 0 stay out.").wait_for()
    do.click()
    page.get_by_text("Done. 3 rows come in, 0 stay out.").wait_for()
    wanted = [(31, [39]), (37, [3, 221])]
    assert [(it["batch"], it["records"], it["is_trial"]) for it in asked] == [
        *((batch, records, True) for batch, records in wanted),
        *((batch, records, False) for batch, records in wanted),
    ]
    assert all(it["waive"] == ["range:pm25"] and it["decision"] == "release" for it in asked)


def test_a_closed_city_says_how_to_get_in(city: RecordedCity, tab: Any) -> None:
    """Everything answers 401: the page says so once in words, and leads to the account."""
    for path in city.answers:
        city.failing[path] = 401
    page = tab()
    page.goto(f"{city.url}/#/log")
    page.get_by_text("This city is closed").wait_for()
    assert page.locator("main a[href='#/account']").count() >= 1
