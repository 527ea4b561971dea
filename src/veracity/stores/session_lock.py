"""The lock of the one writer of a PostgreSQL database: an advisory lock, held by one session.

The server gives it to those who wait in the order in which they came, and takes it back when the
session of its holder ends, however that ends: at once where the process dies, within half a minute
where its machine or the network does.

One database is one city's, so one key is enough. The name of each session says who it is.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from veracity.stores.errors import LockLost

PATIENCE_S = 30.0  #: how long to wait for a holder that lets others in, unless told
KEY = 0x7665_7261_6369_7470  #: one below 2**63; "veracitp" in ASCII
_PASSES = " passes"
_LOCK_NOT_AVAILABLE = "55P03"
_NAME = """
SELECT set_config('application_name', :name, false), set_config('idle_session_timeout', '0', false),
  set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '25000', false)
"""
_BOUND = "SELECT set_config('lock_timeout', :wait, true), set_config('statement_timeout', '0', true)"
_IN_LINE = f"""
SELECT a.application_name, l.granted FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.objsubid = 1
  AND l.classid = {KEY >> 32} AND l.objid = {KEY & 0xFFFF_FFFF}
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY l.granted DESC
"""  # noqa: S608 - two numbers of ours


class SessionLock:
    """The lock, and the session that holds it. Safe to share between threads once taken.

    Parameters
    ----------
    connection
        Of a pool, which loses it: it ends with the lock.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._one_at_a_time = threading.RLock()
        connection.detach()

    def take(self, wait_s: float | None, *, passes_on: bool) -> str | None:
        """Take the lock; return who has it instead, or None. See ``SqlDatabase.take_lock``."""
        name = f"veracity {os.getpid()} on {socket.gethostname()}"[: 63 - len(_PASSES)]
        with self.transaction() as connection:
            connection.execute(text(_NAME), {"name": name + (_PASSES if passes_on else "")})
            taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": KEY})
            if taken.scalar_one():
                return None
        if wait_s is None:
            wait_s = PATIENCE_S if any(name.endswith(_PASSES) for name, _ in self._in_line()) else 0.0
        if wait_s > 0 and self._waited(wait_s):
            return None
        return next((name.removesuffix(_PASSES) for name, _ in self._in_line()), "another session")

    def is_wanted(self) -> bool:
        """Tell whether another session waits for the lock."""
        return any(not granted for _, granted in self._in_line())

    @property
    def is_lost(self) -> bool:
        """Whether the session has ended, as far as this process has seen."""
        return self._connection.invalidated

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction in the session that holds the lock; ``LockLost`` if it has ended."""
        with self._one_at_a_time:
            if self.is_lost:  # the library would begin another session, which holds nothing
                raise LockLost("lock: want the session that holds it, got none any more")
            with self._connection.begin():
                yield self._connection

    def close(self) -> None:
        """Give the lock back, and end the session.

        The server sees its end a little later: without the first, who comes next might still find it held.
        """
        if self._connection.closed:
            return
        with suppress(DBAPIError, LockLost), self.transaction() as connection:
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
        self._connection.close()

    def _waited(self, wait_s: float) -> bool:
        try:
            with self.transaction() as connection:
                connection.execute(text(_BOUND), {"wait": f"{max(1, int(wait_s * 1000))}ms"})
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": KEY})
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                return False
            raise
        return True

    def _in_line(self) -> list[tuple[str, bool]]:
        """Return who holds the lock and who waits for it: their names, and whether they hold it."""
        with self.transaction() as connection:
            return [(str(name), bool(granted)) for name, granted in connection.execute(text(_IN_LINE))]
