"""Writes over the network that are under way: put down before they are done, so that none is nobody's.

An intent says who asked for what and when, and by which statement the log will know that it was done. It is
in the database, durably, before that statement is; the line in the journal takes its place. Who is killed in
between leaves the intent: whoever next writes over the network, or seals the journal, looks for the
statement. If the log has it the line is made up for, with its entry; if not, nothing was done, and the intent
is dropped.

An intent is put down and looked for under the home's lock, so nobody looks while another has said that he
will write and has not yet. (One to end a token waits for no lock: it ends at once.) Whose line is still to
come, as his server lives, is left to him; but what the log has not by then it will never have.

Rights say in the log themselves who gave or took them, so an intent of theirs that the log bears out makes no
line; one that it does not makes one: rights end before that is said, so some may have ended.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from veracity.home.accounts.account import Account
from veracity.home.accounts.lines import add_line
from veracity.home.accounts.standing import check_standing
from veracity.home.accounts.store import AccountStore
from veracity.home.accounts.tables import intents
from veracity.home.accounts.write import ASKED, MAX_PATH, Write
from veracity.home.clock import Clock, format_time, system_clock
from veracity.home.home import Home, Writer
from veracity.stores.sql import SqlDatabase

UNANSWERED = 500  #: the status of a write that no answer was made for
OTHERS_FOR = timedelta(minutes=2)  #: how long a line of another machine's server may be to come
FOUND_FOR = timedelta(days=1)  #: how long it is known that an intent was found

#: where the log has a statement: of its kind, its feed, what it says as JSON, and the first place to look at
_Find = Callable[[str, str | None, str, int], int | None]

_AT_ONCE = 500  # intents in one transaction

_LOGGER = logging.getLogger(__name__)
_LIVE: set[str] = set()  # the intents whose lines this process will write
_LIVE_LOCK = threading.Lock()


@dataclass(frozen=True)
class Expected:
    """The statement that a write will make: its kind, feed, and what its predicate says, by dotted names."""

    kind: str
    feed: str | None
    said: dict[str, str | None]

    def find(self, home: Home, since: int) -> int | None:
        """Return its place in the log, at ``since`` or behind; None if it is not there."""
        for idx, predicate in home.index.predicates(self.kind, self.feed, since):
            if all(_at(predicate, name) == value for name, value in self.said.items()):
                return idx
        return None


def expected_file(feed: str, path: Path) -> Expected:
    """Return the statement of a file, taken into a feed that has no personal fields."""
    with path.open("rb") as file:
        return Expected("ingest", feed, {"file.sha256": hashlib.file_digest(file, "sha256").hexdigest()})


@dataclass
class Writing:
    """A request of an account that may write: who, how it was proved, what and when.

    Attributes
    ----------
    at
        When it came, as the journal has it.
    body_sha256
        Asked for when the body was read: its digest.
    clock
        The real time, by which its right to write ends.
    """

    at: str
    account: Account
    method: str
    path: str
    body_sha256: Callable[[], str]
    clock: Clock = field(default_factory=system_clock)
    identifier: str = field(default_factory=lambda: secrets.token_hex(16))
    lock: threading.Lock = field(default_factory=threading.Lock)  #: held while it is put down, and to end it
    n_parts: int = 0
    is_over: bool = False

    def answered(self, status: int, at: str) -> Write:
        """Return it as the journal has it: answered with this, then."""
        who, path = self.account, self.path[:MAX_PATH]
        return Write(at, who.name, who.came_by, who.credential, self.method, path, status, self.body_sha256())

    def end(self) -> bool:
        """Say that its line is written now, or never: no more is put down of it. Return whether some was."""
        with self.lock:
            self.is_over = True
            return self.n_parts > 0

    def forget(self) -> None:
        """Leave what is in the database of it to whoever looks next."""
        with _LIVE_LOCK:
            _LIVE.discard(self.identifier)


#: the write that this thread, or task, is about; it comes along into the threads of routes
UNDER_WAY: ContextVar[Writing | None] = ContextVar("writing", default=None)


def intend(home: Writer, expected: Expected, of: Sequence[Writing] | None = None) -> None:
    """Put down, durably, who is about to make a statement.

    Parameters
    ----------
    of
        The writes that it is for, where one batch has the records of several requests; those that ask in
        other threads take theirs from ``UNDER_WAY``, each in its own. Whether these may still write was
        looked at before (``standing``). None for that of this thread. Nothing is put down where there is
        none: on the command line.

    Raises
    ------
    StoreUnavailable
        If it cannot be put down: then nothing may be written.
    BadCredential, RoleNeeded
        If who asks may not any more: that ended while the request waited.
    """
    under_way = UNDER_WAY.get()
    wanted = of if of is not None else [] if under_way is None else [under_way]
    if of is None and under_way is not None:
        check_standing(AccountStore(home.database, under_way.clock), under_way.account)
    if not wanted:
        return
    settle_intents(home, home.database)
    _put_down(home.database, wanted, expected, home.log.size)


def intend_to_revoke(database: SqlDatabase, token: str) -> None:
    """Put down, durably, who is about to end a token, which waits for nobody; said in the log once it has."""
    under_way = UNDER_WAY.get()
    if under_way is not None:
        _put_down(database, [under_way], Expected("access", None, {"act": "revoke", "token": token}), 0)


def drop_intent(database: SqlDatabase, writing: Writing) -> None:
    """Take away what was put down: it was refused, or the statement says who."""
    with database.writing() as db:
        db.execute(sa.delete(intents).where(intents.c.id == writing.identifier))


def n_open(database: SqlDatabase) -> int:
    """Count the intents that nobody made a line of; 0 in a home that has no table of them."""
    with database.reading() as db:
        if not sa.inspect(db).has_table(intents.name):
            return 0
        query = sa.select(sa.func.count()).select_from(intents).where(intents.c.number.is_(None))
        return int(db.execute(query).scalar_one())


def settle_intents(home: Writer, database: SqlDatabase) -> int:
    """Look for what servers that are gone left under way; return how many lines were made up for.

    Under the home's lock, as a ``Writer`` has it.
    """
    now = system_clock()()

    @cache
    def find(kind: str, feed: str | None, said: str, since: int) -> int | None:
        return Expected(kind, feed, orjson.loads(said)).find(home, since)

    old = intents.c.number.is_not(None), intents.c.at < format_time(now - FOUND_FOR)
    with database.reading() as db:
        under_way = sa.select(intents).where(intents.c.number.is_(None))
        rows = [dict(row) for row in db.execute(under_way.order_by(intents.c.id, intents.c.part)).mappings()]
        is_some_old = db.execute(sa.select(intents.c.id).where(*old).limit(1)).first() is not None
    if is_some_old:
        with database.writing() as db:
            db.execute(sa.delete(intents).where(*old))
    gone: list[_Gone] = []
    for _, grouped in groupby(rows, key=lambda row: str(row["id"])):
        parts = list(grouped)
        if _is_awaited(parts[0], format_time(now - OTHERS_FOR)):
            _drop_undone(find, database, parts)
        else:
            gone.append(
                _Gone(parts[0], next((idx for p in parts if (idx := find(*_said(p))) is not None), None))
            )
    return sum(_settle(database, gone[at : at + _AT_ONCE]) for at in range(0, len(gone), _AT_ONCE))


@dataclass(frozen=True)
class _Gone:
    """An intent whose server is gone: its first part, and where the log has what it is about."""

    first: dict[str, Any]
    entry: int | None

    @property
    def makes_line(self) -> bool:
        """Whether a line is made up for: of what was done, and of rights that may have been taken by half."""
        says_who = str(self.first["kind"]) == "access"
        return (self.entry is None) == says_who


def _settle(database: SqlDatabase, gone: Sequence[_Gone]) -> int:
    """Make up for the lines of intents, and drop what was not done; return how many lines that made.

    All in one transaction: a killed server may leave a thousand. It holds their rows, so a line that another
    server writes of one at this moment, as it lives after all, is there before or finds the one made here.
    """
    n_made = 0
    with database.writing() as db:
        ids = [str(one.first["id"]) for one in gone]
        held = sa.select(intents.c.id, intents.c.number).where(intents.c.id.in_(ids))
        kept = {str(id_) for id_, number in db.execute(held.with_for_update()) if number is None}
        for one in gone:
            first, identifier = one.first, str(one.first["id"])
            if identifier not in kept:
                continue  # its server wrote the line since we looked
            if not one.makes_line:
                db.execute(sa.delete(intents).where(intents.c.id == identifier))
                _LOGGER.info(
                    "writes: %s %s of %s: not done", first["method"], first["path"], first["account"]
                )
                continue
            write = Write(**{fact.name: first[fact.name] for fact in ASKED}, status=UNANSWERED)
            number = add_line(db, write, one.entry)
            db.execute(sa.update(intents).where(intents.c.id == identifier).values(number=number))
            n_made += 1
    return n_made


def _said(part: dict[str, Any]) -> tuple[str, str | None, str, int]:
    return part["kind"], part["feed"], part["said"], int(part["since"])


def _drop_undone(find: _Find, database: SqlDatabase, parts: list[dict[str, Any]]) -> None:
    """Take away what the log does not have: who put it down had the lock and has let it go, so it never will.

    Else the same sent again by another would be found for this one too, were its server killed meanwhile.
    One to end a token waits for no lock, so it is left.
    """
    for part in parts:
        if part["kind"] == "access" or find(*_said(part)) is not None:
            continue
        with database.writing() as db:
            db.execute(sa.delete(intents).where(intents.c.id == part["id"], intents.c.part == part["part"]))


def _put_down(database: SqlDatabase, wanted: Sequence[Writing], expected: Expected, since: int) -> None:
    with ExitStack() as stack:
        for writing in wanted:
            stack.enter_context(writing.lock)
        rows = [_row(writing, expected, since) for writing in wanted if not writing.is_over]
        if rows:
            with database.writing() as db:
                db.execute(sa.insert(intents), rows)


def _row(writing: Writing, expected: Expected, since: int) -> dict[str, Any]:
    writing.n_parts += 1
    with _LIVE_LOCK:
        _LIVE.add(writing.identifier)
    write = writing.answered(UNANSWERED, writing.at)
    return {
        "id": writing.identifier,
        "part": writing.n_parts,
        "process": _process(),
        **{fact.name: getattr(write, fact.name) for fact in ASKED},
        "since": since,
        "kind": expected.kind,
        "feed": expected.feed,
        "said": orjson.dumps(expected.said).decode(),
    }


def _process() -> str:
    return f"{os.getpid()} {socket.gethostname()}"


def _is_awaited(row: dict[str, Any], others_since: str) -> bool:
    """Say whether the server that put an intent down will still write its line."""
    pid, _, host = str(row["process"]).partition(" ")
    if host != socket.gethostname():
        return str(row["at"]) >= others_since
    if int(pid) == os.getpid():
        with _LIVE_LOCK:
            return str(row["id"]) in _LIVE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another's, or another's after a restart: it is given some time
    return str(row["at"]) >= others_since


def _at(predicate: dict[str, Any], name: str) -> str | None:
    found: Any = predicate
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None
