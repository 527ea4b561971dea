"""The page about keys: its commands run and say what it shows."""

from pathlib import Path

from console import run_document

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_commands_of_the_page(tmp_path: Path) -> None:
    """Every command of the page that needs no token and no authority does what the page says."""
    assert run_document(PAGE, tmp_path) >= 10
