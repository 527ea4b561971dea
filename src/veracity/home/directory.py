"""A city's home directory: where its keys, stores and database are, and who may write.

::

    DIR/
      veracity.json     the log's origin, and what is kept elsewhere; written once
      trust.policy      what to hand out: the log's key and its witnesses
      keys/             log.key, operator.pem, agencies/<name>.pem (mode 0600; see ``key_places``)
      store/            log, evidence, contracts, tables, quarantine: an object store; or on S3
      veracity.db       last signed checkpoint, and an index that the log can rebuild; or in PostgreSQL
      vault.db          keys of personal values (mode 0600): never in the log, never served
      staging/          protected files on their way in
      lock              held by the one process that writes; lock.wanted by who is next (see ``lock``)
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from veracity.home.errors import BadName, HomeExists, HomeUnusable, NoHome

_SCHEMA_V1, _SCHEMA_V2, _SCHEMA_V3 = "veracity.home/v1", "veracity.home/v2", "veracity.home/v3"
LOCK, WANTED = "lock", "lock.wanted"
_ORIGIN = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}(/[A-Za-z0-9._-]{1,64}){0,4}")


@dataclass(frozen=True)
class Places:
    """What of a home is elsewhere, as locations (see ``stores.opening``); None for what it has itself.

    ``objects`` is evidence, tables and all else in ``store/``; ``database`` the index and what is
    pending. The log goes with these unless it is told where to be.
    """

    log_store: str | None = None
    log_state: str | None = None
    objects: str | None = None
    database: str | None = None


@dataclass(frozen=True)
class Directory:
    """The places in one home, and those elsewhere."""

    root: Path
    origin: str
    places: Places = Places()

    @property
    def log_store(self) -> str | None:
        """Where the files of the log are, if they are not with the home's objects."""
        return self.places.log_store

    @property
    def log_state(self) -> str | None:
        """Where the state of the log is, if it is not in the home's database."""
        return self.places.log_state

    @property
    def is_shared(self) -> bool:
        """Whether several machines may write in turn: where the database is that of none of them."""
        return self.places.database is not None

    @property
    def store(self) -> Path:
        """Root of the object store, where the home has it itself."""
        return self.root / "store"

    @property
    def objects(self) -> str:
        """The location of the home's objects."""
        return self.places.objects or str(self.store)

    @property
    def log(self) -> str:
        """The location of the log's files."""
        return self.places.log_store or f"{self.objects.rstrip('/')}/log"

    @property
    def database(self) -> Path:
        """The SQLite file, where the home has its database itself."""
        return self.root / "veracity.db"

    @property
    def keys(self) -> Path:
        """Where the private keys are: ``log`` signs checkpoints, ``operator`` the city's statements."""
        return self.root / "keys"

    @property
    def log_key(self) -> Path:
        """The key that signs checkpoints, where the home keeps it as it is."""
        return self.keys / "log.key"

    @property
    def operator_key(self) -> Path:
        """The key that signs the city's statements, where the home keeps it as it is."""
        return self.keys / "operator.pem"

    @property
    def vault(self) -> Path:
        """The SQLite file of the keys of personal values."""
        return self.root / "vault.db"

    @property
    def vault_key(self) -> Path:
        """The key that the vault's keys are wrapped under."""
        return self.root / "keys" / "vault.key"

    @property
    def staging(self) -> Path:
        """Protected files that are not wholly in the log yet."""
        return self.root / "staging"

    @property
    def policy(self) -> Path:
        """The trust policy to hand out."""
        return self.root / "trust.policy"


def create_directory(root: Path, origin: str, places: Places = Places()) -> Directory:
    """Make an empty home; ``HomeExists`` where there is one, ``HomeUnusable`` where none can be."""
    if not _ORIGIN.fullmatch(origin):
        raise BadName(f"origin: want a name such as example.org/city (no scheme, no spaces), got {origin!r}")
    with usable(root):
        if (root / "veracity.json").exists():
            other = open_directory(root).origin
            raise HomeExists(f"init: want a directory without a city, got {root} of {other}")
        if root.is_dir() and any(path.name not in (LOCK, WANTED) for path in root.iterdir()):
            raise HomeExists(f"init: want an empty directory, got {root} with files in it")
        own = [root / "store"] if places.objects is None else []
        for path in (root, root / "keys", root / "keys" / "agencies", *own):
            mode = 0o700 if path.name in ("keys", "agencies") else 0o755
            path.mkdir(mode=mode, parents=True, exist_ok=True)
    return Directory(root, origin, places)


@contextlib.contextmanager
def made_or_cleared(directory: Directory) -> Iterator[None]:
    """Furnish a new home, or leave its directory empty if that fails. Under the home's lock."""
    if any(path.is_file() for path in directory.keys.rglob("*")):
        raise HomeExists(f"init: want an empty directory, got {directory.root} with keys in it")
    try:
        yield
    except BaseException:
        for path in directory.root.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK:  # another process may be waiting for it
                path.unlink(missing_ok=True)
        raise


def seal_directory(directory: Directory) -> None:
    """Write the file that makes the directory a home: the last step of ``init``."""
    with usable(directory.root):
        body = json.dumps(_document(directory), indent=2) + "\n"
        write_new(directory.root / "veracity.json", body.encode(), 0o644)


def _document(directory: Directory) -> dict[str, object]:
    """Return what the file says. A log elsewhere makes it v2, the home's own stores elsewhere v3.

    Who knows v1 alone finds no origin in them: it would else begin a second log of that name in the
    home itself.
    """
    places = directory.places
    if places == Places():
        return {"schema": _SCHEMA_V1, "origin": directory.origin}
    log = _without_none(origin=directory.origin, store=places.log_store, state=places.log_state)
    own = _without_none(objects=places.objects, database=places.database)
    return {"schema": _SCHEMA_V3 if own else _SCHEMA_V2, "log": log, **own}


def _without_none(**places: str | None) -> dict[str, str]:
    return {name: place for name, place in places.items() if place is not None}


def open_directory(root: Path) -> Directory:
    """Open a home; ``NoHome`` where there is none."""
    path = root / "veracity.json"
    try:
        document = json.loads(path.read_bytes()[:65_536])
        schema = document.get("schema", _SCHEMA_V1)
        log = {"origin": document["origin"]} if schema == _SCHEMA_V1 else dict(document["log"])
        own = document if schema == _SCHEMA_V3 else {}
        origin = log["origin"]
        places = Places(log.get("store"), log.get("state"), own.get("objects"), own.get("database"))
    except FileNotFoundError as exc:
        raise NoHome(f"home: want a directory made by `veracity init`, got {root}") from exc
    except OSError as exc:
        raise HomeUnusable(f"home: want to read {path}, got {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise NoHome(f"home: want an origin in {path}, got {type(exc).__name__}") from exc
    if schema not in (_SCHEMA_V1, _SCHEMA_V2, _SCHEMA_V3):
        raise NoHome(
            f"home: want {_SCHEMA_V1}, v2 or v3 in {path}, got {str(schema)[:40]!r}: made by a newer Veracity"
        )
    if not all(place is None or isinstance(place, str) for place in astuple(places)):
        raise NoHome(f"home: want its places as text in {path}, got something else")
    if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
        raise NoHome(f"home: want an origin in {path}, got {str(origin)[:80]!r}")
    directory = Directory(root, origin, places)
    if not directory.is_shared and not directory.database.is_file():
        raise HomeUnusable(
            f"home: want its database {directory.database}, got none; restore it from a backup"
        )
    return directory


@contextlib.contextmanager
def usable(root: Path) -> Iterator[None]:
    """Turn the system's refusals into ``HomeUnusable``."""
    try:
        yield
    except OSError as exc:
        where = exc.filename or root
        raise HomeUnusable(f"home: want to write {where}, got {exc.strerror or exc}") from exc


def write_new(path: Path, body: bytes, mode: int) -> None:
    """Write a new file durably, readable only as ``mode`` says from its first byte."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as out:
        os.fchmod(handle, mode)
        out.write(body)
        out.flush()
        os.fsync(handle)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def write_whole(path: Path, body: bytes, mode: int | None = None) -> None:
    """Write a file that appears whole or not at all, readable as ``mode`` says, or as usual."""
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as out:
            if mode is not None:
                os.fchmod(out.fileno(), mode)
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
