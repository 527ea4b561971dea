"""A directory as it is on disk, nothing hidden: what a strict check of a log reads through.

obstore's listing leaves out temporary files, links, pipes and empty folders, follows links when it
reads, and waits for ever on a named pipe. Here a link is never followed, nothing but a plain file
is ever read, and whatever else lies there is told.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from veracity.log.errors import ObjectMissing, StoreUnavailable
from veracity.stores.objects import LocalObjects

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class PlainFiles(LocalObjects):
    """The plain files below ``root``, read only.

    Parameters
    ----------
    root
        The directory. It may itself be a link.
    max_bytes
        Of a longer file only this many bytes and one are returned, enough to see that it is too long.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        super().__init__(root, read_only=True)
        self._longest = max_bytes

    def get(self, path: str) -> bytes:
        """Return a plain file's content, or raise ObjectMissing: for a link or a pipe as well."""
        name = self.root / path
        try:
            # O_NONBLOCK: to open a named pipe must not wait for somebody to write into it.
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            raise (_missing(path, name) if _is_elsewhere(name) else _unreadable(path, exc)) from exc
        try:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise ObjectMissing(f"read {path}: want a plain file, got {_kind(mode)}")
            return _read(handle, self._longest + 1)
        except OSError as exc:
            raise _unreadable(path, exc) from exc
        finally:
            os.close(handle)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the path of every plain file below a folder; what is no UTF-8 in it is escaped."""
        for entry in _walk(self.root / prefix):
            if entry.is_file(follow_symlinks=False):
                yield _named(entry, self.root)

    def oddities(self) -> Iterator[tuple[str, str]]:
        """Yield (path, what it is) of all below the root but plain files and the folders they lie in."""
        for entry in _walk(self.root):
            if entry.is_dir(follow_symlinks=False):
                if _is_empty(entry.path):
                    yield _named(entry, self.root), "an empty folder"
            elif not entry.is_file(follow_symlinks=False):
                yield _named(entry, self.root), _kind(entry.stat(follow_symlinks=False).st_mode)


def _walk(root: str | Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder, links not followed; memory grows with folders, not with files."""
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    yield entry
        except FileNotFoundError:
            continue  # gone since it was listed, as a writer may make it
        except OSError as exc:
            raise StoreUnavailable(f"list {_shown(folder)}: {exc.strerror}") from exc


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise StoreUnavailable(f"list {_shown(folder)}: {exc.strerror}") from exc


def _read(handle: int, n_bytes: int) -> bytes:
    parts = []
    while n_bytes and (part := os.read(handle, n_bytes)):
        parts.append(part)
        n_bytes -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _is_elsewhere(name: Path) -> bool:
    """Tell whether no plain file stands there: none, a link, a socket, a file where a folder should be."""
    try:
        mode = os.lstat(name).st_mode
    except OSError as exc:
        return isinstance(exc, (FileNotFoundError, NotADirectoryError))
    return not stat.S_ISREG(mode)


def _missing(path: str, name: Path) -> ObjectMissing:
    try:
        got = _kind(os.lstat(name).st_mode)
    except OSError:
        got = "none"
    return ObjectMissing(f"read {path}: want a plain file, got {got}")


def _unreadable(path: str, exc: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"read {path}: {exc.strerror}")


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "no plain file")


def _named(entry: os.DirEntry[str], root: Path) -> str:
    return _shown(os.path.relpath(entry.path, root))


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
