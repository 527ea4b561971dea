"""A city that may open too few files to answer says so at its start, in one line."""

import json
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from run_cli import is_one_line, run
from small_city import new_city

ASKED = """\
import resource, sys
from veracity.server.open_files import ensure_files
ensure_files(64)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city that is not touched."""
    return new_city(tmp_path_factory.mktemp("few") / "city")


def limited(n: int, hard: int | None = None) -> partial[None]:
    """Return what sets the limit of a process before it begins."""
    return partial(resource.setrlimit, resource.RLIMIT_NOFILE, (n, n if hard is None else hard))


@pytest.mark.parametrize("n", [16, 32, 255])
@pytest.mark.parametrize("command", ["up", "serve"])
def test_too_few_are_told_at_the_start(home: Path, command: str, n: int) -> None:
    """What is wanted and what was got, and exit 3 as for any setting that cannot be; nothing is begun."""
    places = {"up": ("--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--monitor", "127.0.0.1:0")}
    told = places.get(command, ("--port", "0"))
    before = sorted(path.name for path in home.iterdir())
    done = run(command, "--home", home, *told, before=limited(n))
    assert done.code == 3
    assert is_one_line(done), done
    assert f"open files: want a limit of 256 or more (ulimit -n), got {n}" in done.err
    assert sorted(path.name for path in home.iterdir()) == before
    as_json = run(command, "--home", home, *told, "--json", before=limited(n))
    assert (as_json.code, json.loads(as_json.out)["code"]) == (3, "too-few-files")


def test_a_city_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    """The built-in one: told before its directory is."""
    done = run("up", tmp_path / "demo", "--city", "demo", before=limited(32))
    assert done.code == 3
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(("n", "hard", "got"), [(16, 128, 64), (64, 64, 64), (100, 128, 100)])
def test_a_limit_that_may_be_raised_is(n: int, hard: int, got: int) -> None:
    """The soft limit is raised as far as is needed, never lowered; the hard one stays."""
    done = subprocess.run(
        [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, preexec_fn=limited(n, hard)
    )
    assert done.stdout.split() == [str(got), str(hard)]
