"""Waiting for a page to be as wanted. Playwright's own wait makes code from text: our policy forbids that."""

import time
from typing import Any

TIMEOUT_S = 60.0
PAUSE_MS = 50


def until(page: Any, expression: str, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until an expression is true in the page."""
    end = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < end, (
            f"want {expression} within {timeout_s:.0f} s, got {page.inner_text('main')[:500]}"
        )
        page.wait_for_timeout(PAUSE_MS)
