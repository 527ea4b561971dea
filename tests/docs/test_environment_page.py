"""docs/environment.md: its lines run as written."""

from pathlib import Path

from console import run_document

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """Each command prints what the page shows, on the files that the page gives."""
    assert run_document(DOCS / "environment.md", tmp_path) == 8
