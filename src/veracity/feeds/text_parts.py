"""Text files in parts: streamed, decompressed, cut into records, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from veracity.data.bytescan import Offsets
from veracity.data.records import (
    PART_BYTES,
    RECORDS_PER_PAGE,
    RECORDS_PER_PART,
    TextFormat,
    split_records,
)
from veracity.feeds.errors import CorruptFile
from veracity.feeds.file_info import FileInfo, open_again
from veracity.feeds.text_stream import TextStream


@dataclass(frozen=True)
class TextPart:
    """A run of whole records of one file.

    Attributes
    ----------
    first_record, first_line
        Position of its first record in the file (from 0) and that record's line (from 1).
    ends
        (n,) int64 offsets in ``data`` where records end.
    continued
        Its first record goes on an over-long one of the part before: hand it to `parse_records`.
    truncated
        The gzip stream broke off after ``data``: likewise. Only a last part has it.
    """

    index: int
    first_record: int
    first_line: int
    data: bytes
    ends: Offsets
    continued: bool
    truncated: bool

    @property
    def n_records(self) -> int:
        """Number of records."""
        return len(self.ends)


def iter_parts(
    file: FileInfo,
    fmt: TextFormat,
    records_per_part: int = RECORDS_PER_PART,
    part_bytes: int = PART_BYTES,
) -> Iterator[TextPart]:
    """Read a text file part by part; the parts' bytes joined are the file's (decompressed) bytes.

    A part ends after ``records_per_part`` records (a multiple of 64), or after the page with
    which it reaches ``part_bytes``: the same bytes always give the same parts. An empty file
    gives none. Memory: about three times a part.

    Raises
    ------
    UnreadableFile, ChangedFile
        Whenever the file cannot be read on, or is no longer the one inspected.
    CorruptFile
        If the gzip stream is broken in its middle. Where it only ends too early, what came out
        before is given, and the last part is ``truncated``.
    """
    if records_per_part <= 0 or records_per_part % RECORDS_PER_PAGE:
        raise ValueError(f"records_per_part: want a multiple of {RECORDS_PER_PAGE}, got {records_per_part}")
    with open_again(file) as source:
        stream = TextStream(file.name, file.compression, source)
        cutter = _Cutter(fmt, records_per_part, part_bytes)
        for chunk in stream.chunks():
            yield from cutter.feed(chunk)
        yield from cutter.finish(stream.truncated)


class _Cutter:
    """Collects records until a part is full. Owns at most a part, a page and a chunk of bytes."""

    def __init__(self, fmt: TextFormat, records_per_part: int, part_bytes: int) -> None:
        self._fmt, self._records_per_part, self._part_bytes = fmt, records_per_part, part_bytes
        self._tail = b""  # the beginning of a record
        self._pieces: list[bytes] = []  # the part's bytes so far, whole records
        self._ends: list[Offsets] = []
        self._n_bytes = self._n_records = 0
        self._index = self._first_record = 0
        self._first_line, self._continued = 1, False

    def feed(self, chunk: bytes) -> Iterator[TextPart]:
        """Take the next bytes; give the parts that are full."""
        data = self._tail + chunk
        ends = split_records(data, self._fmt, at_end=False)
        self._tail = data[int(ends[-1]) if len(ends) else 0 :]
        yield from self._take(data, ends)

    def finish(self, truncated: bool) -> Iterator[TextPart]:
        """Take the end of the file; give the last part, if there is one."""
        yield from self._take(self._tail, split_records(self._tail, self._fmt, at_end=True))
        if self._n_records:
            yield self._part(truncated)
        elif truncated and not self._first_record:
            raise CorruptFile("gzip: want a stream with something in it, got only its beginning")

    def _take(self, data: bytes, ends: Offsets) -> Iterator[TextPart]:
        start = 0
        while len(ends):
            # A full part waits for the record after it: a truncated file's last part must say so.
            if self._is_full():
                yield self._part(False)
            n = self._room(ends - start)
            stop = int(ends[n - 1])
            self._pieces.append(data[start:stop])
            self._ends.append(ends[:n] - start + self._n_bytes)
            self._n_bytes += stop - start
            self._n_records += n
            start, ends = stop, ends[n:]

    def _is_full(self) -> bool:
        heavy = self._n_bytes >= self._part_bytes and self._n_records % RECORDS_PER_PAGE == 0
        return heavy or self._n_records == self._records_per_part

    def _room(self, ends: Offsets) -> int:
        """Return how many of the records that end at ``ends`` go into the part: at least one."""
        room = min(self._records_per_part - self._n_records, len(ends))
        reaching = int(np.searchsorted(ends, self._part_bytes - self._n_bytes)) + 1  # records until the limit
        page_end = -(-(self._n_records + reaching) // RECORDS_PER_PAGE) * RECORDS_PER_PAGE
        return max(min(room, page_end - self._n_records), 1)

    def _part(self, truncated: bool) -> TextPart:
        data, ends = b"".join(self._pieces), np.concatenate(self._ends)
        part = TextPart(
            self._index, self._first_record, self._first_line, data, ends, self._continued, truncated
        )
        self._index += 1
        self._first_record += len(ends)
        self._first_line += data.count(b"\n")
        self._continued = not data.endswith(b"\n")
        self._pieces, self._ends, self._n_bytes, self._n_records = [], [], 0, 0
        return part
