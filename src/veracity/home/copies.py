"""Objects as files on this machine, for what reads files alone: columnar and compressed evidence."""

import tempfile
from pathlib import Path

from veracity.stores.objects import LocalObjects
from veracity.stores.opening import HomeObjects


class Copies:
    """Files of a home's objects: its own as they lie, or a copy of one elsewhere.

    One copy is kept at a time, until another is asked for: a disk must hold the largest file of
    evidence, not all of them.
    """

    def __init__(self, objects: HomeObjects) -> None:
        self._objects = objects
        self._path: str | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def file(self, path: str) -> Path:
        """Return an object's file; ``ObjectMissing`` if a store elsewhere has none.

        Of the home's own nobody has looked whether it is there.
        """
        if isinstance(self._objects, LocalObjects):
            return self._objects.root / path
        if self._folder is None or self._path != path:
            self.close()
            self._folder = tempfile.TemporaryDirectory(prefix="veracity-copy-")
            try:
                self._objects.fetch(path, Path(self._folder.name) / "object")
            except BaseException:
                self.close()
                raise
            self._path = path
        return Path(self._folder.name) / "object"

    def close(self) -> None:
        """Remove the copy."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
