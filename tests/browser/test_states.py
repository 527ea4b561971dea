"""Loading, empty, stale and failed: each is said in words, and nothing shown is lost to an error."""

import json
from typing import Any

from recorded_city import RecordedCity
from until import until

FEEDS = "/api/v1/feeds"
LOG = "/api/v1/log"
APPS = "/api/v1/apps"


def test_what_is_on_its_way_is_said_to_be(city: RecordedCity, tab: Any) -> None:
    """A slow answer: a word and a sign meanwhile, then the answer."""
    city.slow.add(FEEDS)
    page = tab()
    page.goto(f"{city.url}/#/quality")
    page.locator("main .loading").wait_for()
    assert "Loading" in page.locator("main .loading").inner_text()
    city.slow.clear()
    page.get_by_role("link", name="Air quality").wait_for()


def test_what_comes_later_does_not_make_anew_what_is_there(city: RecordedCity, tab: Any) -> None:
    """Layers of apps come after those of feeds: a tile about to be clicked stays what it is."""
    city.slow.add(APPS)
    page = tab()
    page.goto(f"{city.url}/#/city")
    tile = page.wait_for_selector(".tile")
    assert page.locator(".layers", has_text="Forecast").count() == 0
    city.slow.clear()
    page.locator(".layers", has_text="Forecast").first.wait_for()
    assert tile.evaluate("tile => tile.isConnected")


def test_layers_of_an_address_are_waited_for(city: RecordedCity, tab: Any) -> None:
    """An address names a forecast still on its way: it is shown once it is there; the address stays."""
    page = tab()
    page.goto(f"{city.url}/#/city")
    page.locator(".layers", has_text="Forecast").locator("input").first.check()
    until(page, "location.hash.includes('app')")
    address = page.url
    city.slow.add(APPS)
    again = tab()
    again.goto(address)
    again.wait_for_selector(".tile")
    assert again.url == address
    city.slow.clear()
    again.locator(".layers", has_text="Forecast").first.wait_for()
    assert again.locator(".layers", has_text="Forecast").locator("input").first.is_checked()
    assert again.url == address


def test_nothing_there_is_said_in_words(city: RecordedCity, tab: Any) -> None:
    """An empty city has no empty tables."""
    city.answers[FEEDS] = {"items": [], "next": None}
    city.answers["/api/v1/models"] = {"items": [], "next": None}
    page = tab()
    page.goto(f"{city.url}/#/city")
    page.get_by_text("This city has no feed yet. Who runs it adds one").wait_for()
    page.goto(f"{city.url}/#/quality")
    page.get_by_text("This city has no feed yet.").wait_for()
    page.goto(f"{city.url}/#/models")
    page.get_by_text("No model is in use.").wait_for()


def test_a_failure_says_whose_it_is_and_can_be_tried_again(city: RecordedCity, tab: Any) -> None:
    """The server's fault, with its code; a second try brings the view."""
    city.failing[LOG] = 500
    page = tab()
    page.goto(f"{city.url}/#/log")
    page.get_by_text("The server failed.").wait_for()
    assert "a-test: as asked" in page.locator("main .failed").inner_text()
    city.failing.clear()
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="Witnesses").wait_for()


def test_what_cannot_be_refreshed_stays_and_is_said_to_be_old(city: RecordedCity, tab: Any) -> None:
    """The server goes away: what was shown stays, marked; and it is fresh again once the server is back."""
    page = tab()
    page.goto(f"{city.url}/#/log")
    page.get_by_role("heading", name="Witnesses").wait_for()
    page.wait_for_selector(".live.is-live")
    city.failing[LOG] = 503
    city.grow()
    page.locator("main .stale").wait_for()
    assert "could not be refreshed" in page.locator("main .stale").inner_text()
    assert page.get_by_role("heading", name="Witnesses").count() == 1
    city.failing.clear()
    page.locator("main .stale button").click()
    until(page, "document.querySelectorAll('main .stale').length === 0")


def test_what_is_not_there(city: RecordedCity, tab: Any) -> None:
    """No such view, no such feed, no such receipt: said each in its place."""
    page = tab()
    page.goto(f"{city.url}/#/nowhere")
    page.get_by_role("heading", name="There is no such view").wait_for()
    page.goto(f"{city.url}/#/quality/nothing")
    page.get_by_text("There is no such thing in this city.").first.wait_for()
    page.goto(f"{city.url}/#/verify?receipt=receipts/none/0/0")
    page.get_by_text("There is no such thing in this city.").first.wait_for()


def test_what_was_not_there_then_is_no_failure(city: RecordedCity, tab: Any) -> None:
    """As of before a feed was added: that nothing was known, in words, on the map's page and a sensor's."""
    page = tab()
    detail = "feed air: want one that was there at 2020-01-01T00:00:00Z, got one added later"
    body = json.dumps({"status": 404, "code": "not-there-then", "detail": detail})
    page.route(
        "**/api/v1/feeds/*/*as_of=*",
        lambda route: route.fulfill(status=404, content_type="application/problem+json", body=body),
    )
    page.goto(f"{city.url}/#/city?as_of=2020-01-01T00:00:00Z")
    page.get_by_text("Nothing was known of any place at that time.").first.wait_for()
    assert page.locator("main .failed").count() == 0
    page.goto(f"{city.url}/#/sensor/air-quality/AQ01?as_of=2020-01-01T00:00:00Z")
    page.get_by_text("Nothing was known of this place at that time.").wait_for()
    page.get_by_text("Nothing came in this time.").wait_for()
    assert page.locator("main .failed").count() == 0


def test_no_city_still_checks_receipts(city: RecordedCity, tab: Any) -> None:
    """The server is up and cannot read its city: the Verify view works with the reader's own policy."""
    for path in list(city.answers):
        city.failing[path] = 503
    page = tab()
    page.goto(f"{city.url}/#/verify")
    page.get_by_text("checking receipts still works").wait_for()
    assert "No trust policy yet" in page.locator("main").inner_text()


def test_a_receipt_of_another_server_is_not_fetched(city: RecordedCity, tab: Any) -> None:
    """A link cannot make the page ask anybody else: the fixture fails if it does."""
    page = tab()
    page.goto(f"{city.url}/#/verify?receipt=https%3A%2F%2Fexample.org%2Freceipt.json")
    page.locator("main .failed").wait_for()
    assert page.locator(".banner").count() == 0


def test_a_view_opens_when_the_server_has_gone(city: RecordedCity, tab: Any) -> None:
    """What was not looked at before says that the server is away, and the page is not lost for it."""
    page = tab()
    with page.expect_request("**/assets/lineage-*.js"):  # the views are fetched when there is time
        page.goto(f"{city.url}/#/log")
    page.get_by_role("heading", name="Witnesses").wait_for()
    until(
        page,
        "performance.getEntriesByType('resource').some(e => /models-/.test(e.name) && e.responseEnd > 0)",
    )
    page.context.set_offline(True)
    page.evaluate("() => { location.hash = '#/models' }")
    page.get_by_text("The server cannot be reached.").first.wait_for()
    page.get_by_role("heading", name="AI register").wait_for()
