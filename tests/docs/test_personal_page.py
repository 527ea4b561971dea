"""docs/personal-data.md runs as written."""

from pathlib import Path

from console import run_document

PAGE = Path(__file__).parents[2] / "docs" / "personal-data.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """From a file of persons to an erased record that still verifies, every command does what is shown."""
    assert run_document(PAGE, tmp_path) >= 20
