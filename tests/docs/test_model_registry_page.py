"""docs/model-registry.md runs as written, but for what says that it is not run."""

from pathlib import Path

from console import run_document

PAGE = Path(__file__).parents[2] / "docs" / "model-registry.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    """An engineer trains, looks, makes again and takes away, with the output shown."""
    assert run_document(PAGE, tmp_path) >= 10
