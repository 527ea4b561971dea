"""From the text of a location to the store behind it: what a log stands on, and what a home does.

========================================  ==========================================
files of a log                            state of a log
========================================  ==========================================
a directory                               a SQLite file, or ``sqlite:///path``
``s3://bucket/prefix``                    ``s3://bucket/prefix`` (another one)
``https://host/path`` (to read)           ``postgresql://user@host/database``
========================================  ==========================================

========================================  ==========================================
objects of a home                         database of a home
========================================  ==========================================
its directory                             its SQLite file
``s3://bucket/prefix``                    ``postgresql://user@host/database``
========================================  ==========================================
"""

from pathlib import Path
from typing import Protocol

from veracity.log.bundles import MAX_BUNDLE_BYTES
from veracity.log.doors import LogState, Objects
from veracity.stores.conditional import ConditionalObjects, check_conditions
from veracity.stores.database import Database
from veracity.stores.errors import BadLocation
from veracity.stores.log_state import CHECKPOINTS, SqlLogState
from veracity.stores.object_state import MAX_STATE_BYTES, ObjectState
from veracity.stores.objects import LocalObjects, StoredObjects
from veracity.stores.postgres import PostgresDatabase, has_password
from veracity.stores.s3 import S3Objects, open_folder
from veracity.stores.served import headers_of

_HTTP = ("https://", "http://")
_POSTGRES = ("postgresql://", "postgres://")
_SQLITE = "sqlite:///"
_PROBE = "conditional-writes"


HomeObjects = LocalObjects | S3Objects  #: both tell the libraries of tables where they are


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
        from veracity.stores.http_objects import HttpObjects  # an HTTP library, for the few that read so

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


def open_home_objects(location: str, *, read_only: bool = False) -> HomeObjects:
    """Open the objects of a home; errors as ``open_objects``."""
    if location.startswith("s3://"):
        return S3Objects(location, read_only=read_only)
    return LocalObjects(_path(location), read_only=read_only)


def check_home_objects(location: str) -> None:
    """Raise ``StoreUnavailable`` unless the store refuses to replace what is to be new.

    Two writers could else commit one version of a table. Tried with an object that is removed again.
    """
    once = open_folder(location, retry=False)
    check_conditions(ConditionalObjects(once, MAX_STATE_BYTES), _PROBE)
    S3Objects(location).delete(_PROBE)


def settled(location: str) -> str:
    """Return a location that means the same wherever it is read: paths become absolute."""
    path = location.removeprefix(_SQLITE)
    return location if "://" in path else str(_path(path).absolute())


def check_places(
    log_store: str | None = None,
    log_state: str | None = None,
    objects: str | None = None,
    database: str | None = None,
) -> None:
    """Raise ``BadLocation`` unless these can be written down as the places of one log and one home.

    A password does not belong in a file that says where things are, nor a state among the files
    of a log, where a check would find it one file too many, nor the files of a log among those of a
    home, but for the place that they have there.
    """
    if log_store is not None and log_store.startswith(_HTTP):
        raise BadLocation("log store: want a place to write, got one that is read only")
    if objects is not None and not objects.startswith("s3://"):
        raise BadLocation("objects: want s3://bucket/prefix, got another kind of place")
    if database is not None and not database.startswith(_POSTGRES):
        raise BadLocation("database: want postgresql://user@host/database, got another kind of place")
    for name, place in (("log state", log_state), ("database", database)):
        if place is not None and place.startswith(_POSTGRES) and has_password(place):
            raise BadLocation(
                f"{name}: want no password in the address; PGPASSWORD or a password file has it"
            )
    _check_apart("log state", log_state, "the log store", log_store)
    _check_apart("log state", log_state, "the objects", objects)
    _check_apart("log store", log_store, "the objects", objects)


def _check_apart(name: str, place: str | None, other_name: str, other: str | None) -> None:
    if place is None or other is None:
        return
    one, two = (p.rstrip("/") + "/" for p in (place, other))
    if one.startswith(two) or two.startswith(one):
        raise BadLocation(f"{name}: want a place outside {other_name}, got one within")


def _path(location: str) -> Path:
    """Return a path; what looks like another kind of location is none."""
    if "://" in location or not location or "\0" in location:
        kind = location.split("://")[0][:20]
        raise BadLocation(
            f"location: want a path, s3://, https://, postgresql:// or sqlite:///path, got {kind!r}"
        )
    return Path(location)
