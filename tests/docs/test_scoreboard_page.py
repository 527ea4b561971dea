"""docs/scoreboard.md runs as written."""

from pathlib import Path

from console import run_document

PAGE = Path(__file__).parents[2] / "docs" / "scoreboard.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """From the first run of an app to a scoreboard that somebody cut, every command does what is shown."""
    assert run_document(PAGE, tmp_path) >= 15
