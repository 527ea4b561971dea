"""docs/exports.md runs as written, the public tools included."""

from pathlib import Path

from console import run_document

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """Each export verifies with the tool that the page names."""
    assert run_document(PAGE, tmp_path) >= 15
