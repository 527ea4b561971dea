"""Where the real data sets are; tests that need one skip, and say so, where it is not."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("VERACITY_DATA") or Path(__file__).parents[2] / "shared" / "data")


def real(*parts: str) -> Path:
    """Return a file or folder of the real data; the test is skipped where there is none."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no real data: set VERACITY_DATA to a directory of the data sets, got no {path}")
    return path
