"""Files made for readers, kept for a while: bounded in number, in room, and in how many are made at once.

A file is made once for all who ask for it at a time, under a name that is not its own until it is whole.
What it was, its size and digest, is remembered longer than the file.
"""

import hashlib
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from veracity.server.errors import SpoolFull

MAX_AT_ONCE = 2  #: files that are made
MAX_CALLERS = 8  #: who make a file or wait for one; further ones are turned away, not kept waiting
WAIT_S = 45.0  #: for one's turn, or for another who makes the same file
MAX_REMEMBERED = 100_000
_CHUNK = 1024 * 1024

Key = tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """What a file was when it was made."""

    n_bytes: int
    sha256: str


class Spool:
    """A directory of files that can be made again; it goes when the process ends.

    Parameters
    ----------
    max_bytes
        Room for all together. The file asked for least recently goes first.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._callers = threading.BoundedSemaphore(MAX_CALLERS)
        self._kept: OrderedDict[Key, tuple[Path, int]] = OrderedDict()
        self._remembered: OrderedDict[Key, Made] = OrderedDict()
        self._under_way: dict[Key, threading.Event] = {}
        self._n = 0

    def known(self, key: Key) -> Made | None:
        """Return what a file was, if it was made before."""
        with self._lock:
            return self._remembered.get(key)

    def made(self, key: Key, make: Callable[[Path], None], n_bytes_likely: int = 0) -> Made:
        """Return what a file is; it is made if that is not known."""
        known = self.known(key)
        if known is not None:
            return known
        file, made = self.opened(key, make, n_bytes_likely)
        file.close()
        return made

    def opened(
        self, key: Key, make: Callable[[Path], None], n_bytes_likely: int = 0
    ) -> tuple[BinaryIO, Made]:
        """Return a file opened for reading, made if it is not there. The caller closes it.

        Raises
        ------
        SpoolFull
            If it is likely larger than all the room, there is no disk for it, or no turn came in time.
        """
        if n_bytes_likely > self._max_bytes:
            raise SpoolFull(f"file: want one of less than {self._max_bytes} bytes, got a larger one")
        with self._lock:
            found = self._open(key)
        if found is not None:
            return found
        if not self._callers.acquire(blocking=False):
            raise SpoolFull("file: want fewer who wait for files, got many; try again")
        try:
            return self._awaited(key, make)
        finally:
            self._callers.release()

    def _awaited(self, key: Key, make: Callable[[Path], None]) -> tuple[BinaryIO, Made]:
        """Make a file, or wait for who makes it."""
        while True:
            with self._lock:
                found = self._open(key)
                if found is not None:
                    return found
                other = self._under_way.get(key)
                if other is None:
                    mine = self._under_way[key] = threading.Event()
                    break
            if not other.wait(WAIT_S):
                raise SpoolFull("file: want it made in time, got none yet; try again")
        try:
            return self._make(key, make)
        finally:
            with self._lock:
                del self._under_way[key]
            mine.set()

    def _make(self, key: Key, make: Callable[[Path], None]) -> tuple[BinaryIO, Made]:
        if not self._turns.acquire(timeout=WAIT_S):
            raise SpoolFull("file: want a turn to make it, got none in time; try again")
        try:
            path = self._new_path(key[-1])
            try:
                make(path)
                made = _measured(path)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        except OSError as exc:
            raise SpoolFull(f"file: want room for it, got {exc.strerror}") from exc
        finally:
            self._turns.release()
        file = path.open("rb")
        with self._lock:
            self._kept[key] = path, made.n_bytes
            self._remembered[key] = made
            while len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
            self._shrink()
        return file, made

    def _new_path(self, name: str) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="veracity-downloads-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            self._n += 1
            return self._folder / f"{self._n}-{name}"

    def _open(self, key: Key) -> tuple[BinaryIO, Made] | None:
        """Open a file that is there; who holds the lock calls this."""
        if key not in self._kept:
            return None
        try:
            file = self._kept[key][0].open("rb")
        except OSError:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return file, self._remembered[key]

    def _shrink(self) -> None:
        """Take out the files used least recently; those that are being read stay until they are closed."""
        while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._max_bytes:
            _, (path, _) = self._kept.popitem(last=False)
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _measured(path: Path) -> Made:
    digest, n_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            n_bytes += len(chunk)
    return Made(n_bytes, digest.hexdigest())
