"""The page on models: what it shows runs, and it names every estimator."""

from pathlib import Path

from console import run_document

from veracity.models.estimators import ESTIMATORS

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_page_runs(tmp_path: Path) -> None:
    """Each command of the page prints what is shown."""
    assert run_document(PAGE, tmp_path) == 2


def test_every_estimator_is_on_the_page() -> None:
    """No estimator is left out of the table."""
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in ESTIMATORS if f"| `{name}` |" not in page] == []
