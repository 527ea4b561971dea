"""Small files that only their owner can read, written and removed durably."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from veracity.provenance.errors import ExposedKey, KeyUnavailable

MAX_SECRET_BYTES = 4_096


def read_secret(path: Path, what: str, called: str | None = None) -> bytes:
    """Read a file; of one longer than ``MAX_SECRET_BYTES`` no more than that and one.

    ``called`` is what errors name instead of the path, where the path may be a secret given by mistake.

    Raises
    ------
    KeyUnavailable
        If there is no such file or it cannot be read.
    ExposedKey
        If its group or others may do anything with it.
    """
    named = called or path
    try:
        with open_regular(path) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            secret = file.read(MAX_SECRET_BYTES + 1)
    except OSError as exc:
        raise KeyUnavailable(f"{what}: want to read {named}, got {exc.strerror or exc}") from exc
    if mode & 0o077:
        raise ExposedKey(f"{what} {named}: want mode 0600, got {mode:04o}")
    return secret


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read. OSError if it is something else: a named pipe is not waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "no regular file", os.fspath(path))
    return os.fdopen(handle, "rb")


def write_secret(path: Path, body: bytes) -> None:
    """Write a new file of mode 0600 that appears whole or not at all.

    FileExistsError where there is one: it is never overwritten. OSError where it cannot be written.
    """
    with _beside(path, body) as part:
        os.link(part, path)
    sync_directory(path.parent)


def replace_secret(path: Path, body: bytes) -> None:
    """Write a file of mode 0600 that appears whole or not at all, over an older one."""
    with _beside(path, body) as part:
        part.replace(path)
    sync_directory(path.parent)


@contextlib.contextmanager
def _beside(path: Path, body: bytes) -> Iterator[Path]:
    """Write the bytes durably to a file beside ``path``, which is gone when this ends."""
    part = part_of(path)
    part.unlink(missing_ok=True)  # of a crash
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def remove_secret(path: Path) -> None:
    """Unlink a file, if it is there, for good, and what a crash left of writing it."""
    path.unlink(missing_ok=True)
    part_of(path).unlink(missing_ok=True)
    sync_directory(path.parent)


def remove_part(path: Path) -> None:
    """Unlink what a crash left beside a file that is whole: perhaps its second name."""
    part_of(path).unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Return where a file's bytes are until it is whole; what is there before goes."""
    return path.with_name(f"{path.name}.part")


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
