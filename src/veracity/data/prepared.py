"""Records made ready to parse: UTF-8, marks dropped, what is too long or undecodable set aside."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from veracity.data.bytescan import BOM, NEWLINE, Offsets, gather, positions
from veracity.data.text import RECORD_BYTES, Refusal, RefusalCode, TextFormat

_BLOCK_RECORDS = 8_192


@dataclass
class Prepared:
    """A run of records on its way to rows.

    Attributes
    ----------
    data
        The run in UTF-8; the received bytes themselves wherever they already are.
    starts, ends
        (n,) int64 spans of the records in ``data``; a byte-order mark that begins one is outside.
    refused
        Verdicts so far, by record.
    partial
        The last record, if no newline ends it.
    cut_short
        The text is known to have gone on (its gzip stream broke off), so ``partial`` is no record.
    """

    data: bytes
    starts: Offsets
    ends: Offsets
    refused: dict[int, tuple[RefusalCode, str]]
    partial: int | None
    cut_short: bool

    def record(self, index: int) -> bytes:
        """Return one record, newline included."""
        return self.data[self.starts[index] : self.ends[index]]

    def refuse(self, index: int, code: RefusalCode, detail: str) -> None:
        """Set a record aside; if the file broke off in it, that is the reason."""
        if index == self.partial and code in ("fields", "quotes", "json"):
            code, detail = "truncated", f"want a whole record, got the end of the file in it ({detail})"
        self.refused.setdefault(index, (code, detail))

    def readable(self) -> Offsets:
        """Return the records not refused so far."""
        keep = np.ones(len(self.ends), bool)
        keep[list(self.refused)] = False
        return np.flatnonzero(keep)

    def refusals(self, first_line: int) -> list[Refusal]:
        """Return the verdicts in order, with the line each record begins on."""
        if not self.refused:
            return []
        records = sorted(self.refused)
        lines = first_line + np.searchsorted(positions(self.data, NEWLINE), self.starts[records])
        return [Refusal(r, int(n), *self.refused[r]) for r, n in zip(records, lines, strict=True)]


def prepare(
    data: bytes, ends: Offsets, fmt: TextFormat, *, continued: bool = False, cut_short: bool = False
) -> Prepared:
    """Set aside what is too long or cannot be decoded, and bring the rest to UTF-8.

    Parameters
    ----------
    data, ends, fmt
        As `records.parse_records` has them.
    continued
        The first record goes on an over-long one that a part before this one began.
    cut_short
        Where the last record has no newline, it is known to be incomplete.
    """
    n = len(ends)
    starts = np.concatenate((np.zeros(min(n, 1), np.int64), ends[:-1]))
    array = np.frombuffer(data, np.uint8)
    open_ended = array[ends - 1] != NEWLINE
    partial = n - 1 if n and open_ended[-1] else None
    run = Prepared(data, starts, ends, {}, partial, cut_short)
    too_long = ends - starts > RECORD_BYTES
    too_long[:-1] |= open_ended[:-1]
    too_long[1:] |= open_ended[:-1]
    if n:
        too_long[0] |= continued
        too_long[-1] |= open_ended[-1] and ends[-1] - starts[-1] >= RECORD_BYTES
    for index in np.flatnonzero(too_long).tolist():
        run.refuse(
            index, "too-long", f"want a record of at most {RECORD_BYTES} bytes, got part of a longer one"
        )
    if cut_short and partial is not None:
        run.refuse(partial, "truncated", "want a whole record, got the end of the stream in it")
    _decode(run, fmt)
    for index in np.flatnonzero(
        _array(run)[np.minimum(run.starts, max(len(run.data) - 1, 0))] == BOM[0]
    ).tolist():
        while run.data.startswith(BOM, run.starts[index], run.ends[index]):
            run.starts[index] += len(BOM)
    return run


def _array(run: Prepared) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(run.data, np.uint8)


def _decode(run: Prepared, fmt: TextFormat) -> None:
    """Replace records that are not UTF-8 by their UTF-8, refuse those that nothing decodes."""
    replaced: dict[int, bytes] = {}
    utf8 = fmt.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    for first, last in _suspect_blocks(run, utf8):
        for index in range(first, last):
            record = run.record(index)
            if index in run.refused or record.isascii():
                continue
            text = recode(record, fmt)
            if text is None:
                wanted = " or ".join(e for e in (fmt.encoding, fmt.fallback_encoding) if e)
                run.refuse(index, "encoding", f"want {wanted}, got other bytes")
            elif text != record:
                replaced[index] = text
    if replaced:
        _replace(run, replaced)


def _suspect_blocks(run: Prepared, utf8: bool) -> Iterator[tuple[int, int]]:
    for first in range(0, len(run.ends), _BLOCK_RECORDS):
        last = min(first + _BLOCK_RECORDS, len(run.ends))
        block = run.data[run.starts[first] : run.ends[last - 1]]
        if block.isascii():
            continue
        if utf8:
            try:
                block.decode()
            except UnicodeDecodeError:
                pass
            else:
                continue
        yield first, last


def recode(record: bytes, fmt: TextFormat) -> bytes | None:
    """Return a record in UTF-8, a byte-order mark kept; None if none of the format's encodings reads it."""
    mark = BOM if record.startswith(BOM) else b""
    for encoding in ("utf-8" if mark else fmt.encoding, fmt.fallback_encoding):
        if encoding is not None:
            try:
                return mark + record.removeprefix(mark).decode(encoding).encode()
            except ValueError:
                continue
    return None


def _replace(run: Prepared, replaced: dict[int, bytes]) -> None:
    pieces, after = [], 0
    for index in sorted(replaced):
        pieces += [gather(run.data, run.starts[after:index], run.ends[after:index]), replaced[index]]
        after = index + 1
    pieces.append(gather(run.data, run.starts[after:], run.ends[after:]))
    lengths = run.ends - run.starts
    lengths[list(replaced)] = [len(text) for text in replaced.values()]
    run.data = b"".join(pieces)
    run.ends = np.cumsum(lengths)
    run.starts = run.ends - lengths
