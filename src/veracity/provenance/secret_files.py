"""Small files that only their owner can read, written and removed durably."""

import contextlib
import os
import stat
from pathlib import Path

from veracity.provenance.errors import ExposedKey, KeyUnavailable

MAX_SECRET_BYTES = 4_096


def read_secret(path: Path, what: str) -> bytes:
    """Read a file; of one longer than ``MAX_SECRET_BYTES`` no more than that and one.

    Raises
    ------
    KeyUnavailable
        If there is no such file or it cannot be read.
    ExposedKey
        If its group or others may do anything with it.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            secret = file.read(MAX_SECRET_BYTES + 1) if stat.S_ISREG(status.st_mode) else None
    except OSError as exc:
        raise KeyUnavailable(f"{what}: want to read {path}, got {exc.strerror or exc}") from exc
    if secret is None:
        raise KeyUnavailable(f"{what}: want a regular file, got {path}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ExposedKey(f"{what} {path}: want mode 0600, got {mode:04o}")
    return secret


def write_secret(path: Path, body: bytes) -> None:
    """Write a new file of mode 0600; FileExistsError where there is one, OSError where it cannot be.

    A write that fails leaves no file. A crash may leave one cut short, which no reader takes for a key.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        sync_directory(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def replace_secret(path: Path, body: bytes) -> None:
    """Write a file of mode 0600 that appears whole or not at all, over an older one."""
    beside = path.with_name(f"{path.name}.part")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()  # of a crash
    write_secret(beside, body)
    try:
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sync_directory(path.parent)


def remove_secret(path: Path) -> None:
    """Unlink a file, if it is there, for good."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
