"""One line of the journal of writes, and its place in the database until a list has it."""

from contextlib import suppress
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from veracity.canonical import canonical_json
from veracity.home.accounts.tables import counters, found_writes, writes
from veracity.home.accounts.write import Write

_NEXT = "writes"


@dataclass(frozen=True)
class Line(Write):
    """A write, with its number in the journal.

    ``found_entry`` is the log entry of a write whose server was killed before it wrote this line, by which
    it was found; its line has the time of the request, and the status of one that was not answered.
    """

    number: int
    found_entry: int | None = None

    def to_bytes(self) -> bytes:
        """Return it as a list has it."""
        said = asdict(self)
        if self.found_entry is None:
            del said["found_entry"]
        return canonical_json(said) + b"\n"


def add_line(db: sa.Connection, write: Write, found_entry: int | None = None) -> int:
    """Put a line behind the last one, within a transaction that writes; return its number."""
    number = _next(db)
    if number is None:
        with suppress(IntegrityError), db.begin_nested():  # another server begins the journal just now
            db.execute(sa.insert(counters), {"name": _NEXT, "value": -1})
        number = _next(db)
    assert number is not None, "it was begun"
    db.execute(sa.insert(writes), {"number": number, **asdict(write)})
    if found_entry is not None:
        db.execute(sa.insert(found_writes), {"number": number, "entry": found_entry})
    return number


def _next(db: sa.Connection) -> int | None:
    """Return the next number, which is taken; None where the journal has not begun."""
    following = sa.update(counters).where(counters.c.name == _NEXT).values(value=counters.c.value + 1)
    number = db.execute(following.returning(counters.c.value)).scalar_one_or_none()
    return None if number is None else int(number)
