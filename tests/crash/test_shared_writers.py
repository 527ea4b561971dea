"""Machines that share a city die, are cut off and take turns: one log, no batch lost or there twice."""

import hashlib
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from city_writer import STEPS, at_step
from run_cli import environment
from shared_city import check_city, cut_off, machines, shared_places
from small_city import clock, ndjson
from veracity.errors import VeracityError
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.log.doors import StoreUnavailable

__all__ = ["machines", "shared_places"]  # fixtures


@pytest.mark.parametrize("step", STEPS)
def test_another_machine_takes_over(tmp_path: Path, machines: tuple[Path, Path], step: str) -> None:
    """A machine that dies after any step of a batch holds nobody up, and nothing is lost or there twice."""
    given = ndjson(tmp_path / "a.ndjson", 0, 150)
    process = writer_process(machines[0], "killed-after", step, given)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    with open_writer(machines[1], clock, wait_s=60) as home:
        ingest(home, "rain", [given], records_per_part=64, resume=True)
    check_city(machines[1], 3)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_writer_cut_off_does_no_harm(
    tmp_path: Path, machines: tuple[Path, Path], postgres: str, step: str, after: bool
) -> None:
    """A machine that lost its lock unawares, and goes on, ends with an error and changes nothing more."""
    given = ndjson(tmp_path / "a.ndjson", 0, 150)

    def lose() -> None:
        cut_off(postgres)
        with open_writer(machines[1], clock, wait_s=60) as other:
            ingest(other, "rain", [given], records_per_part=64, resume=True)

    undo = at_step(step, lose, after=after)
    try:
        with pytest.raises(VeracityError), open_writer(machines[0], clock) as home:
            ingest(home, "rain", [given], records_per_part=64)
    finally:
        undo()
    check_city(machines[0], 3)


def test_rows_of_a_writer_cut_off_are_barred(
    tmp_path: Path, machines: tuple[Path, Path], postgres: str
) -> None:
    """Rows under way while another machine forgets their batch never reach the table."""

    def lose() -> None:
        cut_off(postgres)
        with open_writer(machines[1], clock, wait_s=60):
            pass  # forgets what was put aside, and does no batch itself

    undo = at_step("rows", lose, after=False)
    try:
        with pytest.raises(StoreUnavailable), open_writer(machines[0], clock) as home:
            ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 100)])
    finally:
        undo()
    check_city(machines[0], 0)
    with open_writer(machines[0], clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "b.ndjson", 0, 100)])
    check_city(machines[1], 1)


def test_machines_in_turns(tmp_path: Path, machines: tuple[Path, Path]) -> None:
    """Two machines that write all the time, and let each other in: one log, every file in it once."""
    files = [[ndjson(tmp_path / f"{m}-{i}.ndjson", 100 * (2 * i + m), 100) for i in range(8)] for m in (0, 1)]
    processes = [writer_process(machines[m], "in-turns", *files[m]) for m in (0, 1)]
    for process in processes:
        _, err = process.communicate(timeout=240)
        assert (process.returncode, err) == (0, "")
    check_city(machines[0], 2 * 2 * 8)
    home = Home.open(machines[0], clock)
    first = [row.file_sha256 for row in home.index.batches("rain") if row.part == 0]
    home.close()
    assert sorted(first) == sorted(digest(f) for group in files for f in group)
    is_mine = [f in {digest(file) for file in files[0]} for f in first]
    assert sum(a != b for a, b in pairwise(is_mine)) > 2


def writer_process(root: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start a machine of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "city_writer", str(root), *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
