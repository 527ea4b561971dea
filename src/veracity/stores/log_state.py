"""The state of logs in a database: their last signed checkpoints."""

from sqlalchemy import Column, Integer, LargeBinary, String, Table, select, text, update

from veracity.log.doors import LastSigned
from veracity.stores.database import METADATA
from veracity.stores.sql import SqlDatabase

CHECKPOINTS = Table(
    "log_checkpoint",
    METADATA,
    Column("log", Integer, primary_key=True),
    Column("origin", String, nullable=False, unique=True),
    Column("note", LargeBinary, nullable=False),
    Column("previous", LargeBinary),
    Column("pending", LargeBinary, nullable=False),
)
# Where two writers begin one log at once, the second gets no row and has lost.
_BEGIN = text(
    "INSERT INTO log_checkpoint (origin, note, pending) VALUES (:origin, :note, :pending) "
    "ON CONFLICT (origin) DO NOTHING RETURNING log"
)


class SqlLogState:
    """``LogState`` in a database that other tables may share."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def compare_and_swap(self, origin: str, old_note: bytes | None, new_note: bytes, pending: bytes) -> bool:
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
                return connection.execute(_BEGIN, new).scalar_one_or_none() is not None
            values = {"note": new_note, "previous": old_note, "pending": pending}
            connection.execute(update(CHECKPOINTS).where(CHECKPOINTS.c.log == row.log).values(**values))
        return True

    def last(self, origin: str) -> LastSigned | None:
        """Return the last signed checkpoint, or None for a log that is new."""
        columns = (CHECKPOINTS.c.note, CHECKPOINTS.c.previous, CHECKPOINTS.c.pending)
        with self._database.reading() as connection:
            row = connection.execute(select(*columns).where(CHECKPOINTS.c.origin == origin)).one_or_none()
        return None if row is None else LastSigned(row.note, row.previous, row.pending)
