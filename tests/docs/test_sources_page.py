"""docs/sources.md runs as written."""

from pathlib import Path

from console import run_document

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """From an empty list to a source taken off it, every command does what is shown."""
    assert run_document(PAGE, tmp_path) >= 9
