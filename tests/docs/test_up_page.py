"""docs/up.md: its commands run, and every number that is served has its line."""

import json
import re
from pathlib import Path

from console import run_document

from veracity.live.subjects import MAPPINGS

DOCS = Path(__file__).parents[2] / "docs"
SOURCES = Path(__file__).parents[2] / "src/veracity"
PAGE = (DOCS / "up.md").read_text(encoding="utf-8")


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """Passwords, certificates and who is forbidden: every command does what is shown."""
    assert run_document(DOCS / "up.md", tmp_path) >= 6


def test_every_metric_has_its_line() -> None:
    """A number that is served and not explained fails."""
    text = (SOURCES / "live/metrics.py").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:Counter|Gauge|Histogram)\(\s*\"([a-z_]+)\"", text))
    assert len(named) > 15
    assert (
        sorted(name for name in named if name not in PAGE and name.removeprefix("source") not in PAGE) == []
    )


def test_the_mappings_are_those_that_are_used() -> None:
    """A broker set up by the page puts every message into its partition."""
    (block,) = re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL)
    assert json.loads(block) == {"mappings": MAPPINGS}


def test_every_process_has_its_line() -> None:
    """What shows in the list of processes is in the page's table."""
    text = (SOURCES / "live/roles.py").read_text(encoding="utf-8")
    for role in re.findall(r"^async def ([a-z]+)\(", text, re.MULTILINE):
        assert f"| `{role}" in PAGE
