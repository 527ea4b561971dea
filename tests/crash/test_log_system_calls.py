"""Every system call that writes a log fails once, or kills the process: nothing answered is lost.

A real process appends to a real directory and SQLite under strace. ``make test`` takes a seeded sample
of the calls, ``VERACITY_ALL_FAULTS=1`` every one.
"""

import os
import random
from pathlib import Path

import pytest
from durable_files import DurableFiles
from log_appender import tried_by
from log_invariants import check_log
from log_stores import open_stores
from system_calls import Injection, Ran, calls_on, run, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

ROUNDS = [1, 3, 254, 5]  # the third fills a bundle and a tile, and supersedes partial ones
ENTRIES = tried_by("a", ROUNDS)
FAULTS = ("error=EIO", "error=ENOSPC", "signal=SIGKILL")
IS_EVERY = os.environ.get("VERACITY_ALL_FAULTS") == "1"
N_SAMPLED = 5  #: of each fault
SYNCS = ("fsync", "fdatasync")


def stores(folder: Path) -> dict[str, object]:
    return {
        "objects": str(folder / "store"),
        "state": str(folder / "log.db"),
        "writer": "a",
        "rounds": ROUNDS,
    }


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int]]:
    """The calls that an undisturbed appender makes on its log."""
    folder = tmp_path_factory.mktemp("calls")
    ran = run(stores(folder), folder / "trace")
    assert (ran.code, ran.complaint, ran.answers.errors) == (0, "", [])
    assert len(ran.answers.indices) == sum(ROUNDS)
    return calls_on(ran, folder)


def chosen(calls: list[tuple[str, int]], fault: str) -> list[Injection]:
    """Every call; or one of each kind and a sample."""
    every = [Injection(call, at, fault) for call, at in calls]
    if IS_EVERY:
        return every
    rng = random.Random(f"{fault} 1")  # noqa: S311
    of_each = [rng.choice([i for i in every if i.call == kind]) for kind in sorted({i.call for i in every})]
    return list(dict.fromkeys([*of_each, *rng.sample(every, N_SAMPLED)]))


def hold_to_its_word(ran: Ran, folder: Path, injection: Injection) -> None:
    """After any fault: no error but ours, no signature after an error, and the log as it was answered."""
    assert "Traceback" not in ran.complaint, f"{injection}: {ran.complaint}"
    assert ran.code in (0, 4, -9, 137), injection
    for then in ran.answers.after:
        assert then == "signing-stopped", injection
    objects, state = open_stores(stores(folder))
    check_log(objects, state, ran.answers, ENTRIES)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_that_fails(calls: list[tuple[str, int]], fault: str, tmp_path: Path) -> None:
    """A write, fsync, rename, open or delete that fails or is the last: the log holds what was answered."""
    n_hit = 0
    for number, injection in enumerate(chosen(calls, fault)):
        folder = tmp_path / str(number)
        folder.mkdir()
        ran = run(stores(folder), folder / "trace", injection)
        hit = ran.hit(folder)
        if not hit:
            continue  # a count of another thread: what failed was not the log's
        n_hit += 1
        hold_to_its_word(ran, folder, injection)
        # SQLite itself does not look at what syncing its folder answers, once, as it makes the file.
        is_sqlite_folder = f"<{folder}>" in hit and injection.call == "fdatasync"
        if injection.call in SYNCS and fault != "signal=SIGKILL" and not is_sqlite_folder:
            after = ran.trace.partition("(INJECTED)")[2]  # closing SQLite syncs too, once all is answered
            assert "answered" not in after, f"{injection}: signing went on after a failed sync"
    assert n_hit >= N_SAMPLED


def at_risk(trace: str, files: DurableFiles) -> list[str]:
    """What a power cut could take at the moment of an answer."""
    found: list[str] = []
    for line in trace.splitlines():
        if files.take(line):
            found += files.at_risk()
    return found


def test_an_answer_survives_a_power_cut(tmp_path: Path) -> None:
    """Before an index is answered, every file and folder of the log that was written has been synced."""
    ran = run(stores(tmp_path), tmp_path / "trace")
    assert len(ran.answers.indices) == sum(ROUNDS)
    assert at_risk(ran.trace, DurableFiles(tmp_path / "store")) == []


@pytest.mark.parametrize("call", ["mkdir", "openat", "write", "fsync"])
def test_an_answer_after_a_crash_survives_a_power_cut(
    calls: list[tuple[str, int]], call: str, tmp_path: Path
) -> None:
    """A folder that a killed writer made, and had not synced, is synced by the next that writes there."""
    every = [Injection(kind, at, "signal=SIGKILL") for kind, at in calls if kind == call]
    rng = random.Random(call)  # noqa: S311
    for number, injection in enumerate(every if IS_EVERY else rng.sample(every, 2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        killed = run(stores(folder), folder / "first", injection)
        again = run(stores(folder), folder / "again")
        assert again.code == 0
        files = DurableFiles(folder / "store")
        assert at_risk(killed.trace + again.trace, files) == [], injection
