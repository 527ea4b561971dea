"""Where a log to be served is."""

from pathlib import Path

from veracity.home.directory import open_directory
from veracity.log.doors import Objects
from veracity.log.reader import CHECKPOINT_PATH
from veracity.server.errors import NoSuchLog
from veracity.stores.objects import LocalObjects


def open_log(location: str) -> Objects:
    """Open, for reading only, the tlog-tiles directory at ``location``; NoSuchLog if none is there."""
    objects = LocalObjects(Path(location), read_only=True)
    if not objects.exists(CHECKPOINT_PATH):
        raise NoSuchLog(f"log: want a published checkpoint in {location}, got none")
    return objects


def log_of_home(home: Path) -> str:
    """Return the location of the log of a city's home."""
    return str(open_directory(home).store / "log")
