"""Where a log to be served is."""

from pathlib import Path

from veracity.home.directory import open_directory
from veracity.log.doors import Objects
from veracity.log.reader import CHECKPOINT_PATH
from veracity.server.errors import NoSuchLog
from veracity.stores.opening import open_objects


def open_log(location: str) -> Objects:
    """Open, for reading only, the log at a location; NoSuchLog if none is published there."""
    objects = open_objects(location, read_only=True)
    if not objects.exists(CHECKPOINT_PATH):
        raise NoSuchLog(f"log: want a published checkpoint in {location}, got none")
    return objects


def log_of_home(home: Path) -> str:
    """Return the location of the log of a city's home."""
    return open_directory(home).log
