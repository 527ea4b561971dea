"""A PostgreSQL database for the state of logs and for homes, through SQLAlchemy Core and psycopg.

Transactions that write take a row's lock and see what is committed; those that read see one state.
Every wait is bounded: to connect, for a lock, for a statement, for a transaction left open.

Once the lock of the one writer is taken (see ``session_lock``), every transaction that writes runs in
the session that holds it. So a writer that has lost the lock cannot commit anything any more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, MetaData, Table, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from veracity.log.errors import StoreUnavailable
from veracity.stores.database import METADATA
from veracity.stores.errors import BadLocation, LockLost
from veracity.stores.session_lock import SessionLock
from veracity.stores.sql import SqlDatabase

_CONNECT_S, _STATEMENT_S, _IDLE_S = 10, 60, 60
_MAKE_TABLES = 0x7665_7261_6369_7479  # one at a time; the number is the word "veracity"
_PREPARE = """
SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false),
  set_config('idle_in_transaction_session_timeout', %s, false),
  set_config('synchronous_commit', CASE current_setting('synchronous_commit')
    WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
  current_setting('fsync')
"""


class _Driver(Protocol):
    """What we use of a connection of psycopg."""

    autocommit: bool

    def execute(self, query: str, parameters: Sequence[object]) -> Any:
        """Run one statement."""


class PostgresDatabase(SqlDatabase):
    """A database at a URL, its tables made if they are not there.

    Parameters
    ----------
    url
        ``postgresql://user@host/database``; what is left out comes from the standard ``PG*``
        variables, the password best from ``PGPASSWORD`` or a password file. It appears in no message.
    tables
        The tables to make; None for all of ``metadata``.
    lock_timeout_s
        How long to wait for another writer before StoreUnavailable.
    read_only
        Never write; connect only when asked.

    Raises
    ------
    BadLocation
        If the URL is none.
    StoreUnavailable
        If psycopg is not installed, or the server is out of reach or runs with ``fsync`` off: what
        such a server says is stored may be gone after a crash.
    """

    def __init__(
        self,
        url: str,
        *,
        metadata: MetaData = METADATA,
        tables: Sequence[Table] | None = None,
        lock_timeout_s: float = 10.0,
        read_only: bool = False,
    ) -> None:
        parsed = _parse(url)
        engine = _engine(parsed)
        super().__init__(
            f"{parsed.host or 'local'}/{parsed.database}",
            engine,
            engine.execution_options(isolation_level="READ COMMITTED"),
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
            parsed.password,
        )
        self._lock: SessionLock | None = None
        waits = [f"{int(s * 1000)}ms" for s in (lock_timeout_s, _STATEMENT_S, _IDLE_S)]

        @event.listens_for(self.engine, "connect")
        def prepare(connection: _Driver, _record: object) -> None:
            connection.autocommit = True
            fsync = connection.execute(_PREPARE, waits).fetchone()[-1]
            connection.autocommit = False
            if fsync != "on":
                raise StoreUnavailable(f"database {self.name}: want a server with fsync on, got {fsync}")

        if not read_only:
            try:
                with self.writing() as connection:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKE_TABLES})
                    metadata.create_all(connection, tables=tables)
            except StoreUnavailable:
                self.close()
                raise

    def take_lock(self, wait_s: float | None = None, *, passes_on: bool = False) -> str | None:
        """Take the lock of the one writer; see ``SqlDatabase``."""
        with super()._translated():
            lock = SessionLock(self._writer.connect())
            try:
                holder = lock.take(wait_s, passes_on=passes_on)
            except BaseException:
                lock.close()
                raise
        if holder is None:
            self._lock = lock
        else:
            lock.close()
        return holder

    def is_wanted(self) -> bool:
        """Tell whether another session waits for the lock."""
        with self._translated():
            return self._lock is not None and self._lock.is_wanted()

    def check_lock(self) -> None:
        """Raise ``LockLost`` unless the lock, if one was taken, is still ours."""
        if self._lock is not None:
            with self.writing() as connection:
                connection.execute(text("SELECT 1"))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes; see ``SqlDatabase``.

        Raises
        ------
        LockLost
            If the lock was taken and its session has ended.
        """
        if self._lock is None:
            with super().writing() as connection:
                yield connection
            return
        with self._translated(), self._lock.transaction() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with super()._translated():
                yield
        except LockLost:
            raise
        except StoreUnavailable as exc:
            if self._lock is not None and self._lock.is_lost:
                raise LockLost(f"lock: want the session that holds it, got none any more: {exc}") from exc
            raise

    def close(self) -> None:
        """Close every connection; the lock goes with its own."""
        if self._lock is not None:
            self._lock.close()
        super().close()


def has_password(url: str) -> bool:
    """Say whether a URL carries a password, which then is wherever the URL is."""
    parsed = _parse(url)
    return parsed.password is not None or "password" in parsed.query


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in ("postgresql", "postgres") or not parsed.database:
        raise BadLocation("location: want postgresql://user@host/database, got something else")
    return parsed.set(drivername="postgresql+psycopg")


def _engine(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=2,
            pool_pre_ping=True,  # a server that was restarted is found again
            pool_timeout=_CONNECT_S,
            hide_parameters=True,
            connect_args={
                "connect_timeout": _CONNECT_S,
                "tcp_user_timeout": _STATEMENT_S * 1000,
                "keepalives_idle": 30,
                "client_encoding": "utf8",
                "application_name": "veracity",
            },
        )
    except ModuleNotFoundError as exc:
        raise StoreUnavailable(
            "database: want the driver of PostgreSQL, got none: install veracity[postgres]"
        ) from exc
