"""PostgreSQL under the state of logs: every wait bounded, every fault ours, no password shown."""

import sys
from threading import Thread

import psycopg
import pytest
from log_fakes import SIGNER, memory_objects, numbered
from sqlalchemy import text

from servers import PostgresServer
from veracity.log.append import Log
from veracity.log.doors import LastSigned, StoreUnavailable
from veracity.log.fsck import fsck
from veracity.stores.errors import BadLocation
from veracity.stores.log_state import CHECKPOINTS, SqlLogState
from veracity.stores.postgres import PostgresDatabase, has_password

TABLES = (CHECKPOINTS,)


def test_the_settings_that_bound_and_secure_it(postgres: str) -> None:
    """Durable commits, bounded waits, one state to a reader, who cannot write; the tables of a log alone."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        name = postgres.rpartition("/")[2]
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    with PostgresDatabase(postgres, tables=TABLES, lock_timeout_s=1.5) as database:
        with database.writing() as connection:
            shown = [
                connection.execute(text(f"SHOW {name}")).scalar_one()
                for name in (
                    "synchronous_commit",
                    "lock_timeout",
                    "statement_timeout",
                    "idle_in_transaction_session_timeout",
                    "transaction_isolation",
                )
            ]
            assert shown == ["on", "1500ms", "1min", "1min", "read committed"]
            tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            assert sorted(tables.scalars()) == ["log_checkpoint"]
        with database.reading() as connection:
            assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
        with pytest.raises(StoreUnavailable, match="read-only"), database.reading() as connection:
            connection.execute(text("DELETE FROM log_checkpoint"))


def test_a_held_lock_is_waited_for_within_bounds(postgres: str) -> None:
    """A writer that stops in the middle holds others up for a bounded time; readers never wait."""
    with (
        PostgresDatabase(postgres, tables=TABLES) as one,
        PostgresDatabase(postgres, tables=TABLES, lock_timeout_s=0.2) as two,
    ):
        state = SqlLogState(two)
        assert state.compare_and_swap("o", None, b"1", b"")
        with one.writing() as connection:
            connection.execute(text("SELECT * FROM log_checkpoint FOR UPDATE"))
            with pytest.raises(StoreUnavailable, match="lock timeout") as caught:
                state.compare_and_swap("o", b"1", b"2", b"")
            assert "\n" not in str(caught.value)
            assert state.last("o") == LastSigned(b"1", None, b"")
        assert state.compare_and_swap("o", b"1", b"2", b"")


def test_who_waits_for_another_sees_what_it_wrote(postgres: str) -> None:
    """A swap that waited for another compares with what that one left, not with what was before."""
    with PostgresDatabase(postgres, tables=TABLES) as one, PostgresDatabase(postgres, tables=TABLES) as two:
        assert SqlLogState(one).compare_and_swap("o", None, b"1", b"")
        swapped: list[bool] = []
        waiting = Thread(
            target=lambda: swapped.append(SqlLogState(two).compare_and_swap("o", b"1", b"3", b""))
        )
        with one.writing() as connection:
            connection.execute(text("UPDATE log_checkpoint SET note = 'x2'::bytea"))
            waiting.start()
            while (
                connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one() == 0
            ):
                pass
        waiting.join()
        assert swapped == [False]
        assert SqlLogState(one).last("o") == LastSigned(b"x2", None, b"")


def test_a_server_that_crashes_is_found_again() -> None:
    """A crash is an error of ours; after it, what was answered is there and the log goes on."""
    with PostgresServer.started() as server:
        url, objects = server.fresh(), memory_objects()
        with PostgresDatabase(url, tables=TABLES) as database:
            log = Log.open(objects, SqlLogState(database), SIGNER)
            log.append(numbered(0, 300))
            server.kill()
            with pytest.raises(StoreUnavailable) as caught:
                log.append(numbered(300, 310))
            assert "\n" not in str(caught.value)
            assert server.password not in str(caught.value)
            server.restart()
            log = Log.open(objects, SqlLogState(database), SIGNER)
            assert log.append(numbered(290, 310)) == list(range(290, 310))
    assert fsck(objects, SIGNER.verifier).findings == ()


def test_faults_show_no_password(postgres_server: PostgresServer, postgres: str) -> None:
    """A wrong password, database, host or option is one line of ours without the password."""
    good = postgres_server.password
    wrong = [
        postgres.replace(good, "hunter2-wrong"),
        postgres_server.url("absent"),
        f"postgresql://u:{good}@127.0.0.1:1/db",
        f"{postgres}?no_such_option={good}",
        f"postgresql://u:{good}@127.0.0.1:port/db",
        f"mysql://u:{good}@127.0.0.1/db",
        f"postgresql://u:{good}@127.0.0.1",
    ]
    for url in wrong:
        with pytest.raises((StoreUnavailable, BadLocation)) as caught:
            PostgresDatabase(url, tables=TABLES)
        said = str(caught.value)
        assert "\n" not in said
        assert good not in said
        assert "hunter2" not in said


def test_a_server_without_fsync_is_refused(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that forgets at a crash what it called stored cannot say who may sign next."""
    monkeypatch.setattr(
        "veracity.stores.postgres._PREPARE", "SELECT 'off' WHERE '' NOT IN (%s, %s, %s)"
    )  # no test may turn off the fsync of a server that others use
    with pytest.raises(StoreUnavailable, match="fsync on, got off"):
        PostgresDatabase(postgres, tables=TABLES)


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where psycopg is not installed, the message names the extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailable, match=r"install veracity\[postgres\]"):
        PostgresDatabase("postgresql://u@127.0.0.1/db", tables=TABLES)


def test_a_password_in_an_address_is_noticed() -> None:
    """It may stand in two places."""
    assert has_password("postgresql://u:p@h/db")
    assert has_password("postgresql://u@h/db?password=p")
    assert not has_password("postgresql://u@h/db?sslmode=verify-full")
