"""The vault: the keys of personal values, apart from everything that is signed, served or handed out.

A SQLite file of its own (mode 0600). Keys stand in it wrapped under the master key, and so does the
secret of the pseudonyms: who has the file alone has nothing. What is destroyed is written over in the
file (``secure_delete``) and the write-ahead log is emptied, so that it is in neither afterwards.

Where a key goes, everything goes that a guess could be tested with: the record's pseudonyms, and the
salt and the look-up of the plain file that it came in.
"""

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import Connection

from veracity.data.personal.protect import ProtectedRecord
from veracity.data.personal.pseudonym import pseudonym
from veracity.home.directory import Directory, usable
from veracity.home.errors import StateBehind, VaultInUse, VaultUnusable
from veracity.home.vault_key import (
    MasterKey,
    create_master_key,
    destroy_file,
    read_master_key,
)
from veracity.home.vault_tables import (
    ACCESSES,
    ERASURES,
    FILES,
    KEYS,
    META,
    METADATA,
    PSEUDONYMS,
)
from veracity.log.doors import StoreUnavailable
from veracity.provenance.secret_files import sync_directory
from veracity.stores.database import Database

_KEY_ID, _PEPPER = "keyid", "pepper"
_AT_ONCE = 500  # names in one question: SQLite bounds its variables
_TRIES, _WAIT_S = 50, 0.1
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VaultFile:
    """A file that was protected: its neutral name, and what is known of it once it is whole."""

    file: int
    feed: str
    name: str
    kind: str
    salt: bytes | None
    sha256: str | None
    n_bytes: int | None


@dataclass(frozen=True)
class Held:
    """A record whose key the vault has: its name, and where it is in which protected file."""

    name: bytes
    sha256: str
    record: int


@dataclass(frozen=True)
class Access:
    """That somebody looked: when, at what, who, why."""

    at: str
    what: str
    feed: str
    records: str
    by: str
    why: str


class Vault:
    """The vault of one home. The master key is read when it is first needed."""

    def __init__(self, directory: Directory, database: Database) -> None:
        self._directory, self._database = directory, database
        self._secrets: tuple[MasterKey, bytes] | None = None
        self._tries = _TRIES

    @classmethod
    def open(cls, directory: Directory, *, read_only: bool = False) -> "Vault | None":
        """Open a home's vault; None if it has none, or only for reading and this user may not."""
        if not directory.vault.exists() or (read_only and not os.access(directory.vault, os.R_OK)):
            return None
        return cls(directory, _database(directory, read_only=read_only))

    @classmethod
    def make(cls, directory: Directory) -> "Vault":
        """Open a home's vault, making it and its master key if there is none."""
        with usable(directory.root):
            # SQLite gives its side files the mode of the database: nobody else reads any of them.
            os.close(os.open(directory.vault, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        vault = cls(directory, _database(directory))
        try:
            vault._furnish()
        except BaseException:
            vault.close()
            raise
        return vault

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # files

    def file_of(self, feed: str, plain_sha256: str) -> VaultFile | None:
        """Return the file that a plain file was protected into, or None."""
        return self._file(FILES.c.feed == feed, FILES.c.lookup == self._lookup(feed, plain_sha256))

    def file_by_digest(self, feed: str, sha256: str) -> VaultFile | None:
        """Return a protected file by its digest, or None."""
        return self._file(FILES.c.feed == feed, FILES.c.sha256 == sha256)

    def unfinished(self) -> list[VaultFile]:
        """Return the files whose protection was cut short: nobody has seen anything of them."""
        return self._files(FILES.c.sha256.is_(None))

    def named(self, feed: str, name: str) -> list[VaultFile]:
        """Return the files of a name, or of a digest."""
        return self._files(FILES.c.feed == feed, sa.or_(FILES.c.name == name, FILES.c.sha256 == name))

    def begin(self, feed: str, plain_sha256: str, kind: str) -> VaultFile:
        """Enter a file that will be protected now.

        Its name is a commitment to the plain file, whose salt stays here: with it the city can show
        which file it was, and without it nobody can test a guess.
        """
        salt = secrets.token_bytes(32)
        name = f"protected-{commitment(salt, plain_sha256)}.{kind}"
        return self._enter(feed, name, kind, salt, self._lookup(feed, plain_sha256))

    def begin_taken(self, feed: str, name: str, kind: str) -> VaultFile:
        """Enter a file that its sender protected, whose keys are taken now."""
        return self._enter(feed, name, kind, None, None)

    def _enter(self, feed: str, name: str, kind: str, salt: bytes | None, lookup: bytes | None) -> VaultFile:
        row = {"feed": feed, "lookup": lookup, "salt": salt, "name": name, "kind": kind}
        with self._writing() as db:
            number = db.execute(sa.insert(FILES), row).inserted_primary_key
        if number is None:  # pragma: no cover - SQLite numbers every row
            raise AssertionError("a row that was inserted has a number")
        return VaultFile(int(number[0]), feed, name, kind, salt, None, None)

    def add(self, file: VaultFile, records: Sequence[ProtectedRecord]) -> None:
        """Keep the keys and the pseudonyms of some records of a file; durable when it returns."""
        if not records:
            return
        master, pepper = self._opened()
        keys = [
            {
                "name": r.key.name,
                "file": file.file,
                "record": r.record,
                "wrapped": master.wrap(r.key.key, r.key.name),
            }
            for r in records
        ]
        found = {
            (pseudonym(pepper, file.feed, field, text), r.key.name)
            for r in records
            for field, text in r.values
        }
        with self._writing() as db:
            db.execute(sa.insert(KEYS), keys)
            if found:
                db.execute(sa.insert(PSEUDONYMS), [{"pseudonym": p, "name": n} for p, n in sorted(found)])

    def finish(self, file: VaultFile, sha256: str, n_bytes: int) -> VaultFile:
        """Enter that a protected file is whole."""
        with self._writing() as db:
            db.execute(
                sa.update(FILES).where(FILES.c.file == file.file).values(sha256=sha256, n_bytes=n_bytes)
            )
        return VaultFile(file.file, file.feed, file.name, file.kind, file.salt, sha256, n_bytes)

    def forget(self, file: VaultFile) -> None:
        """Destroy all that is kept of a file of which nothing went into the log."""
        mine = sa.select(KEYS.c.name).where(KEYS.c.file == file.file)
        with self._writing() as db:
            db.execute(sa.delete(PSEUDONYMS).where(PSEUDONYMS.c.name.in_(mine)))
            db.execute(sa.delete(KEYS).where(KEYS.c.file == file.file))
            db.execute(sa.delete(FILES).where(FILES.c.file == file.file))
        self._empty_wal()

    # records

    def key(self, name: bytes) -> bytes | None:
        """Return the key of a record; None if it is destroyed, or was never here."""
        with self._database.reading() as db:
            wrapped = db.execute(sa.select(KEYS.c.wrapped).where(KEYS.c.name == name)).scalar_one_or_none()
        return None if wrapped is None else self._opened()[0].unwrap(bytes(wrapped), name)

    def find(self, feed: str, field: str, value: str) -> list[Held]:
        """Return the records that have a value in a field, by its pseudonym."""
        wanted = pseudonym(self._opened()[1], feed, field, value)
        query = _held().join(PSEUDONYMS, PSEUDONYMS.c.name == KEYS.c.name)
        return self._held(query.where(PSEUDONYMS.c.pseudonym == wanted, FILES.c.feed == feed))

    def held(self, feed: str, names: Iterable[bytes]) -> list[Held]:
        """Return those of some records whose keys are here."""
        out: list[Held] = []
        wanted = sorted(set(names))
        for at in range(0, len(wanted), _AT_ONCE):
            some = wanted[at : at + _AT_ONCE]
            out += self._held(_held().where(KEYS.c.name.in_(some), FILES.c.feed == feed))
        return out

    def known(self, names: Iterable[bytes]) -> set[bytes]:
        """Return those of some names that are a record's of any feed."""
        wanted, out = sorted(set(names)), set[bytes]()
        for at in range(0, len(wanted), _AT_ONCE):
            query = sa.select(KEYS.c.name).where(KEYS.c.name.in_(wanted[at : at + _AT_ONCE]))
            with self._database.reading() as db:
                out |= {bytes(name) for name in db.execute(query).scalars()}
        return out

    def held_between(self, feed: str, sha256: str, first: int, n: int) -> list[Held]:
        """Return the records ``first`` to ``first + n - 1`` of a protected file whose keys are here."""
        place = KEYS.c.record.between(first, first + n - 1)
        return self._held(_held().where(FILES.c.feed == feed, FILES.c.sha256 == sha256, place))

    def destroy(self, names: Sequence[bytes], entry: bytes) -> None:
        """Destroy the keys of some records, and put aside the statement that says so.

        In one transaction: whatever fails afterwards, the next writer finds the statement. When this
        returns, neither the file nor its write-ahead log holds the keys, nor what a guess could be
        tested with.

        Raises
        ------
        VaultInUse
            If the keys are deleted and another process keeps the write-ahead log from being emptied.
        """
        with self._writing() as db:
            for at in range(0, len(names), _AT_ONCE):
                some = list(names[at : at + _AT_ONCE])
                of = sa.select(KEYS.c.file).where(KEYS.c.name.in_(some))
                db.execute(sa.update(FILES).where(FILES.c.file.in_(of)).values(lookup=None, salt=None))
                db.execute(sa.delete(PSEUDONYMS).where(PSEUDONYMS.c.name.in_(some)))
                db.execute(sa.delete(KEYS).where(KEYS.c.name.in_(some)))
            db.execute(sa.insert(ERASURES), {"entry": entry})
        self._empty_wal()

    def pending(self) -> list[bytes]:
        """Return the statements of erasures that are perhaps not in the log yet."""
        with self._database.reading() as db:
            query = sa.select(ERASURES.c.entry).order_by(ERASURES.c.erasure)
            return [bytes(entry) for entry in db.execute(query).scalars()]

    def settle(self, entry: bytes) -> None:
        """Forget a statement that was put aside: it is in the log.

        What could not be emptied when the keys were destroyed is emptied now; where it still cannot be,
        a warning says so, and the statement stays put aside: the next writer tries again.
        """
        try:
            self._empty_wal()
        except VaultInUse as exc:
            logger.warning("an erasure is in the log, but: %s", exc)
            return
        with self._writing() as db:
            db.execute(sa.delete(ERASURES).where(ERASURES.c.entry == entry))

    # the master key

    def rotate(self) -> None:
        """Wrap everything under a new master key and destroy the old one.

        What of the old wrapping is left anywhere (a backup, a snapshot, blocks not written over) cannot
        be opened any more, unless the old key itself was copied.
        """
        master, pepper = self._opened()
        new_path = self._directory.vault_key.with_suffix(".new")
        destroy_file(new_path)
        new = create_master_key(new_path)
        with self._writing() as db:
            for some in _pages_of_keys(db):
                again = [{"of": n, "to": new.wrap(master.unwrap(w, n), n)} for n, w in some]
                db.execute(
                    sa.update(KEYS)
                    .where(KEYS.c.name == sa.bindparam("of"))
                    .values(wrapped=sa.bindparam("to")),
                    again,
                )
            _set(db, _PEPPER, new.wrap(pepper, _PEPPER.encode()))
            _set(db, _KEY_ID, new.keyid)
        self._secrets = None
        self._empty_wal()
        self._opened()  # puts the new key in the old one's place

    # accesses

    def note_access(self, access: Access) -> None:
        """Keep that somebody looked; durable when it returns."""
        row = {name: getattr(access, name) for name in ("at", "what", "feed", "records", "by", "why")}
        with self._writing() as db:
            db.execute(sa.insert(ACCESSES), row)

    def accesses(self) -> list[Access]:
        """Return who looked at what, in order."""
        columns = [c for c in ACCESSES.c if c.name != "access"]
        with self._database.reading() as db:
            rows = db.execute(sa.select(*columns).order_by(ACCESSES.c.access)).mappings()
            return [Access(**row) for row in rows]

    # within

    def _file(self, *where: sa.ColumnElement[bool]) -> VaultFile | None:
        found = self._files(*where)
        return found[0] if found else None

    def _files(self, *where: sa.ColumnElement[bool]) -> list[VaultFile]:
        columns = [c for c in FILES.c if c.name != "lookup"]
        with self._database.reading() as db:
            rows = db.execute(sa.select(*columns).where(*where).order_by(FILES.c.file)).mappings()
            return [VaultFile(**row) for row in rows]

    def _held(self, query: sa.Select[Any]) -> list[Held]:
        with self._database.reading() as db:
            rows = db.execute(query.order_by(KEYS.c.file, KEYS.c.record)).all()
        return [Held(bytes(name), str(sha256), int(record)) for name, sha256, record in rows]

    def _lookup(self, feed: str, plain_sha256: str) -> bytes:
        return pseudonym(self._opened()[1], feed, "*file", plain_sha256)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._database.writing() as db:
            db.exec_driver_sql("PRAGMA secure_delete = ON")
            yield db

    def _furnish(self) -> None:
        """Make the master key and the pseudonyms' secret, once."""
        if self._meta(_KEY_ID) is not None:
            return
        path = self._directory.vault_key
        master = read_master_key(path) if path.exists() else create_master_key(path)
        with self._writing() as db:
            _set(db, _PEPPER, master.wrap(secrets.token_bytes(32), _PEPPER.encode()))
            _set(db, _KEY_ID, master.keyid)

    def _opened(self) -> tuple[MasterKey, bytes]:
        """Return the master key and the pseudonyms' secret; finish a change of key that was cut short."""
        if self._secrets is None:
            master = self._master()
            wrapped = self._meta(_PEPPER)
            if wrapped is None:
                raise VaultUnusable("vault: want the pseudonyms' secret in vault.db, got none")
            self._secrets = master, master.unwrap(wrapped, _PEPPER.encode())
        return self._secrets

    def _master(self) -> MasterKey:
        path, keyid = self._directory.vault_key, self._meta(_KEY_ID)
        new_path = path.with_suffix(".new")
        if new_path.exists() and read_master_key(new_path).keyid == keyid:
            destroy_file(path)
            with usable(path.parent):
                new_path.rename(path)
                sync_directory(path.parent)
        master = read_master_key(path)
        if master.keyid != keyid:
            raise StateBehind(
                f"vault key {path}: want the one that vault.db is wrapped under, got another:"
                " one of the two is of an older backup"
            )
        return master

    def _meta(self, name: str) -> bytes | None:
        with self._database.reading() as db:
            value = db.execute(sa.select(META.c.value).where(META.c.name == name)).scalar_one_or_none()
        return None if value is None else bytes(value)

    def _empty_wal(self) -> None:
        """Write the write-ahead log into the database and empty it: what was deleted is in neither.

        Who reads the vault is waited for, some seconds and once.
        """
        for n_left in reversed(range(self._tries)):
            if self._emptied():
                return
            if n_left:
                time.sleep(_WAIT_S)
        self._tries = 1
        raise VaultInUse(
            "vault.db: want its write-ahead log emptied, got another process that reads the vault: what was"
            " destroyed may still stand there until that process ends and the next command that writes in"
            " this home empties it (veracity personal rotate, for one)"
        )

    def _emptied(self) -> bool:
        """Try to empty the write-ahead log, without waiting for anybody."""
        connection = self._database.engine.raw_connection()
        try:
            cursor = connection.cursor()
            (wait_ms,) = cursor.execute("PRAGMA busy_timeout").fetchone()
            try:
                cursor.execute("PRAGMA busy_timeout = 0")
                (busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {wait_ms}")
        except sqlite3.Error as exc:
            raise StoreUnavailable(f"database vault.db: {exc}") from exc
        finally:
            connection.close()
        return not busy


def commitment(salt: bytes, plain_sha256: str) -> str:
    """Return the salted commitment to a plain file that is in its protected file's name."""
    return pseudonym(salt, "", "*commitment", plain_sha256).hex()


def _database(directory: Directory, *, read_only: bool = False) -> Database:
    return Database(directory.vault, metadata=METADATA, read_only=read_only)


def _held() -> sa.Select[Any]:
    return (
        sa.select(KEYS.c.name, FILES.c.sha256, KEYS.c.record)
        .join(FILES, FILES.c.file == KEYS.c.file)
        .where(FILES.c.sha256.is_not(None))
    )


def _pages_of_keys(db: Connection) -> Iterator[list[tuple[bytes, bytes]]]:
    """Yield all records' names and wrapped keys, some thousands at a time."""
    last = b""
    while True:
        query = sa.select(KEYS.c.name, KEYS.c.wrapped).where(KEYS.c.name > last)
        some = [(bytes(n), bytes(w)) for n, w in db.execute(query.order_by(KEYS.c.name).limit(10_000))]
        if not some:
            return
        yield some
        last = some[-1][0]


def _set(db: Connection, name: str, value: bytes) -> None:
    db.execute(sa.delete(META).where(META.c.name == name))
    db.execute(sa.insert(META), {"name": name, "value": value})
