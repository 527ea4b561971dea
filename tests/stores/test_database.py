"""The database of a city, and the state of its logs in it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from veracity.log.append import Log
from veracity.log.doors import LastSigned, StoreUnavailable
from veracity.log.errors import LogMoved
from veracity.log.fsck import fsck
from veracity.log.merkle import leaf_hash
from veracity.log.notes import Signer
from veracity.stores import log_state
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects

SIGNER = Signer("example.org/city", bytes(range(32)))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "city.db") as opened:
        yield opened


def test_the_settings_that_make_it_durable(database: Database) -> None:
    """Write-ahead log, full sync, foreign keys: on for every connection."""
    with database.reading() as connection:
        values = [
            connection.execute(text(f"PRAGMA {p}")).scalar_one() for p in ("journal_mode", "synchronous")
        ]
        assert values == ["wal", 2]
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_an_error_rolls_back(database: Database) -> None:
    """What a failed transaction wrote is gone."""

    def fail() -> None:
        with database.writing() as connection:
            connection.execute(
                text("INSERT INTO log_checkpoint (origin, note, pending, n_merged) VALUES ('o', 'n', '', 0)")
            )
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert SqlLogState(database).last("o") is None


def test_a_locked_database_is_unavailable(tmp_path: Path) -> None:
    """A second writer waits its time, then gets one line of ours; readers go on."""
    path = tmp_path / "city.db"
    with Database(path) as first, Database(path, busy_timeout_s=0.05) as second, first.writing():
        with pytest.raises(StoreUnavailable, match="locked") as caught, second.writing():
            pass
        assert "\n" not in str(caught.value)
        assert SqlLogState(second).last("o") is None


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Another file, or a folder that is not there, is one line of ours."""
    (tmp_path / "x.db").write_bytes(b"not a database, not at all" * 100)
    for path in (tmp_path / "x.db", tmp_path / "absent" / "y.db"):
        with pytest.raises(StoreUnavailable) as caught:
            Database(path)
        assert "\n" not in str(caught.value)


def test_a_full_disk_is_unavailable(database: Database) -> None:
    """When the file may not grow, the swap fails as a whole."""
    state = SqlLogState(database)
    assert state.compare_and_swap("o", None, b"1", [], b"")
    with database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StoreUnavailable, match="full"):
        state.compare_and_swap("o", b"1", b"2", [(b"h", 0)], bytes(10**6))
    assert state.last("o") == LastSigned(b"1", None, b"")
    assert state.find("o", [b"h"]) == {}


def test_the_swap_compares(database: Database) -> None:
    """Only who knows the present note may replace it; each origin has its own."""
    state = SqlLogState(database)
    assert not state.compare_and_swap("o", b"0", b"1", [], b"")
    assert state.compare_and_swap("o", None, b"1", [(b"a", 0)], b"p")
    assert not state.compare_and_swap("o", None, b"2", [(b"b", 1)], b"")
    assert not state.compare_and_swap("o", b"2", b"3", [(b"b", 1)], b"")
    assert state.last("o") == LastSigned(b"1", None, b"p")
    assert state.compare_and_swap("o", b"1", b"2", [(b"b", 1)], b"q")
    assert state.last("o") == LastSigned(b"2", b"1", b"q")
    assert state.compare_and_swap("other", None, b"1", [(b"a", 7)], b"")
    assert state.find("o", [b"a", b"b", b"c"]) == {b"a": 0, b"b": 1}
    assert state.find("other", [b"a", b"b"]) == {b"a": 7}
    assert state.find("third", [b"a"]) == {}


def test_an_index_that_knows_a_new_entry_stops_the_swap(database: Database) -> None:
    """An index out of step with its checkpoint is an error of ours, and nothing is swapped."""
    state = SqlLogState(database)
    assert state.compare_and_swap("o", None, b"1", [(b"a", 0)], b"")
    with pytest.raises(StoreUnavailable):
        state.compare_and_swap("o", b"1", b"2", [(b"a", 1)], b"")
    assert state.last("o") == LastSigned(b"1", None, b"")


def test_many_entries_are_found(database: Database) -> None:
    """More hashes than one statement takes are all looked up."""
    state = SqlLogState(database)
    rows = [(leaf_hash(b"%d" % i), i) for i in range(9000)]
    assert state.compare_and_swap("o", None, b"1", rows, b"")
    assert state.find("o", [leaf for leaf, _ in rows]) == dict(rows)


def test_entries_are_found_before_and_after_they_move(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index gathers new entries and moves them in passes; each is found at any time."""
    monkeypatch.setattr(log_state, "_MERGE_AT", 10)
    state = SqlLogState(database)
    note: bytes | None = None
    rows: list[tuple[bytes, int]] = []
    for step in range(12):
        new = [(leaf_hash(b"%d" % i), i) for i in range(len(rows), len(rows) + 4)]
        assert state.compare_and_swap("o", note, b"%d" % step, new, b"")
        note = b"%d" % step
        rows += new
        assert state.find("o", [leaf for leaf, _ in rows]) == dict(rows)
    with database.reading() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - fixed names
            for table in ("log_entry", "log_entry_new")
        ]
    assert counts == [48, 0]


def test_a_log_on_disk(tmp_path: Path) -> None:
    """A log in a directory and a database file is found again by another process's handles."""
    for start in (0, 300, 600):
        with Database(tmp_path / "city.db") as database:
            log = Log.open(LocalObjects(tmp_path / "log"), SqlLogState(database), SIGNER)
            entries = [b"%d" % i for i in range(start + 300)]
            assert log.append(entries) == list(range(start + 300))
    reading = LocalObjects(tmp_path / "log", read_only=True)
    assert fsck(reading, SIGNER.verifier).findings == ()


def test_two_writers_on_disk(tmp_path: Path) -> None:
    """Two handles on one log: the one that signs second signs nothing."""
    path = tmp_path / "city.db"
    with Database(path) as one, Database(path) as two:
        objects = LocalObjects(tmp_path / "log")
        first, second = (Log.open(objects, SqlLogState(db), SIGNER) for db in (one, two))
        first.append([b"a"])
        with pytest.raises(LogMoved):
            second.append([b"b"])
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM log_entry_new").fetchone() == (1,)
    connection.close()
    assert fsck(objects, SIGNER.verifier).findings == ()
