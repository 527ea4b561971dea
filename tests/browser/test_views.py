"""Each view, on a recorded city: what it says, in each language, on a phone and a desk, by keyboard."""

from collections.abc import Callable
from typing import Any

import pytest

from recorded_city import RecordedCity
from until import until

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
HEADINGS = {
    "#/city": (
        "The city, now or at any time",
        "Thành phố, hiện nay hoặc vào bất kỳ lúc nào",
        "Kota, sekarang atau pada waktu mana pun",
    ),
    "#/sensor/air-quality/AQ01": ("Hải Châu", "Hải Châu", "Hải Châu"),
    "#/verify": ("Check a receipt", "Kiểm tra biên nhận", "Periksa tanda bukti"),
    "#/lineage": ("Lineage", "Nguồn gốc", "Asal-usul"),
    "#/models": ("AI register", "Sổ đăng ký AI", "Daftar AI"),
    "#/models/environment": ("environment", "environment", "environment"),
    "#/models/app/environment": ("Air quality: now", "Chất lượng không khí", "Kualitas udara"),
    "#/quality": ("Data quality", "Chất lượng dữ liệu", "Mutu data"),
    "#/quality/air-quality": ("Air quality", "Air quality", "Air quality"),
    "#/quality/air-quality/dataset": ("Air quality", "Air quality", "Air quality"),
    "#/log": ("The transparency log", "Nhật ký minh bạch", "Log transparansi"),
}
LANGUAGES = ("en", "vi", "id")


def shown(page: Any, city: RecordedCity, view: str) -> None:
    """Open a view and wait until nothing in it is still on its way."""
    page.goto(f"{city.url}/{view}")
    page.wait_for_selector("main h1")
    until(page, "document.querySelectorAll('main .loading').length === 0")


@pytest.mark.parametrize("view", HEADINGS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_view_in_each_language(
    city: RecordedCity, tab: Any, axe: Callable[[Any], list[str]], view: str, language: str
) -> None:
    """Its heading is in the language, it fits a phone, and axe finds nothing serious."""
    page = tab(locale=language, viewport=PHONE, color_scheme="dark" if language == "vi" else "light")
    shown(page, city, view)
    assert page.locator("main h1").inner_text().startswith(HEADINGS[view][LANGUAGES.index(language)])
    assert page.evaluate("document.documentElement.lang") == language
    assert page.locator("main .failed").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert axe(page) == []


def test_the_map_is_drawn_from_the_city_alone(city: RecordedCity, tab: Any) -> None:
    """No host but the city's is asked, and the policy is kept: the fixture sees to both."""
    page = tab(viewport=DESK)
    shown(page, city, "#/city")
    page.wait_for_selector(".map-box[data-state=shown] canvas")
    page.wait_for_timeout(1500)  # what the map asks for, it asks for once it is there
    assert page.locator(".map canvas").get_attribute("aria-label").startswith("Map of the city")


def test_what_is_not_measured_looks_different(city: RecordedCity, tab: Any) -> None:
    """Filled, estimated, flagged, old and simulated values have another shape and another word each."""
    page = tab(viewport=DESK)
    shown(page, city, "#/city")
    tiles = page.locator("section.layer").first.locator(".tile")
    texts = [tiles.nth(i).inner_text() for i in range(6)]
    assert ["filled in" in text for text in texts] == [False, True, False, False, False, False]
    assert ["estimated" in text for text in texts] == [False, False, True, False, False, False]
    assert ["stood still" in text for text in texts] == [False, False, False, True, False, False]
    assert ["SIMULATED" in text for text in texts] == [True, True, True, True, False, True]
    assert "old" in texts[5]
    shapes = [tiles.nth(i).locator("svg.mark").inner_html() for i in range(6)]
    assert len(set(shapes)) == 6


def test_a_place_is_found_without_its_accents(city: RecordedCity, tab: Any) -> None:
    """`hai chau` finds Hải Châu, and only it."""
    page = tab(viewport=DESK)
    shown(page, city, "#/city?layers=air-quality")
    page.get_by_placeholder("Search places").fill("hai chau")
    until(page, "document.querySelectorAll('.layer .tile').length === 1")
    assert "Hải Châu" in page.locator(".layer .tile").inner_text()


def test_the_time_slider_asks_for_another_time(city: RecordedCity, tab: Any) -> None:
    """By keyboard: an hour back; as known then; and the address says so."""
    page = tab(viewport=DESK)
    shown(page, city, "#/city")
    page.locator("input[type=range]").focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    until(page, "location.hash.includes('at=2026-09-16T16%3A00')")
    page.get_by_role("button", name="As known then").click()
    until(page, "location.hash.includes('as_of=')")
    page.wait_for_timeout(300)
    asked = [path for path in city.asked if "/places?" in path]
    assert any(
        "at=2026-09-16T16%3A00%3A00" in path and "as_of=2026-09-16T16%3A00%3A00" in path for path in asked
    )
    assert (
        "16 Sept 2026, 23:00 GMT+7" in page.locator(".time-bar").inner_text()
    )  # the city's zone, not the reader's
    hash_before = page.evaluate("location.hash")
    page.reload()
    page.wait_for_selector(".time-bar")
    assert page.evaluate("location.hash") == hash_before


def test_a_forecast_has_its_intervals_and_what_came(city: RecordedCity, tab: Any) -> None:
    """The fan says how many outcomes lie inside it, and a table says the same."""
    page = tab(viewport=DESK)
    shown(page, city, "#/sensor/air-quality/AQ01")
    page.wait_for_selector("figure .uplot canvas")
    figure = page.locator("figure.card")
    assert "of 6 outcomes so far lie in the widest band" in figure.inner_text()
    assert "The widest shaded band is where 95% of outcomes should lie, the narrowest" in figure.inner_text()
    assert figure.inner_text().count("shaded band") == 1
    figure.locator("summary").click()
    assert figure.locator("details tbody tr").count() == 40


def test_lineage_leads_from_a_row_to_what_used_it(city: RecordedCity, tab: Any) -> None:
    """From the seal of a tile to its batch, its contract, and the decisions that rest on it."""
    page = tab(viewport=DESK)
    shown(page, city, "#/city")
    page.locator(".tile").first.get_by_role("link", name="Lineage").click()
    page.wait_for_selector(".node.here")
    assert "Batch sealed" in page.locator(".node.here").inner_text()
    assert "danang-environment" in page.locator("main dl").first.inner_text()


def test_a_statement_that_rests_on_many_is_in_sight(city: RecordedCity, tab: Any) -> None:
    """The picture begins where the statement is, however high or far the columns beside it."""
    page = tab(viewport=DESK)

    def node(entry: int) -> dict[str, Any]:
        return {
            "entry": entry,
            "kind": "ingest",
            "about": f"air batch {entry}",
            "at": None,
            "simulated": True,
        }

    many = list(range(10, 70))
    edges = [[n, n + 1] for n in range(6)] + [[6, n] for n in many] + [[n, 99] for n in many]
    city.answers["/api/v1/lineage/99"] = {
        "entry": 99,
        "it": node(99),
        "rests_on": [node(n) for n in (*range(7), *many)],
        "used_by": [],
        "edges": edges,
        "is_cut": False,
    }
    page.goto(f"{city.url}/#/lineage/99")
    page.wait_for_selector(".node.here")
    page.wait_for_function("document.querySelector('.lineage-box').scrollLeft > 0")
    box = page.locator(".node.here").bounding_box()
    assert box["x"] + box["width"] <= DESK["width"]
    assert box["y"] + box["height"] <= DESK["height"]


def test_a_feeds_rows_may_be_taken_away(city: RecordedCity, tab: Any) -> None:
    """Its page leads to the files of the catalogue and their manifest; not where its rows are personal."""
    page = tab(viewport=DESK)
    shown(page, city, "#/quality/air-quality")
    links = page.locator("main dl a[href*='/catalogue/']")
    names = [link.get_attribute("href").rpartition("/air-quality/")[2] for link in links.all()]
    assert names == ["rows.parquet", "rows.csv", "rows.geojson", "manifest.json", "croissant.json"]
    city.answers["/api/v1/feeds/air-quality"]["is_personal"] = True
    page.reload()
    page.wait_for_selector("main dl")
    assert links.count() == 0


def test_the_sum_is_shown_and_checked(city: RecordedCity, tab: Any) -> None:
    """received = accepted + quarantined + refused; where it does not hold the page says so."""
    page = tab(viewport=DESK)
    shown(page, city, "#/quality/air-quality")
    assert (
        "172,767 received = 172,739 accepted + 28 quarantined + 0 refused"
        in page.locator(".sum-line").inner_text()
    )
    assert page.locator(".sum-line .good").inner_text() == "It adds up"
    city.answers["/api/v1/feeds/air-quality/quality"]["counts"]["refused"] = 1
    page.reload()
    page.wait_for_selector(".sum-line .bad")


def test_a_statement_is_shown_as_it_arrives(city: RecordedCity, tab: Any) -> None:
    """The log grows, and the page says so without being asked."""
    page = tab(viewport=DESK)
    shown(page, city, "#/log")
    page.wait_for_selector(".live.is-live")
    entry = city.grow()
    page.get_by_text(f"told just now, as entry {entry}").first.wait_for()
    page.get_by_text(f"{entry + 1} entries").wait_for()  # and what depends on the log is fetched again


def test_an_entry_is_found_by_its_number_however_it_is_written(city: RecordedCity, tab: Any) -> None:
    """The log writes the number as the lineage's input takes it; grouped ones are taken too."""
    statements = city.answers["/api/v1/log/statements"]["items"]
    city.answers["/api/v1/lineage/1234"] = {
        **next(v for k, v in city.answers.items() if k.startswith("/api/v1/lineage/")),
        "entry": 1234,
    }
    statements[0]["entry"] = 1234
    page = tab(viewport=DESK)
    shown(page, city, "#/log")
    assert page.locator("ul.statements strong").first.inner_text().startswith("1234 ")
    for typed in ("1234", "1,234", "1.234"):
        shown(page, city, "#/lineage")
        page.get_by_label("Entry").fill(typed)
        page.get_by_role("button", name="Show").click()
        until(page, "location.hash === '#/lineage/1234'")


def test_the_way_round_by_keyboard(city: RecordedCity, tab: Any) -> None:
    """Skip to the content, go to another view: the focus goes along, and is always to be seen."""
    page = tab(viewport=DESK)
    shown(page, city, "#/quality")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.evaluate("location.hash") == "#/quality"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sum-line")
    assert page.evaluate("document.activeElement.id") == "main"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    page.keyboard.press("Tab")
    assert page.evaluate(outline) == "solid"


def test_language_and_colours_are_remembered(city: RecordedCity, tab: Any) -> None:
    """What the reader chose stays over a reload."""
    page = tab(viewport=DESK)
    shown(page, city, "#/log")
    page.get_by_label("Language").select_option("vi")
    page.get_by_label("Màu sắc").select_option("dark")
    page.reload()
    page.get_by_role("heading", name="Nhật ký minh bạch").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"


def test_forecasts_and_panels_are_layers_beside_readings(city: RecordedCity, tab: Any) -> None:
    """Each with its own mark and words: what is expected and how sure, what was filled, what is missing."""
    page = tab(viewport=DESK)
    shown(page, city, "#/city?layers=air-quality,panel:city-5min:pm25,app:environment:pm25")
    forecast = page.locator("section.layer", has=page.get_by_role("heading", name="PM2.5, forecast of"))
    forecast.locator(".tile").first.wait_for()
    first = forecast.locator(".tile").first
    assert "in 8 of 10 cases" in first.inner_text()
    assert "forecast" in first.inner_text()
    assert first.locator(".proof").get_by_role("link", name="Step by step").count() == 1
    assert sum("/layers/pm25" in path for path in city.asked) == 1, "one question for all its places"
    assert not any("/forecasts" in path for path in city.asked)
    panel = page.locator("section.layer", has=page.get_by_role("heading", name="PM2.5, panel city-5min"))
    tiles = panel.locator(".tile")
    shown_tiles = [tiles.nth(0), tiles.nth(1), tiles.nth(2), tiles.last]
    texts = [tile.inner_text() for tile in shown_tiles]
    assert ["filled in" in text for text in texts] == [True, False, False, False]
    assert ["estimated" in text for text in texts] == [False, True, False, False]
    assert ["no value" in text for text in texts] == [False, False, False, True], (
        "what has no value comes last"
    )
    marks = [tile.locator("svg.mark").inner_html() for tile in shown_tiles]
    assert len({*marks, first.locator("svg.mark").inner_html()}) == 5
    assert "Built as the log states" in texts[0]


def test_the_map_stands_on_the_citys_own_ground(city: RecordedCity, tab: Any) -> None:
    """The ground says whose it is; one that is not what the city names of it says so."""
    page = tab(viewport=DESK)
    shown(page, city, "#/city")
    page.wait_for_selector(".map-box[data-state=shown]")
    assert page.locator(".map-foot").inner_text() == "Ground: Squares of a test, a backdrop (CC0-1.0)"
    city.answers["/api/v1/city/ground"]["features"].pop()
    page.reload()
    page.get_by_text("its file is not the one that the city names").wait_for()


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-GB", "simulated: coast"), ("vi-VN", "mô phỏng: bờ biển"), ("id-ID", "simulasi: pantai")],
)
def test_an_invented_ground_says_so(city: RecordedCity, tab: Any, language: str, said: str) -> None:
    """In the reader's language, beside whose it is; rivers and roads among it are drawn."""
    ground = city.answers["/api/v1/city/ground"]
    line = {"type": "LineString", "coordinates": [[107.9, 15.7], [108.2, 16.1]]}
    for kind in ({"kind": "water", "width_m": 300}, {"kind": "water"}, {"kind": "road"}):
        ground["features"].append({"type": "Feature", "properties": kind, "geometry": line})
    city.answers["/api/v1/city"]["ground"]["simulated"] = True
    page = tab(viewport=DESK, locale=language)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    shown(page, city, "#/city")
    page.wait_for_selector(".map-box[data-state=shown]")
    assert said in page.locator(".map-foot").inner_text()
    assert faults == []


def test_an_online_map_is_asked_only_when_the_reader_wants_it(city: RecordedCity, tab: Any) -> None:
    """Offered by the city, off until it is ticked; its host is named before."""
    tiles = f"{city.url}/tiles/{{z}}/{{x}}/{{y}}.png"
    city.answers["/api/v1/city"]["base_map"] = {"tiles": tiles, "attribution": "© A mapper", "max_zoom": 19}
    page = tab(viewport=DESK)
    shown(page, city, "#/city")
    tick = page.get_by_label("Online base map")
    tick.wait_for()
    page.wait_for_timeout(500)
    assert not any(path.startswith("/tiles/") for path in city.asked)
    tick.check()
    page.get_by_text("© A mapper").wait_for()
    page.wait_for_timeout(1000)
    assert any(path.startswith("/tiles/") for path in city.asked)


def test_a_sensors_page_is_as_of_a_time(city: RecordedCity, tab: Any) -> None:
    """Readings, panel and forecasts are asked for as known then, and the page says so."""
    page = tab(viewport=DESK)
    shown(
        page,
        city,
        "#/sensor/air-quality/AQ01?at=2026-09-16T12%3A00%3A00.000Z&as_of=2026-09-16T12%3A00%3A00.000Z",
    )
    page.get_by_text("Only with what was known at 16 Sept 2026, 19:00 GMT+7.").wait_for()
    stamp = "2026-09-16T12%3A00%3A00.000Z"
    for part in ("/places?", "/air-quality/series?", "/panels/city-5min/series?"):
        asked = [path for path in city.asked if part in path]
        assert asked != [], part
        assert all(f"as_of={stamp}" in path for path in asked), part
    assert any(f"origin={stamp}" in path for path in city.asked if "/forecasts?" in path)
    assert all(f"to={stamp}" in path for path in city.asked if "/series?" in path)


def test_a_panel_shows_apart_what_was_not_measured(city: RecordedCity, tab: Any) -> None:
    """Counted in words, marked in the table, and a line of its own in the plot."""
    page = tab(viewport=DESK)
    shown(page, city, "#/sensor/air-quality/AQ01")
    panel = page.get_by_role("region", name="PM2.5, panel city-5min, ward 20242").first
    panel.get_by_text("29 values measured, 6 filled in, 1 estimated, 4 missing.").wait_for()
    panel.locator(".u-legend").get_by_text("not measured").wait_for()
    panel.locator("summary").click()
    cells = panel.locator("tbody tr").all_inner_texts()
    assert sum("filled in" in text for text in cells) == 6
    assert sum("estimated" in text for text in cells) == 1
    assert sum("no value" in text for text in cells) == 4


EVERY = (*HEADINGS, "#/account", "#/city?layers=panel:city-5min:pm25,app:environment:pm25")


@pytest.mark.parametrize("view", EVERY)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_fits_360_and_axe_is_content(
    city: RecordedCity, tab: Any, axe: Callable[[Any], list[str]], view: str, scheme: str
) -> None:
    """The narrowest of phones scrolls one way alone, and nothing serious is wrong in either theme."""
    page = tab(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    shown(page, city, view)
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe(page) == []


@pytest.mark.parametrize("view", EVERY)
def test_each_view_by_keyboard_alone(city: RecordedCity, tab: Any, view: str) -> None:
    """Tab goes through all that can be used, in order, without a trap; the focus is always to be seen."""
    page = tab(viewport=DESK)
    shown(page, city, view)
    if view == "#/city":
        page.wait_for_selector(
            ".maplibregl-ctrl-zoom-in", timeout=60_000
        )  # the map comes when the rest is there
    page.wait_for_timeout(500)
    page.locator("main").evaluate("main => main.focus()")
    seen: list[str] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const it = document.activeElement;
                if (it === document.body || it === null) return null;
                it.dataset.seen = '1';
                const style = getComputedStyle(it);
                const isDrawn = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
                if (isDrawn || it.matches('.maplibregl-canvas')) return it.tagName;
                return `${it.tagName} ${it.className} is focused and not to be seen`;
            }"""
        )
        if focused is None:
            break
        assert " " not in focused, focused
        seen.append(focused)
    else:
        pytest.fail("want an end of the page within 400 presses of Tab, got none")
    usable = "main a[href], main button:not(:disabled), main input, main select, main summary, main textarea"
    missed = page.locator(usable).evaluate_all(
        """all => all
            .filter(e => !e.dataset.seen && e.checkVisibility({visibilityProperty: true}))
            .filter(e => e.type !== 'radio')
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert missed == []


@pytest.mark.parametrize("view", EVERY)
def test_each_view_fits_320_and_text_of_twice_the_size(city: RecordedCity, tab: Any, view: str) -> None:
    """WCAG 1.4.4, 1.4.10: the page scrolls one way alone at 320 pixels, and on a desk with doubled text."""
    page = tab(viewport={"width": 320, "height": 640})
    shown(page, city, view)
    until(page, "document.querySelectorAll('main .loading').length === 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_nothing_moves_where_the_reader_wants_no_motion(city: RecordedCity, tab: Any) -> None:
    """Neither the sign of what is on its way nor anything else turns or slides."""
    city.slow.add("/api/v1/feeds")
    page = tab(viewport=DESK, reduced_motion="reduce")
    page.goto(f"{city.url}/#/city")
    page.locator("main .loading").wait_for()
    moving = """[...document.querySelectorAll('*')].filter(e => {
        const style = getComputedStyle(e);
        return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0;
    }).map(e => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(moving) == []
    city.slow.clear()
    page.wait_for_selector(".tile")
    assert page.evaluate(moving) == []


def test_whatever_can_be_used_has_a_name(city: RecordedCity, tab: Any) -> None:
    """For a screen reader: buttons, links and fields are named, and no two seals of a page alike."""
    for view in ("#/city", "#/quality/air-quality", "#/log", "#/models/environment"):
        page = tab(viewport=DESK)
        shown(page, city, view)
        until(page, "document.querySelectorAll('main .loading').length === 0")
        unnamed = """[...document.querySelectorAll('main button, main a[href], main input, main select')]
            .filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels?.length))
            .map(e => e.outerHTML.slice(0, 100))"""
        assert page.evaluate(unnamed) == []
        names = page.locator("main .proof button").evaluate_all("all => all.map(e => e.ariaLabel)")
        assert len(set(names)) == len(names)
