"""The gateway's SQLite file: durable at each commit, and one process at a time."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from veracity.gateway.errors import GatewayBusy, StoreFull, StoreUnusable

FILE = "gateway.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, feed TEXT NOT NULL, record BLOB NOT NULL, stored_ns INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS records_of_feed ON records (feed, seq);
CREATE TABLE IF NOT EXISTS batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, feed TEXT NOT NULL, n_records INTEGER NOT NULL,
  payload BLOB NOT NULL, made_ns INTEGER NOT NULL, sent_ns INTEGER
);
CREATE INDEX IF NOT EXISTS unsent ON batches (seq) WHERE sent_ns IS NULL;
CREATE INDEX IF NOT EXISTS sent ON batches (sent_ns) WHERE sent_ns IS NOT NULL;
CREATE TABLE IF NOT EXISTS losses (
  source TEXT NOT NULL, feed TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
  first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, PRIMARY KEY (source, feed, reason)
);
CREATE TABLE IF NOT EXISTS taken (source TEXT NOT NULL, digest BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS taken_of_source ON taken (source, digest);
CREATE TABLE IF NOT EXISTS marks (source TEXT PRIMARY KEY, mark TEXT NOT NULL);
"""


def connect(directory: Path) -> sqlite3.Connection:
    """Open the file, made if there is none. A commit is on the disk when it returns."""
    with usable(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = sqlite3.connect(directory / FILE, check_same_thread=False, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA journal_size_limit = 4194304")
        database.execute("PRAGMA cache_size = -2048")
        database.executescript(_SCHEMA)
    return database


def connect_to_read(directory: Path) -> sqlite3.Connection:
    """Open the file to look at it; StoreUnusable if there is none."""
    with usable(directory):
        return sqlite3.connect(f"{(directory / FILE).absolute().as_uri()}?mode=ro", uri=True, timeout=5)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection, directory: Path) -> Iterator[None]:
    """Write all of it or nothing."""
    with usable(directory):
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Hold the state's lock; GatewayBusy if another gateway does. The kernel drops it with its holder."""
    with usable(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise GatewayBusy(f"gateway: want {directory} for itself, got another gateway there") from exc
        yield
    finally:
        os.close(handle)


def is_held(directory: Path) -> bool:
    """Say whether a gateway runs there."""
    try:
        with alone(directory):
            return False
    except GatewayBusy:
        return True


@contextlib.contextmanager
def usable(directory: Path) -> Iterator[None]:
    """Turn what the system and SQLite say into errors of ours."""
    try:
        yield
    except sqlite3.Error as exc:
        if "full" in str(exc):
            raise StoreFull(f"gateway: want room on the disk of {directory}, got none") from exc
        raise StoreUnusable(f"gateway: want its store in {directory}, got: {exc}") from exc
    except OSError as exc:
        raise StoreUnusable(
            f"gateway: want to write {exc.filename or directory}, got {exc.strerror or exc}"
        ) from exc
