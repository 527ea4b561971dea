"""A private key is never lost or half moved, whenever the process is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from small_city import AGENCY, clock, key, new_city
from veracity.home.enrolments import add_agency, rotate_operator
from veracity.home.home import open_writer
from veracity.log.errors import StoreUnavailable
from veracity.provenance.keys import SigningKey


def test_killed_at_every_call(tmp_path: Path) -> None:
    """Encrypting and moving a key, killed at each system call: the key opens, and doing it again ends it."""
    script = Path(__file__).with_name("kill_key_tasks.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    kills = dict(line.split(": ") for line in done.stdout.splitlines())
    assert len(kills) == 6
    assert all(int(n) >= 8 for n in kills.values()), kills


class Stop(Exception):
    """The power goes."""


@pytest.mark.parametrize("when", ["before the log has it", "after the log has it", "between the files"])
def test_a_rotation_of_the_operator_is_finished(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off before, after, or while the files change places: the next to open has the right key."""
    root = new_city(tmp_path / "city")
    keys = root / "keys"
    replace = Path.replace
    with open_writer(root, clock) as home:
        append = home.append

        def broken(entry: bytes) -> int:
            if when == "before the log has it":
                raise Stop
            append(entry)
            if when == "after the log has it":
                raise Stop
            monkeypatch.setattr(Path, "replace", first_only)
            return home.log.size - 1

        def first_only(path: Path, target: Path) -> Path:
            replace(path, target)
            raise Stop

        monkeypatch.setattr(home, "append", broken)
        with pytest.raises(Stop):
            rotate_operator(home)
    monkeypatch.undo()
    assert (keys / "operator.pem").exists() == (when != "between the files")
    with open_writer(root, clock) as home:
        is_new = when != "before the log has it"
        assert (home.operator.public != key("operator").public) == is_new
        assert home.agencies().active("operator")[-1].key == home.operator.public
        add_agency(home, "second", key("second").public)
    assert len(list(keys.glob("operator*.pem"))) == (1 if is_new else 2)
    assert [p.name for p in keys.glob("ended/*")] == (
        [f"operator-{key('operator').public.keyid[:8]}.pem"] if is_new else []
    )


def test_a_key_that_may_be_in_the_log_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed append may have gone in: the key's file stays. Of one that was refused none is made."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:

        def fails(entry: bytes) -> int:
            raise StoreUnavailable(f"write: input/output error after {len(entry)} bytes")

        monkeypatch.setattr(home, "append", fails)
        with pytest.raises(StoreUnavailable):
            add_agency(home, "second")
        (path,) = (root / "keys" / "agencies").iterdir()
        assert SigningKey.from_pem(path.read_bytes())
        before = sorted(root.rglob("*.pem"))
        with pytest.raises(Exception, match="operator"):
            add_agency(home, "operator")
        with pytest.raises(Exception, match="want a new name"):
            add_agency(home, AGENCY)
        assert sorted(root.rglob("*.pem")) == before
