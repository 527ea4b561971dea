"""docs/assurance.md runs as written, and names every test of the battery for forecasters."""

import re
from pathlib import Path

from console import run_document

from veracity.models.assurance.battery import FORECASTER_TESTS

PAGE = Path(__file__).parents[2] / "docs" / "assurance.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """A model of simulated rain is assured, with the output shown."""
    assert run_document(PAGE, tmp_path) >= 7


def test_every_test_is_named() -> None:
    """A test that the page does not name is missing from it; ``-season`` goes on from the name before."""
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z][a-z-]+)`", text))
    for first in ("skill-by", "sensor"):
        named |= {first + rest for rest in re.findall(r"`(-[a-z]+)`", text)}
    assert {t.name for t in FORECASTER_TESTS} <= named
