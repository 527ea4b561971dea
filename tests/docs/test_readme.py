"""The README's lines run as written."""

from pathlib import Path

from console import run_document

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_runs_as_written(tmp_path: Path) -> None:
    """Every console block of the README, but those marked as not run, does what it shows: real processes."""
    run_document(README, tmp_path, is_warm=False)
