"""``veracity table compact``: what is said, before and after, and that nothing is done in a dry run."""

import json
from pathlib import Path

import pytest

from run_cli import Here
from small_city import clock, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A city with nine batches."""
    root = new_city(tmp_path / "city")
    files = [ndjson(tmp_path / f"{i}.ndjson", i * 20, 20) for i in range(9)]
    with open_writer(root, clock) as home:
        ingest(home, "rain", files)
    return root


def test_a_dry_run_says_what_is_done_then(here: Here, city: Path) -> None:
    """First the plan, then the deed, with the same numbers; then there is nothing to do."""
    command = ("table", "compact", "rain", "--older-than", "0s", "--home", city)
    assert "would be 9 files into 1" in here(*command, "--dry-run").out
    assert here(*command).out.splitlines() == [
        "rain: 9 files",
        "rewritten  9 files into 1 (153 rows)",
        "deleted    0 replaced files",
    ]
    done = here(*command, "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert (said["feed"], said["n_files"], said["n_replaced"], said["dry_run"]) == ("rain", 1, 0, False)
    assert here("audit", "--home", city).code == 0


@pytest.mark.parametrize("age", ["1", "h", "-1h", "1w", "1.5h", "1234567s", "٣h", ""])
def test_an_age_is_a_number_and_a_unit(here: Here, city: Path, age: str) -> None:
    """Anything else is a wrong command line."""
    done = here("table", "compact", "rain", f"--older-than={age}", "--home", city)
    assert done.code == 2
    assert "want a number and s, m, h or d" in done.err


def test_no_such_feed(here: Here, city: Path) -> None:
    """A feed that is not there is an error of ours, with the feeds that are."""
    for more in ((), ("--dry-run",)):
        assert (
            "want one of the feeds added (rain)"
            in here("table", "compact", "snow", "--home", city, *more).err
        )
