"""From the text of a location to the store behind it: where a log's files are, where its state is.

========================================  ==========================================
files of a log                            state of a log
========================================  ==========================================
a directory                               a SQLite file, or ``sqlite:///path``
``s3://bucket/prefix``                    ``s3://bucket/prefix`` (another one)
``https://host/path`` (to read)           ``postgresql://user@host/database``
========================================  ==========================================
"""

from pathlib import Path
from typing import Protocol

from veracity.log.doors import LogState, Objects
from veracity.stores.conditional import ConditionalObjects
from veracity.stores.database import Database
from veracity.stores.errors import BadLocation
from veracity.stores.http_objects import MAX_BUNDLE_BYTES, HttpObjects
from veracity.stores.log_state import CHECKPOINTS, SqlLogState
from veracity.stores.object_state import MAX_STATE_BYTES, ObjectState
from veracity.stores.objects import LocalObjects, StoredObjects
from veracity.stores.postgres import PostgresDatabase, has_password
from veracity.stores.s3 import open_folder
from veracity.stores.served import headers_of

_HTTP = ("https://", "http://")
_POSTGRES = ("postgresql://", "postgres://")
_SQLITE = "sqlite:///"


class OpenState(LogState, Protocol):
    """A state that was opened here, and is closed by who asked for it."""

    def close(self) -> None:
        """Let go of connections."""


def open_objects(location: str, *, read_only: bool = False) -> Objects:
    """Open the files of a log.

    Raises
    ------
    BadLocation
        If the text is no location, or one to read only and ``read_only`` was not said.
    StoreUnavailable
        If the place cannot be opened.
    """
    if location.startswith("s3://"):
        return StoredObjects(open_folder(location), max_bytes=2 * MAX_BUNDLE_BYTES, headers=headers_of)
    if location.startswith(_HTTP):
        if not read_only:
            raise BadLocation(
                f"log: want a place to write, got {location.split('://')[0]}, which is read only"
            )
        return HttpObjects(location)
    return LocalObjects(_path(location), read_only=read_only)


def open_state(location: str, *, read_only: bool = False) -> OpenState:
    """Open the state of logs; errors as ``open_objects``."""
    if location.startswith("s3://"):
        once = open_folder(location, retry=False)
        return ObjectState(ConditionalObjects(once, MAX_STATE_BYTES))
    if location.startswith(_POSTGRES):
        return SqlLogState(PostgresDatabase(location, tables=(CHECKPOINTS,), read_only=read_only))
    return SqlLogState(Database(_path(location.removeprefix(_SQLITE)), read_only=read_only))


def settled(location: str) -> str:
    """Return a location that means the same wherever it is read: paths become absolute."""
    path = location.removeprefix(_SQLITE)
    return location if "://" in path else str(_path(path).absolute())


def check_places(log_store: str | None, log_state: str | None) -> None:
    """Raise ``BadLocation`` unless these two can be written down as the places of one log.

    A password does not belong in a file that says where things are, nor a state among the files
    of a log, where a check would find it one file too many.
    """
    if log_store is not None and log_store.startswith(_HTTP):
        raise BadLocation("log store: want a place to write, got one that is read only")
    if log_state is not None and log_state.startswith(_POSTGRES) and has_password(log_state):
        raise BadLocation("log state: want no password in the address; PGPASSWORD or a password file has it")
    if log_store is not None and log_state is not None:
        one, other = (place.rstrip("/") + "/" for place in (log_store, log_state))
        if one.startswith(other) or other.startswith(one):
            raise BadLocation("log state: want a place outside the log store, got one within")


def _path(location: str) -> Path:
    """Return a path; what looks like another kind of location is none."""
    if "://" in location or not location or "\0" in location:
        kind = location.split("://")[0][:20]
        raise BadLocation(
            f"location: want a path, s3://, https://, postgresql:// or sqlite:///path, got {kind!r}"
        )
    return Path(location)
