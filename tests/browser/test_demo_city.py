"""The real server on the demo city: each view shows it, receipts hold, and nothing else is asked."""

import importlib.util
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from run_cli import COMMAND, environment
from served import Served, serving
from until import until

DESK = {"width": 1280, "height": 900}
THEN = "at=2026-09-16T12%3A00%3A00.000Z"
VIEWS = [
    "#/city",
    f"#/city?layers=panel:city-5min:stage_m,app:environment:pm25&{THEN}",
    "#/sensor/air-quality/AQ03",
    f"#/sensor/hydrology/HY01?field=stage_m&{THEN}&{THEN.replace('at', 'as_of', 1)}",
    "#/account",
    "#/lineage/12",
    "#/models",
    "#/models/environment",
    "#/models/app/environment",
    "#/quality",
    "#/quality/air-quality",
    "#/quality/hydrology/dataset",
    "#/log",
]
USABLE_S = 2.0  #: on a machine that has nothing else to do
SLACK = 10  #: and how much slower a test's may be


@pytest.fixture(scope="module")
def served(
    portal: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:  # built before it starts
    """The demo city, played and served."""
    if importlib.util.find_spec("veracity.server.api") is None:
        pytest.skip("want a server with the API, got one without")
    home = tmp_path_factory.mktemp("demo") / "city"
    played = subprocess.run(
        [*COMMAND, "demo", "--home", str(home), "--json"], env=environment(), capture_output=True, timeout=900
    )
    assert played.returncode == 0, played.stderr[-2000:]
    with serving("serve", "--home", home) as server:
        yield server


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_shows_the_demo_city(served: Served, tab: Any, view: str) -> None:
    """Nothing fails, nothing is left loading, and what is simulated says so."""
    page = tab(viewport=DESK)
    page.goto(f"{served.url}/{view}")
    page.wait_for_selector("main h1")
    until(page, "document.querySelectorAll('main .loading').length === 0")
    assert page.locator("main .failed").all_inner_texts() == []
    assert page.locator("header .sim").count() == 1


def test_the_city_is_soon_usable(served: Served, tab: Any) -> None:
    """From an empty cache to the first tile; the second time counts: the server has read its city by then."""
    times = []
    for _ in range(2):
        page = tab(viewport=DESK)
        began = time.monotonic()
        page.goto(f"{served.url}/#/city")
        page.wait_for_selector(".tile")
        times.append(time.monotonic() - began)
    assert times[-1] < USABLE_S * SLACK


def test_the_map_stands_on_an_invented_ground_that_says_so(served: Served, tab: Any) -> None:
    """The demo brings it; its file is the one that the city names."""
    page = tab(viewport=DESK)
    page.goto(f"{served.url}/#/city")
    foot = page.locator(".map-foot")
    foot.wait_for()
    told = "Ground: Veracity, built-in city, seed 1, a backdrop (Apache-2.0)"
    assert foot.inner_text() == f"{told} · simulated: coast, rivers, wards and roads are invented"


def test_a_tiles_number_holds(served: Served, tab: Any) -> None:
    """The seal of the first tile, then all steps of its receipt."""
    page = tab(viewport=DESK)
    page.goto(f"{served.url}/#/city")
    page.locator(".tile .proof button").first.click()
    page.wait_for_selector(".tile .proof.holds")
    page.locator(".tile").first.get_by_role("link", name="Step by step").click()
    page.wait_for_selector(".banner.yes")


@pytest.mark.parametrize("layer", ["air-quality", "hydrology", "traffic", "app:environment:no2"])
def test_the_seals_of_each_layer_hold(served: Served, tab: Any, layer: str) -> None:
    """Under its real contract no row is said to be another than its record's, and none is left uncompared."""
    page = tab(viewport=DESK)
    page.goto(f"{served.url}/#/city?layers={layer}")
    page.locator(".tile .proof button").first.click()
    page.wait_for_selector(".tile .proof.holds")
    page.locator(".tile .proof.holds").get_by_role("link", name="Step by step").click()
    page.wait_for_selector(".banner.yes")
    state = page.locator(".step[data-step=row]").get_attribute("data-state")
    assert state == ("passed" if layer.startswith("app:") else "compared")


def test_a_decision_holds(served: Served, tab: Any) -> None:
    """A forecast's receipt: released by a person, made before its outcome was due."""
    page = tab(viewport=DESK)
    page.goto(f"{served.url}/#/models/app/environment")
    page.locator("figure.card").get_by_role("link", name="Step by step").click()
    page.wait_for_selector(".banner.yes")
    assert page.locator(".step[data-step=release][data-state=passed]").count() == 1


def test_a_data_sets_page_says_how_good_it_was_and_its_seals_hold(served: Served, tab: Any) -> None:
    """Measured on each of seven days, the newest batch proven, and the page as it was known a week before."""
    page = tab(viewport=DESK)
    page.goto(f"{served.url}/#/quality/air-quality/dataset")
    page.locator("section[aria-labelledby=measured] summary").click()
    days = page.locator("section[aria-labelledby=measured] tbody tr")
    until(page, "document.querySelectorAll('section[aria-labelledby=measured] tbody tr').length === 7")
    # The clock of tests stands still in the weeks that came as files, whole ones.
    assert [day.locator("td").nth(1).inner_text() for day in days.all()] == ["100%"] * 7
    assert "172,739 rows" in page.locator("section[aria-labelledby=files] dl").inner_text()
    page.locator("section[aria-labelledby=files] .proof button").click()
    page.wait_for_selector("section[aria-labelledby=files] .proof.holds")
    page.goto(f"{served.url}/#/quality/air-quality/dataset?as_of=2026-09-10T00%3A00%3A00.000Z")
    page.get_by_text("120,960 rows").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="rows.csv").click()
    assert download.value.url.endswith("/catalogue/air-quality/2/rows.csv")


def test_the_lone_page_is_served_to_be_kept(served: Served, tab: Any) -> None:
    """The Verify view offers verify.html as a download."""
    page = tab(viewport=DESK)
    page.goto(f"{served.url}/#/verify")
    with page.expect_download() as download:
        page.get_by_role("link", name="verify.html").click()
    assert Path(download.value.path()).read_bytes().startswith(b"<!doctype html>")
