"""Some records of files of any size, to learn from: in bounded memory, the same each time."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import polars as pl

from veracity.data.errors import WrongFile
from veracity.data.infer.dialect import sniff, sniff_encoding
from veracity.data.infer.sample import Sample
from veracity.data.records import parse_records
from veracity.data.render import as_text
from veracity.data.splitting import split_records
from veracity.data.text import RECORD, TextFormat
from veracity.feeds.errors import CorruptFile
from veracity.feeds.file_info import FileInfo, inspect, open_again
from veracity.feeds.parquet_rows import count_parquet_rows, read_parquet_rows
from veracity.feeds.text_stream import TextStream

RECORDS = 200_000
CELLS = 8_388_608
MAX_NAMES = 2_000  # of NDJSON; a contract has at most 1,000 columns
BLOCKS = 16
_HEAD = 1024 * 1024
_TEXT = 32 * 1024 * 1024  # the most text looked at


def sample_files(paths: Sequence[Path], records: int = RECORDS) -> Sample:
    """Read at most ``records`` records of some files that share one shape.

    A Parquet file or a plain text file that has more is read in ``BLOCKS`` runs of records spread
    evenly over it; of a compressed one only the beginning. At most ``CELLS`` cells and 32 MiB of text.

    Raises
    ------
    UnreadableFile, UnknownFileKind, BadFileName, ChangedFile, CorruptFile
        As ``inspect`` and the readers of files do.
    WrongFile
        If the files are of several kinds, or have no record.
    """
    infos = [inspect(path) for path in paths]
    kinds = sorted({info.kind for info in infos})
    if len(kinds) > 1:
        raise WrongFile(f"files: want all of one kind, got {' and '.join(kinds)}")
    share = max(records // len(infos), BLOCKS)
    if kinds == ["parquet"]:
        pieces = [_columnar(info, share) for info in infos]
        fmt: TextFormat | None = None
        why: tuple[str, ...] = ()
    else:
        text, why = _format(infos[0])
        fmt = text
        pieces = [_textual(info, text, share, _TEXT // len(infos)) for info in infos]
    frame, block = _joined([f for frames, _ in pieces for f in frames])
    if not frame.height or not frame.width:
        raise WrongFile(f"{infos[0].name}: want records to learn from, got none")
    names = tuple(info.name for info in infos)
    return Sample(kinds[0], frame, block, all(whole for _, whole in pieces), names, fmt, why)


def _columnar(info: FileInfo, records: int) -> tuple[list[pl.DataFrame], bool]:
    n = count_parquet_rows(info.path)
    width = max(read_parquet_rows(info.path, 0, 0).width, 1)
    wanted = max(min(records, CELLS // width), 1)
    if n <= wanted:
        return [read_parquet_rows(info.path, 0, n)], True
    size = max(wanted // BLOCKS, 1)
    n_blocks = min(BLOCKS, wanted)
    return [
        read_parquet_rows(info.path, (n - size) * i // (n_blocks - 1 or 1), size) for i in range(n_blocks)
    ], False


def _format(info: FileInfo) -> tuple[TextFormat, tuple[str, ...]]:
    head, _ = _beginning(info, _HEAD)
    if info.kind == "ndjson":
        encoding, fallback, why = sniff_encoding(head)
        return TextFormat("ndjson", encoding=encoding, fallback_encoding=fallback), (why,)
    return sniff(head, ".tsv" in info.name.lower())


def _textual(info: FileInfo, fmt: TextFormat, records: int, n_bytes: int) -> tuple[list[pl.DataFrame], bool]:
    """Read the file's text as runs of whole records, each a frame."""
    if info.compression == "none" and info.n_bytes > n_bytes:
        texts, whole = _spread(info, n_bytes), False
    else:
        text, whole = _beginning(info, n_bytes)
        texts = [text]
    per_run = max(records // len(texts), 1)
    names = _json_names(texts) if fmt.kind == "ndjson" else frozenset()
    if len(names) > MAX_NAMES:
        raise WrongFile(f"{info.name}: want at most {MAX_NAMES:,} different names in its objects, got more")
    per_run = max(min(per_run, CELLS // (max(len(names), 1) * len(texts))), 1)
    columns: tuple[str, ...] | None = None
    frames = []
    for text in texts:
        ends = split_records(text, fmt, at_end=True)
        kept = ends[: per_run + (columns is None and fmt.kind == "csv")]
        whole = whole and len(kept) == len(ends)
        if not len(kept):
            continue
        parsed = parse_records(text[: int(kept[-1])], kept, fmt, columns, known=names)
        if parsed.layouts:
            columns = parsed.layouts[-1][1]
        frames.append(parsed.frame.drop(RECORD))
    if columns and any("\r" in name for name in columns):
        raise WrongFile(f"{info.name}: want lines that end in LF or CRLF, got CR alone")
    return frames, whole


def _beginning(info: FileInfo, limit: int) -> tuple[bytes, bool]:
    """Return the first whole records within ``limit`` bytes, and whether they are all."""
    pieces, size = [], 0
    with open_again(info) as source:
        for chunk in TextStream(info.name, info.compression, source).chunks():
            pieces.append(chunk[: limit + 1 - size])
            size += len(pieces[-1])
            if size > limit:
                break
    text = b"".join(pieces)
    return (text, True) if len(text) <= limit else (text[: text.rfind(b"\n", 0, limit) + 1], False)


def _spread(info: FileInfo, n_bytes: int) -> list[bytes]:
    """Return runs of lines from all over a plain file; the first begins with the file."""
    size = n_bytes // BLOCKS
    texts = []
    with open_again(info) as source:
        for i in range(BLOCKS):
            source.seek((info.n_bytes - size) * i // (BLOCKS - 1))
            text = source.read(size)
            first = text.find(b"\n") + 1 if i else 0
            texts.append(text[first : text.rfind(b"\n") + 1])
    if not any(texts):
        raise CorruptFile(f"{info.name}: want lines of less than {size} bytes, got longer ones")
    return [text for text in texts if text]


def _json_names(texts: Sequence[bytes]) -> frozenset[str]:
    names: set[str] = set()
    for text in texts:
        for line in text.splitlines():
            try:
                document = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(document, dict):
                names.update(document)
    return frozenset(names)


def _joined(frames: list[pl.DataFrame]) -> tuple[pl.DataFrame, pl.Series]:
    """Put frames under one another; a column whose type differs among them comes as text."""
    frames = [frame for frame in frames if frame.height]
    if not frames:
        return pl.DataFrame(), pl.Series(dtype=pl.Int64)
    types: dict[str, set[pl.DataType]] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            types.setdefault(name, set()).add(dtype)
    mixed = {name for name, found in types.items() if len(found) > 1}
    frames = [frame.with_columns(as_text(frame[n]) for n in frame.columns if n in mixed) for frame in frames]
    heights = [frame.height for frame in frames]
    block = pl.Series([i for i, n in enumerate(heights) for _ in range(n)], dtype=pl.Int64)
    return (frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal")), block
