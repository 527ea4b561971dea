"""docs/monitor.md and docs/fsck.md: what they show runs, and every finding there is has its line."""

import re
from pathlib import Path

import pytest
from console import run_document

DOCS = Path(__file__).parents[2] / "docs"
SOURCES = Path(__file__).parents[2] / "src/veracity"
PAGE = (DOCS / "monitor.md").read_text(encoding="utf-8")


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """From the first round over a restored backup to the answer: every command does what is shown."""
    assert run_document(DOCS / "monitor.md", tmp_path) >= 10


def kinds(*paths: Path) -> set[str]:
    """The kinds that the code gives to findings, as they are written there."""
    text = "".join(p.read_text(encoding="utf-8") for p in paths)
    found = re.findall(r"(?:Contradiction|_find|_tell|Finding)\(\s*\"([a-z-]+)\"", text)
    return set(found) | set(re.findall(r"_finding\(index, \"([a-z-]+)\"", text))


@pytest.mark.parametrize("area", ["monitor", "provenance/contradictions"])
def test_every_finding_has_its_line(area: str) -> None:
    """A kind of finding that the page does not explain fails."""
    wanted = kinds(*sorted((SOURCES / area).glob("*.py")))
    assert len(wanted) > 10
    assert sorted(kind for kind in wanted if f"`{kind}`" not in PAGE) == []


def test_every_finding_of_fsck_has_its_line() -> None:
    """The same for the check of a log's files."""
    page = (DOCS / "fsck.md").read_text(encoding="utf-8")
    text = "".join(p.read_text(encoding="utf-8") for p in sorted((SOURCES / "log").glob("fsck*.py")))
    wanted = set(re.findall(r"Finding\([\w.]+, \"([a-z-]+)\"", text)) | {"missing", "not-last-signed"}
    assert wanted >= {"leftover", "mismatch", "gave-up"}
    assert sorted(kind for kind in wanted if f"`{kind}`" not in page) == []


def test_every_metric_has_its_line() -> None:
    """A number that is served and not explained fails."""
    text = (SOURCES / "monitor/metrics.py").read_text(encoding="utf-8")
    named = set(re.findall(r"\"((?:log|entries|well|last|checkpoint|round|witness)[a-z_]*)\":", text))
    assert len(named) > 8
    assert sorted(name for name in named if f"_{name}" not in PAGE) == []
