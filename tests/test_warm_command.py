"""The command that starts from a loaded process is the command: streams, codes, place and surroundings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from run_cli import COMMAND, environment
from small_city import new_city
from warm_command import warm_command


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["feed", "ls", "--home", "city"],
        ["feed", "ls"],
        ["feed", "ls", "--home", "none", "--json"],
        ["feed", "no-such-command"],
        ["feed", "add", "caf\udce9.yaml", "--home", "city"],
    ],
)
def test_it_answers_as_a_process_of_its_own(tmp_path: Path, arguments: list[str]) -> None:
    """The same exit code, and the same bytes on each stream, in a directory of its own."""
    new_city(tmp_path / "city")
    warm, real = (
        subprocess.run([*command, *arguments], capture_output=True, cwd=tmp_path, env=environment(LINES="7"))
        for command in ([str(warm_command())], COMMAND)
    )
    assert (warm.returncode, warm.stdout, warm.stderr) == (real.returncode, real.stdout, real.stderr)


def test_a_call_has_what_its_caller_has_and_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    """Environment, mask and directory are the caller's; a file it makes is as that caller would make it."""
    home = {"VERACITY_HOME": str(tmp_path / "city")}
    made = subprocess.run(
        ["bash", "-c", f"umask 077; {warm_command()} init city --origin a.example/b"], cwd=tmp_path
    )
    assert made.returncode == 0
    assert (tmp_path / "city" / "store").stat().st_mode & 0o777 == 0o700
    for surroundings, code in ((environment(**home), 0), (environment(), 3)):
        done = subprocess.run([warm_command(), "feed", "ls"], capture_output=True, cwd="/", env=surroundings)
        assert done.returncode == code, done


def test_a_reader_who_went_away_ends_it_quietly(tmp_path: Path) -> None:
    """Its streams are the caller's own, a closed one too."""
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [warm_command(), "--help"], stdout=writes, stderr=subprocess.PIPE, env=environment()
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_runs_this_package(tmp_path: Path) -> None:
    """Not another that may be installed."""
    script = "import veracity; print(veracity.__version__)"
    here = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    assert subprocess.run([warm_command(), "--version"], capture_output=True, check=True).stdout == here
