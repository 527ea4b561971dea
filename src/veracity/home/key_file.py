"""A file of keys: what a sender who protects a file hands over apart from it, to the city alone.

NDJSON, mode 0600. The first line names the protected file; each other one is a record's key, in order::

    {"schema":"veracity.personal-keys/v1","feed":"requests","sha256":"…","bytes":1234}
    {"record":1,"name":"…","key":"…"}

With it and the protected file anybody reads the values: it travels like a secret, and is destroyed
once the city has taken it.
"""

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from veracity.canonical import canonical_json
from veracity.data.contract import Contract
from veracity.data.personal.protect import ProtectedRecord
from veracity.data.personal.token import KEY_BYTES, RecordKey, format_name, parse_name
from veracity.errors import Malformed
from veracity.feeds.file_info import FileInfo
from veracity.home.directory import usable
from veracity.home.errors import HomeUnusable, MalformedKeys
from veracity.home.protection import write_protected
from veracity.provenance.fields import Fields
from veracity.provenance.statements.statement import FEED, FEED_NAME

SCHEMA = "veracity.personal-keys/v1"
_LINE = 1_024
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class KeyFileHead:
    """Which protected file the keys are of."""

    feed: str
    sha256: str
    n_bytes: int


def protect_file(contract: Contract, info: FileInfo, to: Path, keys: Path) -> int:
    """Write the protected form of a file, and its keys apart; return how many records have one.

    Both are new files, and there only once they are whole.

    Raises
    ------
    HomeUnusable
        If either is there, or cannot be written.
    """
    for path in (to, keys):
        if os.path.lexists(path):
            raise HomeUnusable(f"protect: want a new file, got {path}, which is there")
    parts = [path.with_name(path.name + ".part") for path in (to, keys)]
    n = 0
    try:
        with usable(to.parent), parts[0].open("wb") as out, _secret(parts[1]) as lines:
            lines.write(b" " * _LINE + b"\n")  # room for the head, which is known at the end

            def keep(records: Sequence[ProtectedRecord]) -> None:
                nonlocal n
                n += len(records)
                lines.write(b"".join(_line(r) for r in records))

            sha256, n_bytes = write_protected(contract, info, out, keep)
            head = {"schema": SCHEMA, "feed": contract.feed, "sha256": sha256, "bytes": n_bytes}
            lines.seek(0)
            lines.write(canonical_json(head))
            lines.flush()
            os.fsync(lines.fileno())
            parts[1].replace(keys)
            parts[0].replace(to)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return n


def _secret(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _line(record: ProtectedRecord) -> bytes:
    key = urlsafe_b64encode(record.key.key).rstrip(b"=").decode()
    return orjson.dumps({"record": record.record, "name": format_name(record.key.name), "key": key}) + b"\n"


class KeyFile:
    """A file of keys being read, in order."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        fields = self._fields(self._file.readline(2 * _LINE), "head")
        fields.choice("schema", (SCHEMA,))
        self.head = KeyFileHead(
            fields.matching("feed", FEED_NAME, FEED), fields.sha256("sha256"), fields.count("bytes")
        )
        fields.done()
        self._ahead: tuple[int, RecordKey] | None = self._next(-1)

    def up_to(self, record: int) -> Iterator[tuple[int, RecordKey]]:
        """Yield the keys of the records before ``record`` that were not yielded yet."""
        while self._ahead is not None and self._ahead[0] < record:
            yield self._ahead
            self._ahead = self._next(self._ahead[0])

    def _next(self, after: int) -> tuple[int, RecordKey] | None:
        line = self._file.readline(_LINE)
        if not line:
            return None
        fields = self._fields(line, "key")
        record = fields.count("record")
        name = fields.text("name", 22)
        key = fields.matching("key", _KEY, "32 bytes in base64url")
        fields.done()
        if record <= after:
            raise MalformedKeys(f"{self._name}: want records that ascend, got {record} after {after}")
        try:
            found = RecordKey(parse_name(name), urlsafe_b64decode(key + "="))
        except Malformed as exc:
            raise MalformedKeys(f"{self._name}: {exc}") from exc
        if len(found.key) != KEY_BYTES:  # pragma: no cover - 43 characters are 32 bytes
            raise MalformedKeys(f"{self._name}: want {KEY_BYTES} bytes, got {len(found.key)}")
        return record, found

    def _fields(self, line: bytes, what: str) -> Fields:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            raise MalformedKeys(f"{self._name}: want a JSON object a line, got other bytes") from exc
        return Fields(value, f"{self._name} {what}", MalformedKeys)
