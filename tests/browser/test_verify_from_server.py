"""``verify.html`` opened from the server, under the policy that it is sent with: it runs, and it checks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listening import listening
from small_city import clock, new_city
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

RECEIPTS = Path(__file__).parents[1] / "vectors" / "receipts"


@pytest.fixture
def url(portal: Path, tmp_path: Path) -> Iterator[str]:
    """A city that is closed: the checker is for all."""
    assert (portal / "verify.html").exists()
    root = new_city(tmp_path / "city")
    with listening(make_app(ServerSettings(root, clock=clock, is_open=False))) as address:
        yield address


@pytest.mark.parametrize(
    ("receipt", "said"), [("valid-ndjson.json", "yes"), ("lie-live-record-changed.json", "no")]
)
def test_the_lone_page_checks_from_the_server(url: str, tab: Any, receipt: str, said: str) -> None:
    """A receipt and a policy are chosen: what holds is green, what was changed is red."""
    page = tab()
    answer = page.goto(f"{url}/verify.html")
    assert "script-src 'sha256-" in answer.headers["content-security-policy"]
    page.set_input_files("input[type=file]", [str(RECEIPTS / receipt), str(RECEIPTS / "trust.policy")])
    page.wait_for_selector(f".banner.{said}")
