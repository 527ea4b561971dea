"""A witness's state in a database: one swap wins, whoever else writes, and it outlives the process."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import witness_worker
from run_cli import environment
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.merkle import root_from_leaf_hashes
from veracity.log.notes import parse_note
from veracity.stores.database import Database
from veracity.stores.postgres import PostgresDatabase
from veracity.stores.sql import SqlDatabase
from veracity.stores.witness_state import WITNESS_METADATA, SqlWitnessState
from witness_worker import SIGNER, leaves, race

WORKER = Path(witness_worker.__file__)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    if request.param == "sqlite":
        with Database(tmp_path / "witness.db", metadata=WITNESS_METADATA) as opened:
            yield opened
    else:
        url = request.getfixturevalue("postgres")
        with PostgresDatabase(url, metadata=WITNESS_METADATA) as opened:
            yield opened


def test_a_swap_needs_the_note_that_stands_there(database: SqlDatabase) -> None:
    """Only who knows the last note replaces it; logs do not touch each other."""
    state = SqlWitnessState(database)
    assert state.latest("a") is None
    assert not state.swap("a", b"0", b"1")
    assert state.swap("a", None, b"1")
    assert not state.swap("a", None, b"2")
    assert not state.swap("a", b"0", b"2")
    assert state.swap("a", b"1", b"2")
    assert state.swap("b", None, b"9")
    assert (state.latest("a"), state.latest("b")) == (b"2", b"9")
    assert state.all_latest() == {"a": b"2", "b": b"9"}


def test_the_state_outlives_the_process(tmp_path: Path) -> None:
    """What was swapped is there for whoever opens the file next."""
    for old, new in ((None, b"1"), (b"1", b"2")):
        with Database(tmp_path / "witness.db", metadata=WITNESS_METADATA) as opened:
            assert SqlWitnessState(opened).swap("a", old, new)
    with Database(tmp_path / "witness.db", metadata=WITNESS_METADATA, read_only=True) as opened:
        assert SqlWitnessState(opened).latest("a") == b"2"


def histories(given: list[tuple[int, str]]) -> set[str]:
    """The seeds whose history explains all that was cosigned."""
    return {
        seed
        for seed in ("left", "right")
        if all(root_from_leaf_hashes(leaves(seed, size)).hex() == root for size, root in given)
    }


def test_threads_on_one_state_get_one_history(database: SqlDatabase) -> None:
    """Four threads with two histories of one log: all that is cosigned is of one of them, and grows."""
    given: list[tuple[int, str]] = []
    threads = [
        threading.Thread(target=lambda s=seed: given.extend(race(database, s, 20)))
        for seed in ("left", "right", "left", "right")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) > 1
    assert len(histories(given)) == 1


def test_processes_on_one_state_get_one_history(tmp_path: Path) -> None:
    """Two processes with two histories of one log: all that is cosigned is of one, the last one stands."""
    path = tmp_path / "witness.db"
    with Database(path, metadata=WITNESS_METADATA):
        pass
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(path), seed, "30"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for seed in ("left", "right")
    ]
    given = []
    for worker in workers:
        out, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        given += [(int(size), root) for size, root in (line.split() for line in out.splitlines())]
    assert len(histories(given)) == 1
    with Database(path, metadata=WITNESS_METADATA, read_only=True) as opened:
        note = SqlWitnessState(opened).latest(SIGNER.name)
    assert note is not None
    last = parse_checkpoint(parse_note(note).text)
    assert (last.size, last.root.hex()) == max(given)
