"""The lock of a home's directory: one process writes, the next in line waits and says so.

Two files, each held by ``flock``, which the kernel lets go of when the holder ends, however it ends:

``lock``
    Held by the process that writes.
``lock.wanted``
    Held by the process that is next. Everybody who wants ``lock`` must hold it first, so that a
    process that let others in and comes again stands behind them.

Each holder writes its process id into its file, and ``passes`` after it if it is a process that stays
and lets others in between its turns, as the live worker does. Such a one is worth waiting for.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from veracity.home.directory import LOCK, WANTED, Directory, usable
from veracity.home.errors import HomeBusy
from veracity.stores.session_lock import PATIENCE_S

_POLL_S = 0.01
_PASSES = " passes"


@dataclass(frozen=True)
class DirectoryLock:
    """The lock, held."""

    root: Path

    def is_wanted(self) -> bool:
        """Tell whether another process of this machine waits for the lock."""
        with contextlib.ExitStack() as stack:
            return not _take(_open(stack, self.root / WANTED))


@contextlib.contextmanager
def writing(
    directory: Directory, wait_s: float | None = None, *, passes_on: bool = False
) -> Iterator[DirectoryLock]:
    """Hold the lock of a home's directory.

    Parameters
    ----------
    wait_s
        How long to wait for it. None: ``PATIENCE_S`` where the holder, or the next in line, lets others
        in between its turns; else not at all.
    passes_on
        Say of ourselves that we do.

    Raises
    ------
    HomeBusy
        With the other's process id, if it is still held then.
    """
    root = directory.root
    said = f"{os.getpid()}{_PASSES if passes_on else ''}\n".encode()
    with contextlib.ExitStack() as stack:
        lock, wanted = (_open(stack, root / name) for name in (LOCK, WANTED))
        waits = _Waits(root, (lock, wanted), wait_s)
        for handle in (wanted, lock):
            waits.until_taken(handle)
            with usable(root):
                os.ftruncate(handle, 0)
                os.pwrite(handle, said, 0)
        fcntl.flock(wanted, fcntl.LOCK_UN)
        yield DirectoryLock(root)


class _Waits:
    """Waits for one file and then another, until one moment."""

    def __init__(self, root: Path, files: tuple[int, int], wait_s: float | None) -> None:
        self._root, self._files = root, files
        self._until = None if wait_s is None else time.monotonic() + wait_s

    def until_taken(self, handle: int) -> None:
        """Take one file, or raise ``HomeBusy``."""
        while not _take(handle):
            if self._until is None:
                passes = any(_PASSES in _read(file) for file in self._files)
                self._until = time.monotonic() + (PATIENCE_S if passes else 0.0)
            if time.monotonic() >= self._until:
                holder = _read(self._files[0]).removesuffix(_PASSES) or "unknown"
                raise HomeBusy(f"home {self._root}: want its lock, got it held by process {holder}")
            time.sleep(_POLL_S)


def _open(stack: contextlib.ExitStack, path: Path) -> int:
    with usable(path.parent):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    stack.callback(os.close, handle)
    return handle


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(handle: int) -> str:
    return os.pread(handle, 32, 0).decode("ascii", "replace").strip()
