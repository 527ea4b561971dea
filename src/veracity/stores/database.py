"""The small database of a city: SQLite, through SQLAlchemy Core.

One writer at a time, readers never wait (WAL). A commit is durable when it returns.
"""

import os
import shutil
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, MetaData, create_engine, event

from veracity.log.errors import StoreUnavailable
from veracity.stores.sql import SqlDatabase

METADATA = MetaData()  #: every table of ours; a module that declares one adds it here

_WRITES = "veracity_writes"
_ROOM_BYTES = 65_536  # SQLite needs some for its side files even to read


class Database(SqlDatabase):
    """A database file, its tables made if they are not there; or, ``read_only``, as it is.

    Parameters
    ----------
    path
        The file; its folder must be there.
    metadata
        The tables to make.
    durable
        Whether a commit waits for the disk. Only benchmarks turn it off.
    busy_timeout_s
        How long to wait for another writer before StoreUnavailable.
    read_only
        Never write; the file must be there. A copy on a medium or in a folder that this user cannot
        write is read all the same.

    Raises
    ------
    StoreUnavailable
        If the file cannot be opened or is no database.
    """

    def __init__(
        self,
        path: Path,
        *,
        metadata: MetaData = METADATA,
        durable: bool = True,
        busy_timeout_s: float = 10.0,
        read_only: bool = False,
    ) -> None:
        self.path = path
        self.metadata = metadata
        url = _reading_url(path) if read_only else URL.create("sqlite+pysqlite", database=str(path))
        engine = create_engine(url)
        super().__init__(path.name, engine, engine.execution_options(**{_WRITES: True}), engine)
        pragmas: dict[str, str | int] = {
            "busy_timeout": int(busy_timeout_s * 1000),
            "cache_size": -16_384,  # kibibytes
        }
        if read_only:
            pragmas["query_only"] = "ON"
        else:
            pragmas |= {
                "journal_mode": "WAL",
                "synchronous": "FULL" if durable else "OFF",
                "foreign_keys": "ON",
            }

        @event.listens_for(self.engine, "connect")
        def prepare(connection: SqliteConnection, _record: Any) -> None:
            connection.isolation_level = None  # transactions begin where we say, not where sqlite3 guesses
            for name, value in pragmas.items():
                # To its end: an error of making the write-ahead log comes after the answer "wal".
                connection.execute(f"PRAGMA {name} = {value}").fetchall()

        @event.listens_for(self.engine, "begin")
        def begin(connection: Connection) -> None:
            # A writer takes the lock at once: upgrading later would fail instead of waiting.
            writes = connection.get_execution_options().get(_WRITES, False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        try:
            if read_only:
                with self.reading() as connection:
                    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            else:
                with self.writing() as connection:
                    metadata.create_all(connection)
        except StoreUnavailable:
            self.close()
            raise

    def _why(self) -> str:
        """Tell of a full disk: SQLite says "disk I/O error" of it too."""
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError:
            return ""
        return f"; no room is left in {self.path.parent}" if free < _ROOM_BYTES else ""


def _reading_url(path: Path) -> URL:
    """Return the URL that opens a file for reading, wherever it lies.

    Where the folder can be written, SQLite may keep its two side files there (and takes them away
    again); the database itself is not touched. Where it cannot, nobody can be writing beside us
    unless there is a ``-wal``: without one the file is taken as it stands.
    """
    query = {"uri": "true", "mode": "rw"}
    if not os.access(path.parent, os.W_OK):
        query["mode"] = "ro"
        if not path.with_name(path.name + "-wal").exists():
            query["immutable"] = "1"
    return URL.create("sqlite+pysqlite", database=f"file:{quote(str(path))}", query=query)
