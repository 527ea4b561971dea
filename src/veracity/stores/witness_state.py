"""The state of a witness in a database: the last checkpoint it cosigned of each log."""

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from veracity.stores.sql import SqlDatabase

WITNESS_METADATA = MetaData()  #: a witness's database holds this table and no other

LATEST = Table(
    "witness_checkpoint",
    WITNESS_METADATA,
    Column("origin", String, primary_key=True),
    Column("note", LargeBinary, nullable=False),
)


class SqlWitnessState:
    """``WitnessState`` in a database opened with ``WITNESS_METADATA``."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def latest(self, origin: str) -> bytes | None:
        """Return the note last cosigned, or None for a log never cosigned."""
        with self._database.reading() as connection:
            note: bytes | None = connection.execute(
                select(LATEST.c.note).where(LATEST.c.origin == origin)
            ).scalar_one_or_none()
        return note

    def all_latest(self) -> dict[str, bytes]:
        """Return the note last cosigned of every log, by origin."""
        with self._database.reading() as connection:
            rows = connection.execute(select(LATEST.c.origin, LATEST.c.note).order_by(LATEST.c.origin))
            return {row.origin: row.note for row in rows}

    def swap(self, origin: str, old_note: bytes | None, new_note: bytes) -> bool:
        """Replace the note last cosigned; see ``WitnessState``."""
        if old_note is None:
            try:
                with self._database.writing() as connection:
                    connection.execute(insert(LATEST).values(origin=origin, note=new_note))
            except IntegrityError:
                return False
            return True
        # The condition is in the statement itself: whatever the database, one of two writers wins.
        with self._database.writing() as connection:
            done = connection.execute(
                update(LATEST)
                .where(LATEST.c.origin == origin, LATEST.c.note == old_note)
                .values(note=new_note)
            )
            return bool(done.rowcount == 1)
