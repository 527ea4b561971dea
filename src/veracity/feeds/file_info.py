"""What a file is: kind, size and digest, and whether it still is the same file later."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Literal

from veracity.feeds.errors import BadFileName, ChangedFile, UnknownFileKind, UnreadableFile
from veracity.provenance.statements.file import FILE_NAME, WANT_FILE_NAME

FileKind = Literal["csv", "ndjson", "parquet"]
Compression = Literal["none", "gzip"]
Identity = tuple[int, int, int, int, int]

_KINDS: dict[str, FileKind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}
_FOREIGN = {
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PK\x03\x04": "a ZIP archive or Excel workbook",
    b"PAR1": "a Parquet file",
    b"BZh": "a bzip2 file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x1f\x8b": "a gzip file",
}


@dataclass(frozen=True)
class FileInfo:
    """A file as it was found.

    Attributes
    ----------
    n_bytes, sha256
        Of the bytes on disk, compressed or not; lowercase hex.
    identity
        Device, inode, size and the two times of change (ns), of which a program can set only one
        back: a later read compares them.
    """

    path: Path
    kind: FileKind
    compression: Compression
    n_bytes: int
    sha256: str
    identity: Identity = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name


def inspect(path: Path) -> FileInfo:
    """Tell what a file is, reading it once.

    The kind is what the name ends in: ``.csv``, ``.tsv``, ``.ndjson``, ``.jsonl`` (each also with
    ``.gz``) or ``.parquet``, in any case; the first bytes must not say otherwise.

    Raises
    ------
    UnreadableFile
        If it is missing, no regular file, or may not be read.
    UnknownFileKind
        If name or first bytes are of no kind we read.
    BadFileName
        If no statement could carry its name.
    ChangedFile
        If it changed meanwhile.
    """
    _check_name(path.name)
    kind, compression = _kind(path)
    with open_file(path) as file:
        before = _identity(file)
        _check_head(path, kind, compression, file.read(8))
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        n_bytes = file.tell()
        if _identity(file) != before or n_bytes != before[2]:
            raise ChangedFile(f"{path.name}: want a file that stays as it is while read, got a change")
    return FileInfo(path, kind, compression, n_bytes, digest, before)


@contextmanager
def open_again(info: FileInfo) -> Iterator[BufferedReader]:
    """Open an inspected file; on the way in and on the way out it must still be the same.

    Raises
    ------
    ChangedFile
        If it is not. What was read before that must not be used.
    UnreadableFile
        If it is gone, or reading fails.
    """
    with open_file(info.path) as file:
        check_same(info, file)
        yield file
        check_same(info, file)


def check_unchanged(info: FileInfo) -> None:
    """Raise ``ChangedFile`` unless an inspected file still is the one whose digest was taken."""
    with open_again(info):
        return


def read_file(path: Path, limit: int) -> bytes:
    """Return a regular file's first ``limit`` bytes and one more, if it has more; see ``open_file``."""
    with open_file(path) as file:
        return file.read(limit + 1)


@contextmanager
def open_file(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file, turning what the system says into `UnreadableFile`."""
    try:
        # Not to wait where there is a named pipe instead of a file.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as exc:
        raise UnreadableFile(f"{path}: want a readable file, got: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise UnreadableFile(f"{str(path)[:80]!r}: want a file name, got: {exc}") from exc
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnreadableFile(f"{path}: want a regular file, got a folder or a device")
        try:
            yield file
        except OSError as exc:
            raise UnreadableFile(f"{path}: want a readable file, got: {exc.strerror or exc}") from exc


def check_same(info: FileInfo, file: BufferedReader) -> None:
    """Raise `ChangedFile` unless the open ``file``, and the path, are still what was inspected."""
    try:
        at_path = _stat(info.path.stat())
    except OSError:
        at_path = None
    if not _identity(file) == info.identity == at_path:
        raise ChangedFile(f"{info.name}: want the file of sha256 {info.sha256[:12]}, got one changed since")


def _identity(file: BufferedReader) -> Identity:
    return _stat(os.fstat(file.fileno()))


def _stat(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _check_name(name: str) -> None:
    try:
        is_text = bool(name.encode())
    except UnicodeEncodeError:
        is_text = False
    if not is_text or not FILE_NAME.fullmatch(name):
        raise BadFileName(f"file name: want {WANT_FILE_NAME}, in UTF-8 and printable, got {name[:80]!r}")


def _kind(path: Path) -> tuple[FileKind, Compression]:
    name = path.name.lower()
    bare = name.removesuffix(".gz")
    kind = _KINDS.get(Path(bare).suffix)
    if kind is None or (kind == "parquet" and bare != name):
        wanted = ".csv, .tsv, .ndjson, .jsonl (or these with .gz) or .parquet"
        raise UnknownFileKind(f"{path.name}: want a name that ends in {wanted}")
    return kind, "gzip" if bare != name else "none"


def _check_head(path: Path, kind: FileKind, compression: Compression, head: bytes) -> None:
    """Compare the first bytes with the kind; an empty file may be any text."""
    wanted = {"parquet": b"PAR1"}.get(kind, b"\x1f\x8b" if compression == "gzip" else b"")
    if head.startswith(wanted) and (wanted or not any(head.startswith(magic) for magic in _FOREIGN)):
        return
    got = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), repr(head))
    what = "gzip" if compression == "gzip" else f"plain {kind}" if kind != "parquet" else "Parquet"
    raise UnknownFileKind(f"{path.name}: want {what} as its name says, got {got}")
