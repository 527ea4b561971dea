"""The journal of writes over the network: in the database at once, in the log soon after.

A write stands in the database before its answer goes out, and then in a list that the log has by its
digest. A list is NDJSON, kept at ``access/<sha256>.ndjson``; it is not served. Writes are numbered from 0
without a gap, across lists too: a list that is missing, or a write taken out before it was listed, leaves a
hole that an audit sees. One whose server was killed before it wrote the line is found again by its intent
(``intents``).
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from veracity.home.accounts.errors import MalformedJournal
from veracity.home.accounts.intents import settle_intents
from veracity.home.accounts.lines import Line, add_line
from veracity.home.accounts.tables import found_writes, intents, writes
from veracity.home.accounts.write import Write, read_write
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.provenance.fields import Fields
from veracity.provenance.statements import Access, Writes
from veracity.provenance.strictjson import parse_json
from veracity.stores.sql import SqlDatabase

MAX_LIST = 10_000  #: writes in one list
_MAX_LINE = 4_096


def note_write(database: SqlDatabase, write: Write, intent: str | None = None) -> int:
    """Put a write into the journal, durably; return its number. With that its intent, if any, is over.

    If another found the write in the log meanwhile, and wrote its line, there is no second one.
    """
    with database.writing() as db:
        if intent is not None:
            mine = sa.select(intents.c.number).where(intents.c.id == intent)
            numbers = list(db.execute(mine.with_for_update()).scalars())
            found = next((number for number in numbers if number is not None), None)
            db.execute(sa.delete(intents).where(intents.c.id == intent))
            if found is not None:
                return int(found)
        return add_line(db, write)


def seal_writes(home: Writer, database: SqlDatabase) -> int:
    """Put what waits in the journal into lists that the log has; return how many writes that were.

    Writes of servers that were killed before they wrote a line are looked for in the log first. Broken off
    and called again, it goes on: what a list has already is not listed twice.
    """
    settle_intents(home, database)
    n_sealed = 0
    while True:
        listed = last_listed(home)
        waiting = _waiting(database, listed)
        if not waiting:
            return n_sealed
        data = b"".join(line.to_bytes() for line in waiting)
        digest = hashlib.sha256(data).hexdigest()
        if not home.objects.exists(list_path(digest)):
            home.objects.put(list_path(digest), data)
        said = Writes(digest, waiting[0].number, waiting[-1].number)
        number, at = next_number(home), format_time(home.clock())
        home.say(Access(number, "writes", "operator", "command", at, writes=said).to_statement())
        with database.writing() as db:
            _forget(db, waiting[-1].number)
        n_sealed += len(waiting)


def last_listed(home: Home) -> int:
    """Return the number of the last write that a list in the log has; -1 if there is none."""
    for _, said in home.index.walk("access", newest_first=True):
        if said["act"] == "writes":
            return int(said["writes"]["numbers"]["last"])
    return -1


def next_number(home: Home) -> int:
    """Return the number of the next statement of access."""
    return home.index.count("access")


def n_waiting(database: SqlDatabase) -> int:
    """Count the writes in no list yet."""
    with database.reading() as db:
        return int(db.execute(sa.select(sa.func.count()).select_from(writes)).scalar_one())


def list_path(sha256: str) -> str:
    """Return where a list of writes is kept."""
    return f"access/{sha256}.ndjson"


def read_list(data: bytes) -> Iterator[Line]:
    """Read a list; MalformedJournal if it is none."""
    lines = data.split(b"\n")
    if lines.pop() or not 0 < len(lines) <= MAX_LIST:
        raise MalformedJournal(f"writes: want 1 to {MAX_LIST} whole lines, got {len(lines)}")
    for line in lines:
        fields = Fields(parse_json(line, "write", _MAX_LINE, MalformedJournal), "write", MalformedJournal)
        number, write = fields.count("number"), read_write(fields)
        found_entry = fields.count("found_entry") if "found_entry" in fields else None
        fields.done()
        yield Line(**vars(write), number=number, found_entry=found_entry)


def _waiting(database: SqlDatabase, listed: int) -> list[Line]:
    with database.writing() as db:
        _forget(db, listed)
        joined = writes.outerjoin(found_writes, writes.c.number == found_writes.c.number)
        query = sa.select(writes, found_writes.c.entry.label("found_entry")).select_from(joined)
        rows = db.execute(query.order_by(writes.c.number).limit(MAX_LIST)).mappings()
        return [Line(**_plain(row)) for row in rows]


def _forget(db: sa.Connection, listed: int) -> None:
    for table in (writes, found_writes):
        db.execute(sa.delete(table).where(table.c.number <= listed))


def _plain(row: Any) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
