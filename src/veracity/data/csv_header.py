"""CSV headers: which record is one, and the column names it gives."""

from collections.abc import Set

import numpy as np

from veracity.data.bytescan import QUOTE, Offsets
from veracity.data.csv_cells import UnpairedQuote, split_cells, strip_newline
from veracity.data.prepared import Prepared
from veracity.data.text import RECORD

_BLANKS = " \t"
_EDGES = b' \t"\r\n'
_PREFIX = 8


def column_names(cells: list[str]) -> tuple[str, ...]:
    """Name the columns under a header's cells.

    Blanks around names are dropped, and so are empty cells at the end. An empty name becomes
    ``#3``, the second ``a`` becomes ``a#2``: nothing in a contract is called so by accident.

    Examples
    --------
    >>> column_names(["a", " b ", "", "a", "", ""])
    ('a', 'b', '#3', 'a#2')
    """
    names = [cell.strip(_BLANKS) for cell in cells]
    while names and not names[-1]:
        names.pop()
    out: dict[str, None] = {}
    counts: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        unique = name or f"#{position}"
        while unique in out or unique == RECORD:
            counts[name] = counts.get(name, 1) + 1
            unique = f"{name}#{counts[name]}"
        out[unique] = None
    return tuple(out)


def is_header(cells: list[str], seen: Set[tuple[str, ...]], known: Set[str]) -> bool:
    """Tell a header in mid-file from data: one seen before, or two and more names all known."""
    names = column_names(cells)
    if names in seen:
        return True
    stripped = [cell.strip(_BLANKS) for cell in cells[: len(names)]]
    return len(stripped) > 1 and all(name in known for name in stripped)


def read_header(record: bytes, separator: str, known: Set[str]) -> tuple[str, ...] | None:
    """Return the columns that a line names, if it is a header wherever it stands; None for any other.

    Examples
    --------
    >>> read_header(b"b, a", ",", {"a", "b"})
    ('b', 'a')
    >>> read_header(b"b,1", ",", {"a", "b"})
    """
    mark = separator.encode()
    if _first_cell(record, mark).decode("utf-8", "replace") not in known:
        return None
    try:
        cells = split_cells(record, mark)
    except (UnpairedQuote, UnicodeDecodeError):
        return None
    return column_names(cells) if is_header(cells, frozenset(), known) else None


def header_candidates(
    run: Prepared, records: Offsets, separator: bytes, first_names: Set[str]
) -> dict[int, list[str]]:
    """Return the cells of those ``records`` whose first cell is one of ``first_names``.

    Looks at a byte, then at eight, then at the cell: a million records cost about 10 ms where
    names and data differ early.
    """
    wanted = {_first_cell(name.encode(), separator) for name in first_names}
    array = np.frombuffer(run.data, np.uint8)
    possible = np.zeros(256, bool)
    possible[[name[0] if name else separator[0] for name in wanted] + [QUOTE, 0x20, 0x09]] = True
    near_end = run.starts[records] + _PREFIX > len(array)
    likely = records[possible[array[np.minimum(run.starts[records], len(array) - 1)]] & ~near_end]
    if len(likely):
        eights = array[run.starts[likely][:, None] + np.arange(_PREFIX)]
        distinct, inverse = np.unique(np.ascontiguousarray(eights).view(">u8").ravel(), return_inverse=True)
        good = np.array(
            [_may_begin(p.to_bytes(_PREFIX, "big"), separator, wanted) for p in distinct.tolist()]
        )
        likely = likely[good[inverse]]
    found = {}
    longest = max(map(len, wanted), default=0) + 32
    for index in np.concatenate((likely, records[near_end])).tolist():
        start = run.starts[index]
        head = run.data[start : min(run.ends[index], start + longest)]
        if _first_cell(head, separator) in wanted:
            try:
                found[index] = split_cells(strip_newline(run.record(index)), separator)
            except UnpairedQuote:
                continue
    return found


def _may_begin(prefix: bytes, separator: bytes, wanted: Set[bytes]) -> bool:
    """Tell whether a record that begins with these eight bytes may have a wanted first cell."""
    line = prefix.split(b"\n", 1)[0]
    if separator in line or line != prefix:
        return _first_cell(line, separator) in wanted
    begun = line.strip(_EDGES)
    return any(name.startswith(begun) for name in wanted)


def _first_cell(head: bytes, separator: bytes) -> bytes:
    """Return the first cell, roughly: up to the first separator, quoted or not."""
    return head.split(separator, 1)[0].strip(_EDGES)
