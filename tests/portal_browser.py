"""A browser for tests: Debian's Chromium, driven by Playwright. Where there is none, they are skipped."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from built_portal import SOURCES, built_portal
from recorded_city import RecordedCity, serving_recorded

AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"
TIMEOUT_MS = 60_000

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def portal() -> Path:
    """The built portal."""
    return built_portal()


# Of a module, not of the session: while Playwright runs, no other test of the process can use asyncio.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = os.environ.get("VERACITY_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("want Chromium (apt-get install chromium), got none")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def city(portal: Path) -> Iterator[RecordedCity]:
    """A recorded city, served anew for each test."""
    with serving_recorded(portal) as recorded:
        yield recorded


@pytest.fixture
def tab(chromium: Any) -> Iterator[Open]:
    """Open pages of their own; a test fails if one of them threw, broke its policy or asked another host.

    What a page of ``stranger``, another server's address, asks is not the portal's doing.
    """
    contexts, complaints = [], []

    def opened(stranger: str | None = None, **options: Any) -> Any:
        context = chromium.new_context(**{"locale": "en-GB", "timezone_id": "Europe/Berlin", **options})
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _listen(message.text, complaints))
        page.on("request", lambda request: _watch(request, stranger, complaints))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _listen(text: str, complaints: list[str]) -> None:
    if "Content Security Policy" in text:
        complaints.append(text)


def _watch(request: Any, stranger: str | None, complaints: list[str]) -> None:
    url = request.url
    if stranger is not None and request.headers.get("referer", "").startswith(stranger):
        return
    if not url.startswith(("http://127.0.0.1:", "file:", "blob:", "data:")):
        complaints.append(f"asked {url}")


@pytest.fixture
def axe(portal: Path) -> Callable[[Any], list[str]]:
    """Return what axe finds wrong with a page, one line each: all that is serious or critical."""
    source = AXE.read_text()

    def found(page: Any) -> list[str]:
        page.evaluate(source)  # by the debugger: the page's policy lets no script in
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['help']}: {node['html'][:160]}"
            for one in result["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]

    return found
