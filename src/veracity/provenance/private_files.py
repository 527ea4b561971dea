"""Files that hold a private key: new, durable, and readable by their owner alone."""

import os
import stat
from pathlib import Path

from veracity.provenance.errors import ExposedKey, KeyUnavailable


def write_private(path: Path, body: bytes) -> None:
    """Write a new file of mode 0600, durably.

    Raises
    ------
    KeyUnavailable
        If there is a file already (keys are never overwritten), or it cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as exc:
        raise KeyUnavailable(f"key file: want to write a new {path}, got {exc.strerror or exc}") from exc


def read_private(path: Path, max_bytes: int) -> bytes:
    """Read at most ``max_bytes`` and one of a file that only its owner can read.

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
            body = file.read(max_bytes + 1) if stat.S_ISREG(status.st_mode) else None
    except OSError as exc:
        raise KeyUnavailable(f"key file: want to read {path}, got {exc.strerror or exc}") from exc
    if body is None:
        raise KeyUnavailable(f"key file: want a regular file, got {path}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ExposedKey(f"key file {path}: want mode 0600, got {mode:04o}")
    return body
