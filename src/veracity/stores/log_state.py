"""The state of logs in the database: last signed checkpoints, and where each entry is."""

from collections.abc import Mapping, Sequence

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from veracity.log.doors import LastSigned
from veracity.log.errors import StoreUnavailable
from veracity.stores.database import METADATA, Database

CHECKPOINTS = Table(
    "log_checkpoint",
    METADATA,
    Column("log", Integer, primary_key=True),
    Column("origin", String, nullable=False, unique=True),
    Column("note", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
    Column("pending", LargeBinary, nullable=False),
    Column("n_merged", Integer, nullable=False),
)


def _entry_table(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("leaf_hash", LargeBinary, primary_key=True),
        Column("log", ForeignKey(CHECKPOINTS.c.log), primary_key=True),
        Column("position", Integer, nullable=False),
        sqlite_with_rowid=False,
    )


# Hashes fall all over an index, so adding few to a large one rewrites a page for each. New ones
# gather in a small table and move over in one sorted pass: a page is rewritten once for many.
_entry_table("log_entry")
_entry_table("log_entry_new")
_INSERT = "INSERT INTO log_entry_new (leaf_hash, log, position) VALUES (?, ?, ?)"
_MERGE = (
    "INSERT INTO log_entry SELECT leaf_hash, log, position FROM log_entry_new WHERE log = ? "
    "ORDER BY leaf_hash"
)
_MERGED = "DELETE FROM log_entry_new WHERE log = ?"
_MERGE_AT = 65_536
_FIND = "SELECT leaf_hash, position FROM {table} WHERE log = ? AND leaf_hash IN ({marks})"
_FIND_AT_ONCE = 4096  #: SQLite takes 32,766 parameters


class SqlLogState:
    """``LogState`` in a database that other tables may share."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
            row = connection.execute(
                select(CHECKPOINTS.c.log, CHECKPOINTS.c.note, CHECKPOINTS.c.n_merged).where(
                    CHECKPOINTS.c.origin == origin
                )
            ).one_or_none()
            if (row.note if row else None) != old_note:
                return False
            values = {"note": new_note, "previous": old_note, "pending": pending}
            if row is None:
                new = (
                    insert(CHECKPOINTS)
                    .values(origin=origin, n_merged=0, **values)
                    .returning(CHECKPOINTS.c.log)
                )
                log = connection.execute(new).scalar_one()
            else:
                log = row.log
                connection.execute(update(CHECKPOINTS).where(CHECKPOINTS.c.log == log).values(**values))
            if new_entries:
                try:
                    self._add(connection, log, row.n_merged if row else 0, new_entries)
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
        found: dict[bytes, int] = {}
        with self._database.reading() as connection:
            log = connection.execute(
                select(CHECKPOINTS.c.log).where(CHECKPOINTS.c.origin == origin)
            ).scalar_one_or_none()
            if log is None:
                return found
            for i in range(0, len(leaf_hashes), _FIND_AT_ONCE):
                hashes = leaf_hashes[i : i + _FIND_AT_ONCE]
                for table in ("log_entry", "log_entry_new"):
                    query = _FIND.format(table=table, marks=",".join("?" * len(hashes)))
                    rows = connection.exec_driver_sql(query, (log, *hashes))
                    found.update(tuple(row) for row in rows)
        return found

    @staticmethod
    def _add(connection: Connection, log: int, n_merged: int, entries: Sequence[tuple[bytes, int]]) -> None:
        # Sorted, because neighbours share pages of the index; as plain tuples, because the
        # handling of dictionaries by the statement costs more than SQLite does.
        connection.exec_driver_sql(_INSERT, [(leaf, log, at) for leaf, at in sorted(entries)])
        n_entries = max(at for _, at in entries) + 1
        if n_entries - n_merged >= _MERGE_AT:
            connection.exec_driver_sql(_MERGE, (log,))
            connection.exec_driver_sql(_MERGED, (log,))
            connection.execute(update(CHECKPOINTS).where(CHECKPOINTS.c.log == log).values(n_merged=n_entries))
