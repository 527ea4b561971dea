"""Directories of files as they lie on a disk: each file by path and SHA-256, none passed over in silence."""

import os
import stat
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path

from veracity.errors import Malformed, Unavailable

CHUNK_BYTES = 1_048_576
MAX_DEPTH = 100


class UnusableDirectory(Unavailable):
    """A directory or a file in it cannot be read."""

    code = "unusable-directory"


class UnfitDirectory(Malformed):
    """A directory holds what cannot be named or read as a file: a link, a pipe, a name that is no text."""

    code = "unfit-directory"


def hash_files(
    root: Path, ignored: Collection[str], *, max_files: int, allow_symlinks: bool = False
) -> dict[str, str]:
    """Return the hex SHA-256 of every file under ``root``, by its path there with ``/`` between names.

    Memory is bounded by the number of files, never by their size.

    Parameters
    ----------
    ignored
        Paths relative to ``root`` that are left out, with all below them. No other is: hidden files count.
    allow_symlinks
        Whether to follow links to files. Links to directories are refused always: the public tool leaves
        what is behind them unsigned.

    Raises
    ------
    UnusableDirectory
        If something cannot be read.
    UnfitDirectory
        If something is neither a file nor a directory, a link that may not be followed, or has a name that
        is not UTF-8; or there are too many files.
    """
    files: dict[str, str] = {}
    for path, where in _walk(root, "", frozenset(ignored), allow_symlinks, 0):
        files[path] = _digest(where, follow=allow_symlinks)
        if len(files) > max_files:
            raise UnfitDirectory(f"{root}: want at most {max_files} files, got more")
    return files


def _walk(
    directory: Path, prefix: str, ignored: frozenset[str], allow_symlinks: bool, depth: int
) -> Iterator[tuple[str, Path]]:
    if depth > MAX_DEPTH:
        raise UnfitDirectory(f"{directory}: want at most {MAX_DEPTH} directories deep, got more")
    try:
        with os.scandir(directory) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as exc:
        raise UnusableDirectory(f"directory: want to read {directory}, got {exc.strerror}") from exc
    for entry in entries:
        path = prefix + _name(entry)
        if path in ignored:
            continue
        where = directory / entry.name
        if entry.is_symlink() and not allow_symlinks:
            raise UnfitDirectory(
                f"{path}: want a file or a directory, got a symbolic link (allow them to follow)"
            )
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(where, f"{path}/", ignored, allow_symlinks, depth + 1)
        elif entry.is_file():
            yield path, where
        else:
            raise UnfitDirectory(f"{path}: want a file or a directory, got something else")


def _name(entry: "os.DirEntry[str]") -> str:
    try:
        entry.name.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise UnfitDirectory(f"{os.fsencode(entry.path)!r}: want a name in UTF-8, got other bytes") from exc
    return entry.name


def _digest(path: Path, *, follow: bool) -> str:
    hasher = sha256()
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        with os.fdopen(os.open(path, flags), "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnfitDirectory(f"{path}: want a file, got something else")
            while chunk := file.read(CHUNK_BYTES):
                hasher.update(chunk)
    except OSError as exc:
        raise UnusableDirectory(f"file: want to read {path}, got {exc.strerror}") from exc
    return hasher.hexdigest()
