"""The tutorial's lines run as written, on the real file."""

import gzip
import os
from pathlib import Path

import pytest
from console import run_document

ROOT = Path(__file__).parents[2]


@pytest.mark.data
def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    """From `veracity init` to `veracity audit` every command prints what the tutorial shows."""
    root = Path(os.environ.get("VERACITY_DATA") or ROOT.parent / "shared" / "data")
    packed = root / "uci_air_quality_italy_raw" / "AirQualityUCI.csv.gz"
    if not packed.is_file():
        pytest.skip(f"no real data: set VERACITY_DATA to a directory of the data sets, got {root}")
    (tmp_path / "AirQualityUCI.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    assert run_document(ROOT / "docs" / "tutorial.md", tmp_path) >= 15
