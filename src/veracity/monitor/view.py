"""A log as it is shown to us: its files, over HTTP or in a directory, each asked for with patience."""

from pathlib import Path
from typing import Protocol

from veracity.log.bundles import MAX_BUNDLE_BYTES
from veracity.log.doors import Objects
from veracity.log.errors import StoreUnavailable
from veracity.monitor.patience import Asked
from veracity.stores.http_objects import HttpObjects
from veracity.stores.plain_files import PlainFiles

ANSWER_S = 60.0


class View(Protocol):
    """The one thing a monitor asks of a location."""

    def get(self, path: str) -> bytes:
        """Return an object's content; ObjectMissing or StoreUnavailable otherwise."""


class PatientObjects:
    """Objects of which each answer is waited for at most ``timeout_s``. Only ``get`` is patient."""

    def __init__(self, objects: Objects, timeout_s: float = ANSWER_S) -> None:
        self._objects = objects
        self._timeout_s = timeout_s

    def get(self, path: str) -> bytes:
        """Return an object's content; StoreUnavailable if it does not come in time."""
        return Asked(f"read {path}", lambda: self._objects.get(path)).answer(self._timeout_s)


def is_http(location: str) -> bool:
    """Tell whether a location is asked over HTTP."""
    return location.startswith(("http://", "https://"))


def open_view(location: str, timeout_s: float = ANSWER_S, other_bytes: int | None = None) -> View:
    """Open a log to read: ``http(s)://…`` or a directory.

    ``other_bytes`` bounds what is neither tile nor bundle.

    Raises
    ------
    StoreUnavailable
        If it is neither, or the directory cannot be read.
    """
    if is_http(location):
        objects = HttpObjects(location) if other_bytes is None else HttpObjects(location, other_bytes=other_bytes)
        return PatientObjects(objects, timeout_s)
    if "://" in location or not location or "\0" in location:
        raise StoreUnavailable(f"log: want http(s)://… or a directory, got {location[:80]!r}")
    return PlainFiles(Path(location), MAX_BUNDLE_BYTES)
