"""A feed as a data set, on a recorded city: measured, proven, as known then, and what may be taken away."""

from typing import Any

from recorded_city import RecordedCity
from until import until

DESK = {"width": 1280, "height": 900}
DATASET = "/api/v1/datasets/air-quality"
VIEW = "#/quality/air-quality/dataset"


def opened(page: Any, city: RecordedCity, view: str = VIEW) -> None:
    """Open a view and wait until nothing in it is still on its way."""
    page.goto(f"{city.url}/{view}")
    page.wait_for_selector("main h1")
    until(page, "document.querySelectorAll('main .loading').length === 0")


def part(page: Any, name: str) -> Any:
    """Return a section by the name of its heading."""
    return page.locator(f"section[aria-labelledby={name}]")


def test_it_is_found_from_the_page_of_the_feed(city: RecordedCity, tab: Any) -> None:
    """One step from the feed's quality, and back."""
    page = tab(viewport=DESK)
    opened(page, city, "#/quality/air-quality")
    pages = page.get_by_role("navigation", name="Pages of this feed")
    pages.get_by_role("link", name="The data set").click()
    part(page, "measured").wait_for()
    assert pages.locator("[aria-current=page]").inner_text() == "The data set"
    assert page.evaluate("location.hash") == VIEW


def test_what_was_measured_is_said_with_its_time(city: RecordedCity, tab: Any) -> None:
    """Freshness against the promise, completeness, validity, sensor health; what cannot be said says so."""
    page = tab(viewport=DESK)
    opened(page, city)
    words = part(page, "measured").inner_text()
    assert "Measured at 17 Sept 2026, 00:05 GMT+7." in words
    assert "fresh: 5 minutes ago. Promised: no later than 2 hours." in words
    assert "99.95% of the readings due in its newest day came, of 20 sensors" in words
    assert "99.98% of the records received kept the contract's rules" in words
    assert "98% in the least trusted" in words
    assert "none is stated: ask the agency" in page.locator("main dl").first.inner_text()
    city.answers[DATASET]["quality"]["completeness"] = {"share": None, "n_sensors": None}
    page.reload()
    part(page, "measured").get_by_text("cannot be said").wait_for()


def test_it_is_asked_for_as_known_then(city: RecordedCity, tab: Any) -> None:
    """The time is the city's, it is in the address, and the way back leads to now."""
    page = tab(viewport=DESK)
    opened(page, city)
    page.get_by_label("As known at").fill("2026-09-16T19:00")
    page.get_by_text("Only with what was known at 16 Sept 2026, 19:00 GMT+7.").wait_for()
    until(page, "document.querySelectorAll('main .loading').length === 0")
    assert f"{DATASET}?as_of=2026-09-16T12%3A00%3A00.000Z" in city.asked
    assert page.evaluate("location.hash") == f"{VIEW}?as_of=2026-09-16T12%3A00%3A00.000Z"
    page.get_by_role("button", name="Back to now").click()
    page.get_by_text("With all that is known today").wait_for()
    assert page.evaluate("location.hash") == VIEW


def test_the_days_before_are_asked_for_when_they_are_wanted(city: RecordedCity, tab: Any) -> None:
    """Seven questions, a day apart, and none before the table is opened."""
    page = tab(viewport=DESK)
    opened(page, city)
    assert [path for path in city.asked if path.startswith(f"{DATASET}?")] == []
    part(page, "measured").locator("summary").click()
    until(page, "document.querySelectorAll('section[aria-labelledby=measured] tbody tr').length === 7")
    asked = [path.rpartition("=")[2][:10] for path in city.asked if path.startswith(f"{DATASET}?")]
    assert asked == [f"2026-09-{day}" for day in range(16, 9, -1)]
    city.failing[DATASET] = 503
    part(page, "measured").locator("summary").click()
    part(page, "measured").locator("summary").click()
    part(page, "measured").get_by_role("alert").wait_for()


def test_what_changed_comes_newest_first_with_its_seal(city: RecordedCity, tab: Any) -> None:
    """A withdrawal, a release that has a receipt, a calibration, the contract."""
    page = tab(viewport=DESK)
    opened(page, city)
    rows = part(page, "changes").locator("tbody tr")
    assert [row.locator("th").inner_text() for row in rows.all()] == ["163", "162", "150", "4"]
    assert "withdrawn: the reference was wrong" in rows.nth(0).inner_text()
    assert "3 rows let in from quarantine, as batch 50" in rows.nth(1).inner_text()
    steps = rows.nth(1).get_by_role("link", name="Step by step")
    assert steps.get_attribute("href") == "#/verify?receipt=receipts%2Fair-quality%2F50%2F0"
    assert rows.nth(3).get_by_role("link", name="Lineage: 4").get_attribute("href") == "#/lineage/4"


def test_files_lead_to_this_server_whatever_it_calls_itself(city: RecordedCity, tab: Any) -> None:
    """A version's files, with size and digest once they were made; its manifest, Croissant, contract."""
    dataset = city.answers[DATASET]
    dataset["version"]["files"][0] |= {"n_bytes": 1_234_567, "sha256": "ab" * 32}
    page = tab(viewport=DESK)
    opened(page, city)
    links = page.locator("main a[href*='/catalogue/']").evaluate_all("all => all.map(a => a.href)")
    assert all(link.startswith(f"{city.url}/catalogue/air-quality") for link in links)
    names = [link.rpartition("/air-quality/")[2] for link in links]
    assert names[:5] == [
        "51/rows.parquet",
        "51/rows.csv",
        "51/rows.geojson",
        "51/manifest.json",
        "51/croissant.json",
    ]
    assert f"contract/{dataset['contract']['sha256']}.yaml" in names
    rows = part(page, "files").locator("tbody tr")
    assert "1,234,567 bytes" in rows.nth(0).inner_text()
    assert "made when first asked for" in rows.nth(1).inner_text()


def test_of_a_feed_with_personal_data_nothing_is_asked(city: RecordedCity, tab: Any) -> None:
    """It says that it is personal; the data set is not asked for."""
    city.answers["/api/v1/feeds/air-quality"]["is_personal"] = True
    page = tab(viewport=DESK)
    opened(page, city)
    page.get_by_text("personal data: rows are not shown").wait_for()
    assert [path for path in city.asked if path.startswith(DATASET)] == []
