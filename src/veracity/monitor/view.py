"""A log as it is shown to us: its files, over HTTP or in a directory, each asked for with patience."""

from pathlib import Path

from veracity.log.bundles import MAX_BUNDLE_BYTES
from veracity.log.doors import Objects
from veracity.log.errors import StoreUnavailable
from veracity.log.notes import MAX_NOTE_BYTES
from veracity.monitor.patience import Asked
from veracity.stores.http_objects import HttpObjects
from veracity.stores.plain_files import PlainFiles

ANSWER_S = 60.0


class PatientHttp(HttpObjects):
    """Objects over HTTP, each waited for at most ``timeout_s``, however the server sends it."""

    def __init__(self, url: str, timeout_s: float, other_bytes: int) -> None:
        super().__init__(url, other_bytes=other_bytes)
        self._timeout_s = timeout_s

    def get(self, path: str) -> bytes:
        """Return an object's content; StoreUnavailable if it does not come in time."""
        read = super().get
        return Asked(f"read {path}", lambda: read(path)).answer(self._timeout_s)


def is_http(location: str) -> bool:
    """Tell whether a location is asked over HTTP."""
    return location.startswith(("http://", "https://"))


def open_view(location: str, timeout_s: float = ANSWER_S, other_bytes: int = MAX_NOTE_BYTES) -> Objects:
    """Open a log to read: ``http(s)://…`` or a directory.

    Of what is neither a tile nor a bundle at most ``other_bytes`` are read.

    Raises
    ------
    StoreUnavailable
        If it is neither, or the directory cannot be read.
    """
    if is_http(location):
        return PatientHttp(location, timeout_s, other_bytes)
    if "://" in location or not location or "\0" in location:
        raise StoreUnavailable(f"log: want http(s)://… or a directory, got {location[:80]!r}")
    return PlainFiles(Path(location), MAX_BUNDLE_BYTES)
