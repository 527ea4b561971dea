"""Take the pictures of ``docs/portal.md`` from a running city.

    veracity demo --home CITY && veracity serve --home CITY --port 8080
    python docs/make_portal.py http://127.0.0.1:8080

It takes Playwright and Chromium. Nothing in a picture is put there by hand. The demo city ended in September:
the map and the sensor are shown as of its last evening.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).with_name("portal")
DESK: Any = {"width": 1280, "height": 860}
PHONE: Any = {"width": 390, "height": 800}
THEN = "at=2026-09-16T12:00:00.000Z"
CITY = f"#/city?layers=air-quality,app:environment:pm25&{THEN}"
STORM = "#/sensor/hydrology/HY01?field=stage_m&at=2026-09-16T12:00:00.000Z"


def settled(page: Any, url: str) -> None:
    """Open a view and wait until it is drawn."""
    page.goto(url)
    page.wait_for_selector("main h1")
    page.wait_for_timeout(4000)  # maps and plots say nothing when they are done


def main(base: str) -> None:
    """Write ``docs/portal/*.png``."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])

        page = browser.new_page(viewport=DESK, locale="en-GB", color_scheme="light")
        settled(page, f"{base}/{CITY}")
        page.screenshot(path=FOLDER / "city.png")
        settled(page, f"{base}/{page.locator('.tile .proof a').first.get_attribute('href')}")
        page.get_by_role("button", name="Change one bit").click()
        page.wait_for_selector(".banner.no")
        page.locator("#outcome").scroll_into_view_if_needed()
        page.screenshot(path=FOLDER / "refused.png")

        page = browser.new_page(viewport=PHONE, locale="vi-VN", color_scheme="dark")
        settled(page, f"{base}/{STORM}")
        page.locator("main select").first.evaluate("select => select.scrollIntoView({block: 'start'})")
        page.screenshot(path=FOLDER / "sensor.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
