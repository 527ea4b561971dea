"""The lock of a database that machines share: one session has it, in the order of coming, until it ends."""

from pathlib import Path
from threading import Thread

import psycopg
import pytest
from sqlalchemy import insert, text

from servers import PostgresServer
from shared_city import cut_off
from veracity.log.doors import StoreUnavailable
from veracity.stores.database import Database
from veracity.stores.errors import LockLost
from veracity.stores.log_state import CHECKPOINTS, SqlLogState
from veracity.stores.postgres import PostgresDatabase

TABLES = (CHECKPOINTS,)


def test_one_session_has_it(postgres: str) -> None:
    """The second is told who has it, at once or after its wait; it is free when its holder closes."""
    with PostgresDatabase(postgres, tables=TABLES) as one, PostgresDatabase(postgres, tables=TABLES) as two:
        assert one.take_lock() is None
        one.check_lock()
        for wait_s in (None, 0.0, 0.1):
            holder = two.take_lock(wait_s)
            assert holder is not None
            assert holder.startswith("veracity ")
        assert not one.is_wanted()
        one.close()
        assert two.take_lock() is None


def test_another_database_of_the_server_has_another(postgres: str, postgres_server: PostgresServer) -> None:
    """Cities in two databases of one server are not in each other's way, nor is anybody who waits there."""
    url = postgres_server.fresh()
    try:
        with PostgresDatabase(postgres, tables=TABLES) as one, PostgresDatabase(url, tables=TABLES) as two:
            assert one.take_lock() is None
            assert two.take_lock() is None
            with PostgresDatabase(url, tables=TABLES) as three:
                waiting = Thread(target=three.take_lock, args=(30,))
                waiting.start()
                while not two.is_wanted():
                    pass
                assert not one.is_wanted()
                two.close()
                waiting.join()
    finally:
        postgres_server.drop(url)


def test_what_it_writes_is_in_its_session(postgres: str) -> None:
    """Every transaction that writes runs in the session of the lock; those that read do not."""
    with PostgresDatabase(postgres, tables=TABLES) as database:
        assert database.take_lock() is None
        with database.writing() as connection:
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            assert connection.execute(text(locks)).scalar_one() == 1
        with database.reading() as connection:
            assert connection.execute(text(locks)).scalar_one() == 0
        assert SqlLogState(database).compare_and_swap("o", None, b"1", b"")


def test_a_transaction_that_fails_keeps_it(postgres: str) -> None:
    """An error of a statement rolls back what was begun; the lock stays."""
    with PostgresDatabase(postgres, tables=TABLES) as database:
        assert database.take_lock() is None
        with pytest.raises(StoreUnavailable), database.writing() as connection:
            connection.execute(text("SELECT 1 / 0"))
        database.check_lock()
        assert SqlLogState(database).compare_and_swap("o", None, b"1", b"")


def test_what_was_begun_in_a_session_that_ended_is_not_there(postgres: str) -> None:
    """A session that ends within a transaction takes it along; nothing is written after that."""
    with PostgresDatabase(postgres, tables=TABLES) as database:
        assert database.take_lock() is None
        state = SqlLogState(database)
        with pytest.raises(LockLost):
            begin_and_lose(database, postgres)
        with pytest.raises(LockLost):
            state.compare_and_swap("o", None, b"1", b"")
        with pytest.raises(LockLost):
            database.check_lock()
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT count(*) FROM log_checkpoint").fetchone() == (0,)


def test_a_database_of_one_machine_needs_none(tmp_path: Path) -> None:
    """SQLite has no such lock: the directory's is enough."""
    with Database(tmp_path / "a.db") as database:
        assert database.take_lock() is None
        assert not database.is_wanted()
        database.check_lock()


def begin_and_lose(database: PostgresDatabase, postgres: str) -> None:
    """Write a row and lose the session before the transaction ends."""
    row = {"log": 1, "origin": "o", "note": b"1", "pending": b""}
    with database.writing() as connection:
        connection.execute(insert(CHECKPOINTS), row)
        cut_off(postgres)
