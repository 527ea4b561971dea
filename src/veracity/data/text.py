"""Text evidence: how a file's text is written, and what reading its records gives back."""

import codecs
from dataclasses import dataclass
from typing import Literal

import polars as pl

from veracity.data.errors import DataError
from veracity.errors import Malformed

RECORDS_PER_PAGE = 64
RECORDS_PER_PART = 524_288
PART_BYTES = 128 * 1024 * 1024
RECORD_BYTES = 65_536
LAYOUTS = 64
RECORD = "_record"  # the column that says which record a row came from

# Codecs in which bytes below 0x80 may stand for other characters, by state or by escape.
_SHIFTING = ("utf-7", "hz", "iso2022", "unicode", "raw-unicode", "punycode", "idna")
_ASCII = bytes(range(128))

RefusalCode = Literal["too-long", "encoding", "fields", "quotes", "json", "truncated"]


class UnsupportedText(DataError, Malformed):
    """The text format asked for is one whose records cannot be told apart byte by byte."""

    code = "unsupported-text"


class TooManyLayouts(DataError, Malformed):
    """The file changes its header more often than a statement can hold."""

    code = "too-many-layouts"


class UnreadableRecord(DataError, Malformed):
    """The bytes of one record give no row."""

    code = "unreadable-record"


@dataclass(frozen=True)
class TextFormat:
    """How records are written.

    Attributes
    ----------
    separator
        One ASCII character between CSV fields.
    encoding, fallback_encoding
        Tried in this order on each record. Both must be supersets of ASCII that any byte below
        0x80 stands for itself in: newlines and separators are found before decoding.

    Raises
    ------
    UnsupportedText
        If the separator or an encoding is none of these.
    """

    kind: Literal["csv", "ndjson"]
    separator: str = ","
    encoding: str = "utf-8"
    fallback_encoding: str | None = "windows-1252"

    def __post_init__(self) -> None:
        if self.kind not in ("csv", "ndjson"):
            raise UnsupportedText(f"text: want csv or ndjson, got {self.kind!r}")
        if len(self.separator) != 1 or not self.separator.isascii() or self.separator in '"\r\n\0':
            raise UnsupportedText(f"separator: want one ASCII character, got {self.separator!r}")
        for name in (self.encoding, self.fallback_encoding):
            if name is not None and not _is_plain(name):
                raise UnsupportedText(f"encoding: want a superset of ASCII such as utf-8, got {name!r}")


def _is_plain(encoding: str) -> bool:
    try:
        name = codecs.lookup(encoding).name.replace("_", "-")
        return not name.startswith(_SHIFTING) and _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except (LookupError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that could not be read, and why. ``line`` counts from 1 as editors do."""

    record: int
    line: int
    code: RefusalCode
    detail: str


@dataclass(frozen=True)
class ParsedRecords:
    """What a run of records holds: every record is exactly one row, refusal, header or blank.

    Attributes
    ----------
    frame
        ``_record`` (Int64, position in the run, rising) and one column a source column: String,
        or the type asked for. A column that only some layouts have is null elsewhere.
    refusals
        In order of ``record``.
    layouts
        ``(first record it holds for, column names)``, a header's own record included.
    """

    frame: pl.DataFrame
    refusals: list[Refusal]
    n_headers: int
    n_blank: int
    layouts: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def n_records(self) -> int:
        """Number of records in the run."""
        return self.frame.height + len(self.refusals) + self.n_headers + self.n_blank
