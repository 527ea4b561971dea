"""The state of logs in a database: last signed checkpoints, and where each entry is."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from veracity.log.doors import LastSigned
from veracity.log.errors import StoreUnavailable
from veracity.stores.database import METADATA

CHECKPOINTS = Table(
    "log_checkpoint",
    METADATA,
    Column("log", Integer, primary_key=True),
    Column("origin", String, nullable=False, unique=True),
    Column("note", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
    Column("pending", LargeBinary, nullable=False),
    Column("n_merged", BigInteger, nullable=False),
)
# Where two writers begin one log at once, the second gets no row and has lost.
_BEGIN = text(
    "INSERT INTO log_checkpoint (origin, note, pending, n_merged) VALUES (:origin, :note, :pending, 0) "
    "ON CONFLICT (origin) DO NOTHING RETURNING log"
)


def _entry_table(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("leaf_hash", LargeBinary, primary_key=True),
        Column("log", ForeignKey(CHECKPOINTS.c.log), primary_key=True),
        Column("position", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


ENTRIES = _entry_table("log_entry")
_entry_table("log_entry_new")

_MERGE_AT = 65_536
_FIND_AT_ONCE = 4096  #: SQLite takes 32,766 parameters


class SqlDatabase(Protocol):
    """A database of ours, SQLite or PostgreSQL, with the tables of this module."""

    engine: Engine

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that writes; durable when it ends."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads one state of the database."""

    def close(self) -> None:
        """Close every connection."""


class _EntryIndex(Protocol):
    """Where each entry is: what the two databases do each in its own way."""

    def add(self, connection: Connection, log: int, entries: Sequence[tuple[bytes, int]]) -> None:
        """Add entries that are not there; ``IntegrityError`` if one is."""

    def find(self, connection: Connection, log: int, leaf_hashes: Sequence[bytes]) -> dict[bytes, int]:
        """Return the leaf hashes that are there, with their positions."""


class _SqliteEntries:
    """Hashes fall all over an index, so adding few to a large one rewrites a page for each.

    New ones gather in a small table and move over in one sorted pass: a page is rewritten once
    for many. Statements take plain tuples, because the handling of dictionaries by SQLAlchemy
    costs more than SQLite does.
    """

    _INSERT = "INSERT INTO log_entry_new (leaf_hash, log, position) VALUES (?, ?, ?)"
    _MERGE = (
        "INSERT INTO log_entry SELECT leaf_hash, log, position FROM log_entry_new WHERE log = ? "
        "ORDER BY leaf_hash"
    )
    _MERGED = "DELETE FROM log_entry_new WHERE log = ?"
    _FIND = "SELECT leaf_hash, position FROM {table} WHERE log = ? AND leaf_hash IN ({marks})"

    def add(self, connection: Connection, log: int, entries: Sequence[tuple[bytes, int]]) -> None:
        # Sorted, because neighbours share pages of the index.
        connection.exec_driver_sql(self._INSERT, [(leaf, log, at) for leaf, at in sorted(entries)])
        n_merged = connection.execute(
            select(CHECKPOINTS.c.n_merged).where(CHECKPOINTS.c.log == log)
        ).scalar_one()
        n_entries = max(at for _, at in entries) + 1
        if n_entries - n_merged >= _MERGE_AT:
            connection.exec_driver_sql(self._MERGE, (log,))
            connection.exec_driver_sql(self._MERGED, (log,))
            connection.execute(update(CHECKPOINTS).where(CHECKPOINTS.c.log == log).values(n_merged=n_entries))

    def find(self, connection: Connection, log: int, leaf_hashes: Sequence[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for i in range(0, len(leaf_hashes), _FIND_AT_ONCE):
            hashes = leaf_hashes[i : i + _FIND_AT_ONCE]
            for table in ("log_entry", "log_entry_new"):
                query = self._FIND.format(table=table, marks=",".join("?" * len(hashes)))
                found.update(tuple(row) for row in connection.exec_driver_sql(query, (log, *hashes)))
        return found


class _PostgresEntries:
    """One table, and whole batches as two arrays: one statement each way."""

    _INSERT = (
        "INSERT INTO log_entry (leaf_hash, log, position) "
        "SELECT leaf_hash, %s, position FROM unnest(%s::bytea[], %s::bigint[]) AS new (leaf_hash, position)"
    )
    _FIND = "SELECT leaf_hash, position FROM log_entry WHERE log = %s AND leaf_hash = ANY(%s::bytea[])"

    def add(self, connection: Connection, log: int, entries: Sequence[tuple[bytes, int]]) -> None:
        ordered = sorted(entries)
        columns = [leaf for leaf, _ in ordered], [at for _, at in ordered]
        connection.exec_driver_sql(self._INSERT, (log, *columns))

    def find(self, connection: Connection, log: int, leaf_hashes: Sequence[bytes]) -> dict[bytes, int]:
        return dict(map(tuple, connection.exec_driver_sql(self._FIND, (log, list(leaf_hashes)))))


_ENTRY_INDICES: Mapping[str, type[_EntryIndex]] = {"sqlite": _SqliteEntries, "postgresql": _PostgresEntries}


class SqlLogState:
    """``LogState`` in a database that other tables may share."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        self._entries = _ENTRY_INDICES[database.engine.dialect.name]()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def compare_and_swap(
        self,
        origin: str,
        old_note: bytes | None,
        new_note: bytes,
        new_entries: Sequence[tuple[bytes, int]],
        pending: bytes,
    ) -> bool:
        """Replace the last signed checkpoint; see ``LogState``."""
        with self._database.writing() as connection:
            # The lock on the row is for PostgreSQL: SQLite has one writer at a time anyway.
            row = connection.execute(
                select(CHECKPOINTS.c.log, CHECKPOINTS.c.note)
                .where(CHECKPOINTS.c.origin == origin)
                .with_for_update()
            ).one_or_none()
            if (row.note if row else None) != old_note:
                return False
            if row is None:
                new = {"origin": origin, "note": new_note, "pending": pending}
                log = connection.execute(_BEGIN, new).scalar_one_or_none()
                if log is None:
                    return False
            else:
                log = row.log
                values = {"note": new_note, "previous": old_note, "pending": pending}
                connection.execute(update(CHECKPOINTS).where(CHECKPOINTS.c.log == log).values(**values))
            if new_entries:
                try:
                    self._entries.add(connection, log, new_entries)
                except IntegrityError as exc:
                    raise StoreUnavailable(
                        f"index of log {origin}: want new entries, got known ones"
                    ) from exc
        return True

    def last(self, origin: str) -> LastSigned | None:
        """Return the last signed checkpoint, or None for a log that is new."""
        columns = (CHECKPOINTS.c.note, CHECKPOINTS.c.previous, CHECKPOINTS.c.pending)
        with self._database.reading() as connection:
            row = connection.execute(select(*columns).where(CHECKPOINTS.c.origin == origin)).one_or_none()
        return None if row is None else LastSigned(row.note, row.previous, row.pending)

    def find(self, origin: str, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Return the index of each leaf hash that the log already has."""
        with self._database.reading() as connection:
            log = connection.execute(
                select(CHECKPOINTS.c.log).where(CHECKPOINTS.c.origin == origin)
            ).scalar_one_or_none()
            return {} if log is None else self._entries.find(connection, log, leaf_hashes)
