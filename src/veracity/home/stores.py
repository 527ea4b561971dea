"""What a home stands on: its objects, its database, its log, each its own or elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import MetaData

from veracity.home.directory import Directory
from veracity.home.errors import HomeBusy
from veracity.log.doors import Objects
from veracity.stores.database import METADATA, Database
from veracity.stores.opening import HomeObjects, OpenState, open_home_objects, open_objects, open_state
from veracity.stores.postgres import PostgresDatabase
from veracity.stores.sql import SqlDatabase


@dataclass(frozen=True)
class Stores:
    """What a home stands on."""

    objects: HomeObjects
    log_objects: Objects
    database: SqlDatabase
    log_state: OpenState | None = None  #: None for one in the database

    @classmethod
    def of(cls, directory: Directory, *, read_only: bool = False) -> Stores:
        """Open the directory's stores, wherever they are; ``read_only`` writes and makes nothing."""
        objects = open_home_objects(directory.objects, read_only=read_only)
        log_objects = open_objects(directory.log, read_only=read_only)
        database = open_database(directory, read_only=read_only)
        if directory.log_state is None:
            return cls(objects, log_objects, database)
        try:
            state = open_state(directory.log_state, read_only=read_only)
        except BaseException:
            database.close()
            raise
        return cls(objects, log_objects, database, state)

    def close(self) -> None:
        """Close the database, and the state of the log where it is elsewhere."""
        if self.log_state is not None:
            self.log_state.close()
        self.database.close()


def open_database(
    directory: Directory, *, read_only: bool = False, metadata: MetaData = METADATA
) -> SqlDatabase:
    """Open the home's database: its own file, or PostgreSQL, with the tables of ``metadata``."""
    location = directory.places.database
    if location is None:
        return Database(directory.database, metadata=metadata, read_only=read_only)
    return PostgresDatabase(location, metadata=metadata, read_only=read_only)


def open_stores(directory: Directory, wait_s: float | None = None, *, passes_on: bool = False) -> Stores:
    """Open a home's stores for writing, and take the lock of a database that machines share.

    ``HomeBusy`` if another machine has it; how long to wait for that as ``open_writer`` says.
    """
    stores = Stores.of(directory)
    try:
        holder = stores.database.take_lock(wait_s, passes_on=passes_on)
        if holder is not None:
            raise HomeBusy(f"home {directory.root}: want the lock of its database, got it held by {holder}")
    except BaseException:
        stores.close()
        raise
    return stores
