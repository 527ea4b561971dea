"""A city that may only be read, as an auditor gets it: a copy, another user, nothing written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import veracity
from small_city import AGENCY, clock, key, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest

# Root may write everywhere: it gives that up first, and then is a user like others.
RUN = """
import ctypes, os
if os.getuid() == 0:
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset(header, none):
        raise SystemExit(99)
from veracity.cli.main import main
main()
"""


def frozen(root: Path) -> Path:
    """Take away every right to write, and to the keys every right."""
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in sorted((root / "keys").rglob("*"), reverse=True):
        path.chmod(0)
    (root / "keys").chmod(0)
    return root


def state(root: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(root.rglob("*"))}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A frozen copy of a small city."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 200)], sign=key(AGENCY), records_per_part=64)
    return frozen(Path(shutil.copytree(root, tmp_path / "copy")))


@pytest.mark.parametrize("command", [["audit"], ["log", "fsck"], ["log", "show"], ["feed", "ls"]])
def test_a_read_only_copy_is_audited_by_another_user(copy: Path, command: list[str]) -> None:
    """Another user, who may not write in the home, audits it; nothing in it changes."""
    before = state(copy)
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *command, "--home", str(copy)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if ran.returncode == 99:
        pytest.skip("root cannot give up its rights here")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert state(copy) == before


def test_reading_leaves_a_home_as_it_is(tmp_path: Path) -> None:
    """Reading where writing would be possible changes no byte either, and leaves no file."""
    root = new_city(tmp_path / "city")
    before = state(root)
    city = veracity.open(root, clock)
    assert city.audit().is_clean
    assert state(root) == before
