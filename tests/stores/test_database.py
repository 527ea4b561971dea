"""The database of a city, and the state of its logs in it."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from veracity.log.append import Log
from veracity.log.doors import LastSigned, StoreUnavailable
from veracity.log.errors import LogMoved
from veracity.log.fsck import fsck
from veracity.log.notes import Signer
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
                text("INSERT INTO log_checkpoint (origin, note, pending) VALUES ('o', 'n', '')")
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
    assert state.compare_and_swap("o", None, b"1", b"")
    with database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StoreUnavailable, match="full"):
        state.compare_and_swap("o", b"1", b"2", bytes(10**6))
    assert state.last("o") == LastSigned(b"1", None, b"")


def test_the_swap_compares(database: Database) -> None:
    """Only who knows the present note may replace it; each origin has its own."""
    state = SqlLogState(database)
    assert not state.compare_and_swap("o", b"0", b"1", b"")
    assert state.compare_and_swap("o", None, b"1", b"p")
    assert not state.compare_and_swap("o", None, b"2", b"")
    assert not state.compare_and_swap("o", b"2", b"3", b"")
    assert state.last("o") == LastSigned(b"1", None, b"p")
    assert state.compare_and_swap("o", b"1", b"2", b"q")
    assert state.last("o") == LastSigned(b"2", b"1", b"q")
    assert state.compare_and_swap("other", None, b"1", b"")
    assert state.last("other") == LastSigned(b"1", None, b"")
    assert state.last("third") is None


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
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_no_room_is_told_of(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while there is no room says so and where; with room it is SQLite's alone."""
    told = []
    for free in (10**9, 4096):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        with pytest.raises(StoreUnavailable) as caught, database.reading() as connection:
            connection.execute(text("SELECT a FROM nowhere"))
        told.append(str(caught.value))
    assert told == [
        "database city.db: no such table: nowhere",
        f"database city.db: no such table: nowhere; no room is left in {database.path.parent}",
    ]
