"""A log as it is shown to us: its files, over HTTP (with patience), on S3 or in a directory."""

from pathlib import Path

from veracity.log.bundles import MAX_BUNDLE_BYTES
from veracity.log.doors import Objects
from veracity.log.notes import MAX_NOTE_BYTES
from veracity.monitor.patience import Asked
from veracity.stores.errors import BadLocation
from veracity.stores.http_objects import HttpObjects
from veracity.stores.opening import open_objects
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
    """Open a log to read: ``http(s)://…``, ``s3://…`` or a directory.

    Of what is neither a tile nor a bundle at most ``other_bytes`` are read.

    Raises
    ------
    BadLocation
        If it is none of these.
    StoreUnavailable
        If it cannot be opened.
    """
    if is_http(location):
        return PatientHttp(location, timeout_s, other_bytes)
    if location.startswith("s3://"):
        return open_objects(location, read_only=True)
    if "://" in location or not location or "\0" in location:
        raise BadLocation("log: want http(s)://…, s3://… or a directory, got another location")
    return PlainFiles(Path(location), MAX_BUNDLE_BYTES)
