"""Several real processes on one log: they race, one stands still and wakes up late, backups come back."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from log_appender import SIGNER, entries_of, tried_by
from log_invariants import Answers, check_log, look
from log_stores import open_stores, stores_in
from system_calls import calls_on, command, environment, paused, run, why_not

from veracity.log.append import Log
from veracity.log.doors import StoreUnavailable
from veracity.log.errors import StoreBehind
from veracity.log.reader import LogReader

needs_strace = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
N_PAUSES = 5
IS_EVERY = os.environ.get("VERACITY_ALL_FAULTS") == "1"


def flat(rounds: list[list[bytes]]) -> list[bytes]:
    return [entry for entries in rounds for entry in entries]


def started(given: dict[str, object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(given), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )


def test_writers_that_race(tmp_path: Path) -> None:
    """Three processes append to one log at once: one log, every answer holds, no size is signed twice."""
    rounds = [1, 2, 90, 1, 40, 3] * 4
    writers = ("a", "b", "c")
    open_stores(stores_in(tmp_path))  # the tables are made once
    given = [stores_in(tmp_path) | {"writer": w, "rounds": rounds, "retry": True} for w in writers]
    answers = Answers()
    processes = [started(one) for one in given]
    for process, (said, complaint) in [(p, p.communicate(timeout=300)) for p in processes]:
        answers.take(said)
        assert (process.returncode, complaint, answers.errors) == (0, "", [])
    tried = [entry for w in writers for entry in tried_by(w, rounds)]
    assert len(answers.indices) == 3 * sum(rounds)
    objects, state = open_stores(stores_in(tmp_path))
    check_log(objects, state, answers, tried)


def test_writers_killed_at_any_moment(tmp_path: Path) -> None:
    """Two processes race and are killed again and again: nothing that either was answered is lost."""
    rng = random.Random(7)  # noqa: S311
    rounds = [3, 60, 200] * 30
    answers, tried, n_killed = Answers(), [], 0
    open_stores(stores_in(tmp_path))
    for attempt in range(4):
        names = [f"{w}{attempt}" for w in "ab"]
        processes = [
            started(stores_in(tmp_path) | {"writer": w, "rounds": rounds, "retry": True}) for w in names
        ]
        time.sleep(rng.uniform(0.5, 1.0))
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            said, complaint = process.communicate()
            assert "Traceback" not in complaint, complaint
            n_killed += process.returncode == -signal.SIGKILL
            answers.take(said)
        tried += [entry for w in names for entry in tried_by(w, rounds)]
        objects, state = open_stores(stores_in(tmp_path))
        look(objects, state, answers)
    assert n_killed > 0
    check_log(objects, state, answers, tried)


def pauses(folder: Path, given: dict[str, object]) -> list[tuple[str, int]]:
    """Calls of an appender to stand still after: renames, and others; a sample, or every one."""
    calls = calls_on(run(given, folder / "trace"), folder)
    renames = [call for call in calls if call[0].startswith("rename")]
    others = [call for call in calls if call[0] in ("write", "fsync", "pwrite64")]
    if IS_EVERY:
        return renames + others
    rng = random.Random(3)  # noqa: S311
    return rng.sample(renames, N_PAUSES) + rng.sample(others, N_PAUSES)


@needs_strace
def test_a_writer_that_wakes_up(tmp_path: Path) -> None:
    """A writer stands still after any step while another goes on; awake, it signs and damages nothing."""
    rounds = [1, 3, 254, 5]
    theirs = entries_of("b", [2, 300])
    counted = tmp_path / "counted"
    counted.mkdir()
    n_overtaken = 0
    for call, at in pauses(counted, stores_in(counted) | {"writer": "a", "rounds": rounds}):
        folder = tmp_path / f"{call}-{at}"
        folder.mkdir()
        given = stores_in(folder) | {"writer": "a", "rounds": rounds}
        with paused(given, folder / "trace", call, at) as writer:
            assert writer is not None, f"{call} {at}: not reached"
            answers = Answers()
            try:
                objects, state = open_stores(stores_in(folder) | {"busy_timeout_s": 0.2})
                other = Log.open(objects, state, SIGNER)
                for entries in theirs:
                    for entry, index in zip(entries, other.append(entries), strict=True):
                        answers.answered(entry, index)
                    answers.saw(other.checkpoint)
                n_overtaken += 1
            except StoreUnavailable:
                pass  # the sleeper holds the database's lock: nobody can sign until it wakes
            code, said, complaint = writer.go_on()
        assert "Traceback" not in complaint, f"{call} {at}: {complaint}"
        assert code in (0, 4), f"{call} {at}"
        codes = {error.partition(":")[0] for error in said.errors}
        assert codes <= {"log-moved", "store-unavailable"}, f"{call} {at}: {said.errors}"
        assert set(said.after) <= {"signing-stopped"}, f"{call} {at}"
        for entry, index in said.indices.items():
            answers.answered(entry, index)
        for size, root in said.roots.items():
            assert answers.roots.setdefault(size, root) == root, f"{call} {at}: two checkpoints of {size}"
        objects, state = open_stores(stores_in(folder))
        if call.startswith("rename"):  # not in the short time in which it has looked and not yet published
            published = LogReader.open(objects, SIGNER.verifier).size
            assert published == max(answers.roots), f"{call} {at}: an older checkpoint published late"
        check_log(objects, state, answers, tried_by("a", rounds) + flat(theirs))
    assert n_overtaken >= N_PAUSES


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """A log with a backup of both its stores at 300 entries, and 300 more since."""
    objects, state = open_stores(stores_in(tmp_path))
    Log.open(objects, state, SIGNER).append(flat(entries_of("old", [300])))
    state.close()
    shutil.copytree(tmp_path / "store", tmp_path / "backup" / "store")
    shutil.copy(tmp_path / "log.db", tmp_path / "backup" / "log.db")
    objects, state = open_stores(stores_in(tmp_path))
    log = Log.open(objects, state, SIGNER)
    for entries in entries_of("new", [150, 149, 1]):
        log.append(entries)
    state.close()
    return tmp_path


def bring_back(folder: Path, name: str) -> None:
    """Put one store back from the backup."""
    here, backup = folder / name, folder / "backup" / name
    if here.is_dir():
        shutil.rmtree(here)
        shutil.copytree(backup, here)
    else:
        shutil.copy(backup, here)


def test_an_old_backup_of_the_tiles(grown: Path) -> None:
    """Tiles of a backup, the state of now: the log refuses to open, for what was signed is not there."""
    bring_back(grown, "store")
    objects, state = open_stores(stores_in(grown))
    with pytest.raises(StoreBehind):
        Log.open(objects, state, SIGNER)


def test_an_old_backup_of_the_state(grown: Path) -> None:
    """The state of a backup, the tiles of now: the log refuses to sign a second tree of an old size."""
    bring_back(grown, "log.db")
    objects, state = open_stores(stores_in(grown))
    with pytest.raises(StoreBehind, match="want the published checkpoint of size 600"):
        Log.open(objects, state, SIGNER)


def test_an_old_backup_of_both(grown: Path) -> None:
    """Both of one backup: nothing inside can tell, and a fork is signed. Who kept a checkpoint notices.

    That is what witnesses and monitors are for: the old checkpoint does not lead to the new one.
    """
    objects, _ = open_stores(stores_in(grown))
    kept = LogReader.open(objects, SIGNER.verifier).checkpoint
    bring_back(grown, "store")
    bring_back(grown, "log.db")
    objects, state = open_stores(stores_in(grown))
    log = Log.open(objects, state, SIGNER)
    log.append(flat(entries_of("fork", [400])))
    assert log.size > kept.size
    assert log.reader.root_at(kept.size) != kept.root
