"""One CSV record, field by field: the reading that every faster one must agree with.

A field that begins with a quote is quoted if the closing quote stands before a separator or
the record's end; ``""`` inside stands for one quote, separators and newlines for themselves.
Any other quote is a character like the rest. (RFC 4180, with the last rule for the quotes
that real files hold: ``5" pipe``.)
"""

from veracity.data.bytescan import BOM
from veracity.data.text import RECORD_BYTES


class UnpairedQuote(Exception):
    """A field begins with a quote that nothing closes: a verdict on one record, kept inside `data`."""


def strip_newline(record: bytes) -> bytes:
    """Drop the newline, LF or CR LF, that ends a record."""
    return record.removesuffix(b"\n").removesuffix(b"\r")


def split_cells(content: bytes, separator: bytes) -> list[str]:
    """Split one record, UTF-8 without byte-order mark and newline, into its cells.

    Raises
    ------
    UnpairedQuote
        If a field begins with a quote and does not end with one, or a newline stands outside quotes.
    """
    if b'"' not in content:
        if b"\n" in content:
            raise UnpairedQuote
        return content.decode().split(separator.decode())
    return [read_cell(content[start:end]) for start, end in cell_spans(content, separator)]


def cell_spans(content: bytes, separator: bytes) -> list[tuple[int, int]]:
    """Return where each cell of one record stands, quotes included; raises as ``split_cells`` does."""
    spans: list[tuple[int, int]] = []
    at = 0
    while True:
        if content[at : at + 1] == b'"':
            end = _closing(content, at, len(content)) + 1
            if not end or (end != len(content) and content[end : end + 1] != separator):
                raise UnpairedQuote
        else:
            end = content.find(separator, at)
            end = len(content) if end < 0 else end
            if content.find(b"\n", at, end) >= 0:
                raise UnpairedQuote
        spans.append((at, end))
        if end == len(content):
            return spans
        at = end + 1


def read_cell(cell: bytes) -> str:
    """Return what a cell says, its quotes undone."""
    return (cell[1:-1].replace(b'""', b'"') if cell[:1] == b'"' else cell).decode()


def write_cell(text: str, separator: str) -> str:
    """Write a cell that reads as ``text``."""
    if '"' in text or "\n" in text or "\r" in text or separator in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def record_end(data: bytes, start: int, separator: bytes, at_end: bool) -> int | None:
    """Return where the record that begins at ``start`` ends; None if that needs bytes still to come.

    Only the ``RECORD_BYTES`` from ``start`` on matter: a quote that they do not close opens
    nothing. What is longer is cut, after the last newline that fits if there is one. Cost is
    linear in the answer but for at most one look at the window.
    """
    limit = min(start + RECORD_BYTES, len(data))
    full = limit == start + RECORD_BYTES
    at = start + 3 if data.startswith(BOM, start) else start
    while True:
        if data.startswith(b'"', at) and at < limit:
            close = _closing(data, at, limit)
            known = close >= 0 and (close + 2 < limit or full or at_end)
            if not known and not full and not at_end:
                return None
            after = data[close + 1 : min(close + 3, limit)] if close >= 0 else b"?"
            if after[:1] == separator:
                at = close + 2
                continue
            if after[:1] == b"\n":
                return close + 2
            if after == b"\r\n":
                return close + 3
            if at_end and not full and after in (b"", b"\r") and close + 1 + len(after) == len(data):
                return len(data)
        newline = data.find(b"\n", at, limit)
        following = data.find(separator, at, limit if newline < 0 else newline)
        if following >= 0:
            at = following + 1
        elif newline >= 0:
            return newline + 1
        elif full:
            return data.rfind(b"\n", start, limit) + 1 or limit
        else:
            return len(data) if at_end else None


def _closing(data: bytes, opening: int, limit: int) -> int:
    """Return the quote that pairs with the one at ``opening``, -1 if none does before ``limit``."""
    at = data.find(b'"', opening + 1, limit)
    while at >= 0 and data[at + 1 : at + 2] == b'"' and at + 1 < limit:
        at = data.find(b'"', at + 2, limit)
    return at
