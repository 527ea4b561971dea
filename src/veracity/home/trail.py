"""The trail of a file through its batches: each part made again knowing only the parts before it.

A CSV part's columns may be named in an earlier part, and whether its first record is whole is seen
at the end of the one before. At the last part all that was kept must be the file whose digest was
signed. In memory: one part and a few digests, never the file.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from veracity.data.contract import Contract
from veracity.data.errors import EvidenceMismatch
from veracity.data.evidence import Pages, seal_pages
from veracity.data.records import parse_records, split_records
from veracity.data.reexecution import known_names, source_types, text_format
from veracity.data.render import render_rows
from veracity.feeds.file_info import open_file
from veracity.feeds.parquet_rows import count_parquet_rows, read_parquet_rows
from veracity.feeds.text_stream import TextStream
from veracity.home.home import Home
from veracity.provenance.statements import Ingest

Layouts = tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True)
class PartAgain:
    """A part as it came to be cleaned, made again from its evidence."""

    raw: pl.DataFrame
    n_records: int
    layouts: Layouts = ()
    n_blank: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    unread: tuple[int, ...] = ()  # the records that were refused unread
    data: bytes = field(default=b"", repr=False)  # the text, where it is text


class Trail:
    """One file, part after part. ``index`` and ``n_records`` are of the parts that went by."""

    def __init__(self, home: Home, first: Ingest) -> None:
        self._home = home
        self._file = first.file
        self._evidence = home.evidence(first.feed)
        self.contract_sha256 = first.contract_sha256
        self.index = self.n_records = 0
        self._columns: tuple[str, ...] | None = None
        self._continued = self._has_gap = False
        self._text = hashlib.sha256()  # of the parts' bytes joined
        self._inflated: str | None = None  # digest of the kept gzip file's content
        self._truncated = False

    def check_received(self) -> None:
        """Compare the file kept whole with the digest that was signed, and read what it holds.

        Raises
        ------
        EvidenceMismatch, FeedError
            If it is another file, or none that can be read.
        """
        if self._file.kind != "parquet" and self._file.compression == "none":
            return
        want = self._file.digest
        with open_file(self._home.file(self._evidence.path(want.sha256, "received"))) as kept:
            digest = hashlib.file_digest(kept, "sha256").hexdigest()
            if digest != want.sha256:
                raise EvidenceMismatch(f"received: want sha256 {want.sha256[:16]}, got {digest[:16]}")
            if self._file.compression == "gzip":
                kept.seek(0)
                stream, inflated = TextStream(want.name, "gzip", kept), hashlib.sha256()
                for chunk in stream.chunks():
                    inflated.update(chunk)
                self._inflated, self._truncated = inflated.hexdigest(), stream.truncated

    def take(self, ingest: Ingest, contract: Contract) -> PartAgain:
        """Make the next part again.

        Raises
        ------
        EvidenceMismatch, FeedError, ObjectMissing
            If the evidence is not what was signed; ``skip`` the part then.
        """
        if ingest.evidence.form == "rendered":
            again = self._columnar(ingest)
        else:
            data = self._read(ingest)
            again = self._textual(ingest, contract, data)
            self._pass_by(data)
            self._columns = again.layouts[-1][1] if again.layouts else self._columns
        self._count(ingest)
        return again

    def replay(self, ingest: Ingest, contract: Contract) -> None:
        """Go past a part that is not audited: what it tells the next, no more."""
        if ingest.evidence.form == "received":
            data = self._read(ingest)
            if ingest.file.kind == "csv":
                again = self._textual(ingest, contract, data)
                self._columns = again.layouts[-1][1] if again.layouts else self._columns
            self._pass_by(data)
        self._count(ingest)

    def skip(self, ingest: Ingest) -> None:
        """Go past a part that cannot be read, believing what was said of its columns."""
        self._columns = ingest.layouts[-1][1] if ingest.layouts else self._columns
        self._has_gap = True
        self._count(ingest)

    def check_whole(self) -> Iterator[str]:
        """After the last part: yield it if the parts together are not the file."""
        if self._has_gap:
            return  # and said where the gap is
        want = self._file.digest.sha256
        if self._file.kind == "parquet":
            path = self._home.file(self._evidence.path(want, "received"))
            n_rows = count_parquet_rows(path)
            if n_rows != self.n_records:
                yield f"want all {n_rows} rows of the file in its parts, got {self.n_records}"
            return
        digest = self._text.hexdigest()
        if self._file.compression == "none" and digest != want:
            yield f"want parts that joined have sha256 {want[:16]}, got {digest[:16]}"
        if self._inflated is not None and digest != self._inflated:
            yield f"want parts that joined are what the file holds ({self._inflated[:16]}), got {digest[:16]}"

    def _count(self, ingest: Ingest) -> None:
        self.index += 1
        self.n_records += ingest.part.n_records

    def _pass_by(self, data: bytes) -> None:
        self._text.update(data)
        self._continued = not data.endswith(b"\n")

    def _pages(self, ingest: Ingest) -> Pages:
        root = bytes.fromhex(ingest.evidence.root)
        return self._evidence.pages(self._file.digest.sha256, ingest.part.index, root)

    def _read(self, ingest: Ingest) -> bytes:
        pages = self._pages(ingest)
        last = len(pages.hashes) - 1
        return self._evidence.read(self._file.digest.sha256, ingest.part.index, pages, 0, last)

    def _columnar(self, ingest: Ingest) -> PartAgain:
        path = self._home.file(self._evidence.path(self._file.digest.sha256, "received"))
        rows = read_parquet_rows(path, ingest.part.first_record, ingest.part.n_records)
        _check_same_pages(seal_pages(*render_rows(rows)), self._pages(ingest))
        raw = rows.with_columns(pl.int_range(rows.height, dtype=pl.Int64).alias("_record"))
        return PartAgain(raw, rows.height)

    def _textual(self, ingest: Ingest, contract: Contract, data: bytes) -> PartAgain:
        fmt = text_format(contract, ingest.file.kind)
        ends = split_records(data, fmt, at_end=True)
        _check_same_pages(seal_pages(data, ends), self._pages(ingest))
        parsed = parse_records(
            data,
            ends,
            fmt,
            self._columns,
            known=known_names(contract, fmt, data),
            types=source_types(contract),
            continued=self._continued,
            truncated=self._truncated and ingest.part.last,
        )
        layouts = parsed.layouts if fmt.kind == "csv" else ()
        codes = Counter[str](refusal.code for refusal in parsed.refusals)
        unread = tuple(refusal.record for refusal in parsed.refusals)
        return PartAgain(parsed.frame, len(ends), layouts, parsed.n_blank, dict(codes), unread, data)


def _check_same_pages(again: Pages, pages: Pages) -> None:
    for page, (a, b) in enumerate(zip(again.hashes, pages.hashes, strict=False)):
        if a != b:
            raise EvidenceMismatch(f"page {page}: want leaf hash {b.hex()[:16]}, got {a.hex()[:16]}")
    if len(again.hashes) != len(pages.hashes):
        raise EvidenceMismatch(f"pages: want {len(pages.hashes)}, got {len(again.hashes)}")
