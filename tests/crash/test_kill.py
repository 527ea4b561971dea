"""A real process taking a file in is killed, interrupted or runs out of disk; then it goes on.

What it leaves is compared with an undisturbed run: the log's files to the byte, the rows in
order, evidence, quarantine, index.
"""

import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from run_cli import Done, is_one_line, run, start
from small_city import AGENCY, clock, differences, key_file, ndjson, new_city, parquet, whole_state
from veracity.home.audit import audit
from veracity.home.decisions import read_decisions
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.log.fsck import fsck

State = dict[str, object]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with rules that look back, a key, and two files: 40 batches of text, then 8 of columns."""
    folder = tmp_path_factory.mktemp("base")
    rules = ("{rule: rate, maximum: 2, per: 10 min}", "{rule: stuck, readings: 3}", "{rule: spike}")
    new_city(folder / "city", signature="required", rules=rules)
    key_file(folder)
    ndjson(folder / "a.ndjson", 0, 40 * 64)
    parquet(folder / "b.parquet", 40 * 64, 8 * 64)
    return folder


def taking(base: Path, root: Path, *more: str) -> list[str | Path]:
    files = [base / "a.ndjson", base / "b.parquet"]
    signed = ["--sign", str(base / f"{AGENCY}.pem"), "--batch", "64"]
    return ["ingest", "rain", *files, *signed, "--home", root, *more]


@pytest.fixture(scope="module")
def undisturbed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> State:
    """The state after a run that nothing disturbs."""
    root = Path(shutil.copytree(base / "city", tmp_path_factory.mktemp("undisturbed") / "city"))
    done = run(*taking(base, root))
    assert (done.code, done.err) == (0, "")
    return whole_state(root)


def check(root: Path, want: State, *, was_killed: bool) -> None:
    """The city is as undisturbed, its log sound and its tables as the log says."""
    assert differences(whole_state(root, was_killed=was_killed), want) == []
    home = Home.open(root, clock)
    try:
        assert fsck(home.log_objects, home.log_verifier).findings == ()
        assert audit(home).findings == []
    finally:
        home.close()


def at_work(process: subprocess.Popen[str], root: Path) -> None:
    """Wait until the process holds the home's lock."""
    for _ in range(3000):
        lock = root / "lock"
        if lock.exists() and lock.read_text() == f"{process.pid}\n":
            return
        if process.poll() is not None:
            return
        time.sleep(0.01)
    pytest.fail("the process did not take the lock")


def stop(process: subprocess.Popen[str], number: signal.Signals) -> Done:
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)


@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again(base: Path, undisturbed: State, tmp_path: Path, seed: int) -> None:
    """Killed at random points, up to four times, then resumed: everything is as in one quiet run."""
    rng = np.random.default_rng(seed)
    root = Path(shutil.copytree(base / "city", tmp_path / "city"))
    n_killed = 0
    for _ in range(4):
        process = start(*taking(base, root, "--resume"))
        at_work(process, root)
        time.sleep(rng.uniform(0.0, 0.5))
        done = stop(process, signal.SIGKILL)
        n_killed += done.code == -signal.SIGKILL
    assert n_killed > 0
    done = run(*taking(base, root, "--resume"))
    assert (done.code, done.err) == (0, "")
    check(root, undisturbed, was_killed=True)
    done = run(*taking(base, root, "--resume"))
    assert done.code == 0
    assert done.out.count("already sealed") == 2


@pytest.mark.parametrize("n_signals", [1, 2])
def test_interrupted(base: Path, undisturbed: State, tmp_path: Path, n_signals: int) -> None:
    """Ctrl-C stops after the batch at hand, twice at once; exit 130, one line, and resume finishes."""
    root = Path(shutil.copytree(base / "city", tmp_path / "city"))
    process = start(*taking(base, root))
    at_work(process, root)
    time.sleep(0.25)
    if n_signals == 2:
        process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    done = stop(process, signal.SIGINT)
    assert done.code == 130, done
    assert done.err.strip() == "veracity: stopped; what was reported is sealed"
    home = Home.open(root, clock)
    n_batches = len(home.index.batches("rain"))
    assert fsck(home.log_objects, home.log_verifier).is_sound
    home.close()
    assert n_batches < 48
    done = run(*taking(base, root))
    if n_batches:
        assert done.code == 1
        assert "want --resume" in done.err
    assert run(*taking(base, root, "--resume")).code == 0
    check(root, undisturbed, was_killed=False)


def limit(n_bytes: int) -> Any:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


@pytest.mark.parametrize("n_bytes", [3, 1_500, 70_000])
def test_no_file_may_grow(base: Path, undisturbed: State, tmp_path: Path, n_bytes: int) -> None:
    """Where no file may be larger than a limit, one line and exit 4; without the limit, resume finishes."""
    root = Path(shutil.copytree(base / "city", tmp_path / "city"))
    done = run(*taking(base, root), before=limit(n_bytes))
    assert (done.code, is_one_line(done)) == (4, True), done
    assert run(*taking(base, root, "--resume")).code == 0
    check(root, undisturbed, was_killed=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MB, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)], capture_output=True)
    if made.returncode != 0:
        pytest.skip("mounting takes rights that are not here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk(base: Path, undisturbed: State, small_disk: Path) -> None:
    """With more and more room on a full disk: one line and exit 4 each time, until there is enough."""
    root = Path(shutil.copytree(base / "city", small_disk / "city"))
    filler = small_disk / "filler"
    n_failed = 0
    for free_kb in (0, 12, 60, 200, 600, 30_000):
        filler.unlink(missing_ok=True)
        free = shutil.disk_usage(small_disk).free - free_kb * 1024
        filler.write_bytes(bytes(max(0, free)))
        done = run(*taking(base, root, "--resume"))
        if done.code == 0:
            break
        n_failed += 1
        assert (done.code, is_one_line(done)) == (4, True), done
    assert n_failed >= 4
    assert done.code == 0
    check(root, undisturbed, was_killed=False)


def test_init_on_a_full_disk(small_disk: Path) -> None:
    """A home that could not be made leaves nothing that looks like one; with room, the same call works."""
    filler = small_disk / "filler"
    for free_kb in (8, 40, 90):
        filler.unlink(missing_ok=True)
        free = shutil.disk_usage(small_disk).free - free_kb * 1024
        filler.write_bytes(bytes(free))
        done = run("init", small_disk / "city", "--origin", "a.example/b")
        assert (done.code, is_one_line(done)) == (4, True), done
        left = [p.name for p in (small_disk / "city").rglob("*")] if (small_disk / "city").exists() else []
        assert left in ([], ["lock"])
    filler.unlink()
    assert run("init", small_disk / "city", "--origin", "a.example/b").code == 0


@pytest.mark.parametrize("verb", ["release", "reject"])
def test_a_decision_killed_at_any_time(tmp_path: Path, verb: str) -> None:
    """Killed at random points, a decision is there whole or not at all, and said again it is there once."""
    base = new_city(tmp_path / "base")
    with open_writer(base, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 400)], records_per_part=64)

    def command(root: Path) -> list[str | Path]:
        waive = ["--waive", "range:rain"] if verb == "release" else []
        who = ["--by", "Nguyễn Thị An", "--reason", "checked on site"]
        return ["quarantine", verb, "rain", "--all", *waive, *who, "--home", root]

    quiet = Path(shutil.copytree(base, tmp_path / "quiet"))
    assert run(*command(quiet)).code == 0
    want = whole_state(quiet)
    rng = np.random.default_rng(5)
    n_killed = 0
    for _ in range(6):
        root = tmp_path / "city"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(base, root)
        process = start(*command(root))
        at_work(process, root)
        time.sleep(rng.uniform(0.0, 0.25))
        n_killed += stop(process, signal.SIGKILL).code == -signal.SIGKILL
        again = run(*command(root))
        assert again.code == 0 or "nobody decided on" in again.err, again
        check(root, want, was_killed=True)
        opened = Home.open(root, clock)
        assert len(read_decisions(opened, "rain").said) == 1
        opened.close()
    assert n_killed > 0
