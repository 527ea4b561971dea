"""The parts of a file, from either kind: text cut into records, columns cut into rows.

A part becomes a batch. Where parts end depends on the file's bytes alone, so that a file taken
up again after a crash, or cut again by an auditor, has the same parts.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from veracity.data.bytescan import Offsets
from veracity.data.clean import check_columns
from veracity.data.contract import Contract
from veracity.data.errors import WrongFile
from veracity.data.evidence import Pages, seal_pages
from veracity.data.records import parse_records
from veracity.data.reexecution import known_names, source_types, text_format
from veracity.data.render import render_rows
from veracity.data.text import RECORDS_PER_PART, Refusal
from veracity.feeds.file_info import FileInfo
from veracity.feeds.files import iter_parquet_parts, iter_parts

Layouts = tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True)
class SourcePart:
    """One part of a file, read.

    Attributes
    ----------
    raw
        ``_record`` and the source's columns, as received.
    data
        The received bytes of a text part; None for a columnar one (the file itself is kept).
    pages
        The part's pages; None where nothing is sealed.
    n_records
        Records of evidence, headers, blanks and refused ones included.
    share
        How much of the file is read with this part, from 0 to 1; None where nobody can tell (gzip).
    cut_short
        The gzip stream broke off after this part: what came before is whole, what came after is lost.
    """

    index: int
    first_record: int
    n_records: int
    raw: pl.DataFrame
    refusals: list[Refusal]
    n_blank: int
    layouts: Layouts
    data: bytes | None
    pages: Pages | None
    last: bool
    share: float | None
    cut_short: bool = False


def read_parts(
    info: FileInfo,
    contract: Contract,
    *,
    records_per_part: int = RECORDS_PER_PART,
    seal: bool = True,
    skip: int = 0,
) -> Iterator[SourcePart]:
    """Yield the parts of a file in order; the first ``skip`` are passed over unread.

    Raises
    ------
    WrongFile
        If the first part has not the columns that the contract requires.
    """
    if info.kind == "parquet":
        parts = _columnar(info, contract, records_per_part, seal, skip)
    else:
        parts = _textual(info, contract, records_per_part, seal, skip)
    return _marked_last(parts)


def part_roots(
    info: FileInfo, contract: Contract, records_per_part: int = RECORDS_PER_PART
) -> tuple[list[bytes], int]:
    """Return the evidence root of each part of a file and its number of records: what a sender signs."""
    roots: list[bytes] = []
    n_records = 0
    if info.kind == "parquet":
        for rows in iter_parquet_parts(info, records_per_part):
            roots.append(seal_pages(*render_rows(rows.frame)).root)
            n_records += rows.frame.height
        return roots, n_records
    for part in iter_parts(info, text_format(contract, info.kind), records_per_part):
        roots.append(seal_pages(part.data, part.ends).root)
        n_records += len(part.ends)
    return roots, n_records


def lines_part(
    data: bytes, ends: Offsets, kind: Literal["csv", "ndjson"], contract: Contract, name: str
) -> tuple[FileInfo, SourcePart]:
    """Return lines in memory as a file that was never one, and its only part.

    ``ends`` (n,) are where its records end in ``data``.
    """
    digest = hashlib.sha256(data).hexdigest()
    info = FileInfo(Path(name), kind, "none", len(data), digest, (0, 0, len(data), 0, 0))
    fmt = text_format(contract, kind)
    known = known_names(contract, fmt, data)
    parsed = parse_records(data, ends, fmt, None, known=known, types=source_types(contract))
    part = SourcePart(
        index=0,
        first_record=0,
        n_records=len(ends),
        raw=parsed.frame,
        refusals=parsed.refusals,
        n_blank=parsed.n_blank,
        layouts=parsed.layouts if kind == "csv" else (),
        data=data,
        pages=seal_pages(data, ends),
        last=True,
        share=1.0,
    )
    return info, part


def _columnar(
    info: FileInfo, contract: Contract, rows_per_part: int, seal: bool, skip: int
) -> Iterator[SourcePart]:
    for part in iter_parquet_parts(info, rows_per_part, skip):
        rows = part.frame
        pages = seal_pages(*render_rows(rows)) if seal else None
        raw = rows.with_columns(pl.int_range(rows.height, dtype=pl.Int64).alias("_record"))
        if part.index == 0:
            check_columns(raw, contract)
        share = (part.first_row + rows.height) / part.n_rows
        yield SourcePart(
            part.index, part.first_row, rows.height, raw, [], 0, (), None, pages, last=False, share=share
        )


def _textual(
    info: FileInfo, contract: Contract, records_per_part: int, seal: bool, skip: int
) -> Iterator[SourcePart]:
    fmt = text_format(contract, info.kind)
    columns: tuple[str, ...] | None = None
    n_bytes = 0
    for part in iter_parts(info, fmt, records_per_part):
        n_bytes += len(part.data)
        if part.index < skip and fmt.kind == "ndjson":
            continue  # a CSV part is read all the same: the next one's columns may be named in it
        parsed = parse_records(
            part.data,
            part.ends,
            fmt,
            columns,
            first_line=part.first_line,
            known=known_names(contract, fmt, part.data),
            types=source_types(contract),
            continued=part.continued,
            truncated=part.truncated,
        )
        columns = parsed.layouts[-1][1] if parsed.layouts else columns
        if columns and part.index == 0 and any("\r" in name for name in columns):
            raise WrongFile(f"{info.name}: want lines that end in LF or CRLF, got CR alone")
        if part.index < skip:
            continue
        if part.index == 0:
            check_columns(parsed.frame, contract)
        pages = seal_pages(part.data, part.ends) if seal else None
        yield SourcePart(
            part.index,
            part.first_record,
            len(part.ends),
            parsed.frame,
            parsed.refusals,
            parsed.n_blank,
            parsed.layouts if fmt.kind == "csv" else (),
            part.data,
            pages,
            last=False,
            share=n_bytes / info.n_bytes if info.compression == "none" else None,
            cut_short=part.truncated,
        )


def _marked_last(parts: Iterator[SourcePart]) -> Iterator[SourcePart]:
    held: SourcePart | None = None
    for part in parts:
        if held is not None:
            yield held
        held = part
    if held is not None:
        yield replace(held, last=True)
