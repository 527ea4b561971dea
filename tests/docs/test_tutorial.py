"""The tutorial's lines run as written, on the real file."""

import gzip
from pathlib import Path

import pytest
from console import run_document

from shared_data import real

ROOT = Path(__file__).parents[2]


@pytest.mark.data
def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    """From `veracity init` to `veracity audit` every command prints what the tutorial shows."""
    packed = real("uci_air_quality_italy_raw", "AirQualityUCI.csv.gz")
    (tmp_path / "AirQualityUCI.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    assert run_document(ROOT / "docs" / "tutorial.md", tmp_path) >= 15
