"""CSV records to rows: in bulk where a record is plain, cell by cell where it is not."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import polars as pl

from veracity.data.bytescan import (
    NEWLINE,
    QUOTE,
    RETURN,
    Mask,
    Offsets,
    count_within,
    gather,
    positions,
)
from veracity.data.csv_cells import UnpairedQuote, split_cells, strip_newline
from veracity.data.csv_header import column_names, header_candidates, is_header
from veracity.data.prepared import Prepared
from veracity.data.splitting import stray_quotes
from veracity.data.text import LAYOUTS, RECORD, ParsedRecords, TooManyLayouts

Columns = tuple[str, ...]

UNPAIRED = "want a closing quote before a separator, got none"
_BLOCK_RECORDS = 8_192  # arrays of a block stay in the cache
_BULK = 256  # fewer alike records than this are cheaper one by one


@dataclass
class _Layout:
    columns: Columns
    spans: list[tuple[int, int]]  # the records it holds for


def parse_csv(
    run: Prepared, separator: str, columns: Columns | None, known: Set[str], first_line: int
) -> ParsedRecords:
    """Read a run of CSV records; see `records.parse_records`.

    Raises
    ------
    TooManyLayouts
        If headers change the columns more than ``LAYOUTS`` times.
    """
    sep = separator.encode()
    shape = _Shape(run, separator)
    readable = run.readable()
    blank = shape.blank(readable)
    data_like = readable[~blank]
    layouts, headers = _layouts(run, sep, columns, known, data_like)
    rows = data_like[~np.isin(data_like, headers)] if headers else data_like
    frames = []
    for layout in _merged(layouts, len(run.ends)):
        of_layout = np.concatenate(
            [rows[np.searchsorted(rows, a) : np.searchsorted(rows, b)] for a, b in layout.spans]
        )
        frames += _frames(run, shape, layout.columns, of_layout)
    frame = _joined(frames, layouts)
    return ParsedRecords(
        frame=frame,
        refusals=run.refusals(first_line),
        n_headers=len(headers),
        n_blank=int(blank.sum()),
        layouts=tuple(layouts),
    )


class _Shape:
    """What a look at separators and quotes tells of each record.

    Attributes
    ----------
    n_fields
        (n,) number of fields, right where ``plain``.
    plain
        (n,) quotes pair up and a newline ends it: Polars reads it as `split_cells` does.
    quoted
        (n,) has a quote.
    """

    def __init__(self, run: Prepared, separator: str) -> None:
        self.separator = separator
        self._run, self._byte = run, separator.encode()
        self._array = np.frombuffer(run.data, np.uint8)
        n = len(run.ends)
        self.n_fields = np.ones(n, np.int64)
        self.plain: Mask = np.ones(n, bool)
        self.quoted: Mask = np.zeros(n, bool)
        for first in range(0, n, _BLOCK_RECORDS):
            self._look(slice(first, min(first + _BLOCK_RECORDS, n)))
        if run.partial is not None:
            self.plain[run.partial] = False

    def _look(self, block: slice) -> None:
        """Fill in a block of records."""
        base = int(self._run.starts[block.start])
        data = self._run.data[base : self._run.ends[block.stop - 1]]
        starts, ends = self._run.starts[block] - base, self._run.ends[block] - base
        array = np.frombuffer(data, np.uint8)
        seps = positions(data, self._byte[0])
        if QUOTE in data:
            quotes = positions(data, QUOTE)
            records = np.searchsorted(ends, quotes, side="right")
            self.quoted[block][records] = True
            self.plain[block][records[stray_quotes(array, quotes, records, starts, ends, self._byte[0])]] = (
                False
            )
            home = np.searchsorted(ends, seps, side="right")
            before = np.searchsorted(quotes, seps) - np.searchsorted(quotes, starts)[home]
            seps = seps[before % 2 == 0]
        self.n_fields[block] += count_within(seps, starts, ends)
        if RETURN in data:  # Polars drops one before a separator too
            returns = positions(data, RETURN)
            lone = returns[array[np.minimum(returns + 1, len(array) - 1)] != NEWLINE]
            self.plain[block][np.searchsorted(ends, lone, side="right")] = False

    def blank(self, records: Offsets) -> Mask:
        """Tell which records hold nothing but separators, blanks and quotes."""
        run, array = self._run, self._array
        lead = array[np.minimum(run.starts[records], max(len(array) - 1, 0))]
        second = array[np.minimum(run.starts[records] + 1, max(len(array) - 1, 0))]
        dull = np.zeros(256, bool)
        dull[[*self._byte, *b" \t\r\n"]] = True
        likely: Mask = dull[lead] | ((lead == QUOTE) & (dull[second] | (second == QUOTE)))
        likely |= run.starts[records] >= run.ends[records]
        for i in np.flatnonzero(likely).tolist():
            likely[i] = not run.record(records[i]).translate(None, self._byte + b' \t\r\n"')
        return likely


def _layouts(
    run: Prepared, sep: bytes, columns: Columns | None, known: Set[str], records: Offsets
) -> tuple[list[tuple[int, Columns]], list[int]]:
    """Find the headers: return the layouts in force from a record on, and the header records."""
    headers: list[int] = []
    first = 0
    if columns is None:
        found = _first_header(run, sep, records)
        if found is None:
            return [], []
        first, columns = found
        headers.append(first)
        records = records[records > first]
    layouts = [(first, columns)]
    first_names = known | {"" if columns[:1] == ("#1",) else columns[0]} if columns else known
    seen = {columns}
    candidates = header_candidates(run, records, sep, first_names)
    for index, cells in sorted(candidates.items()):
        if not is_header(cells, seen, known):
            continue
        headers.append(index)
        names = column_names(cells)
        seen.add(names)
        if names != layouts[-1][1]:
            if layouts[-1][0] == index:  # the first record of a part: nothing was read under the last
                layouts.pop()
            layouts.append((index, names))
            if len(layouts) > LAYOUTS:
                raise TooManyLayouts(f"headers: want at most {LAYOUTS} changes of columns a part, got more")
    return layouts, headers


def _first_header(run: Prepared, sep: bytes, records: Offsets) -> tuple[int, Columns] | None:
    """Return the first record that can be read, as a header."""
    for index in map(int, records):
        try:
            return index, column_names(split_cells(strip_newline(run.record(index)), sep))
        except UnpairedQuote:
            run.refuse(index, "quotes", UNPAIRED)
    return None


def _merged(layouts: list[tuple[int, Columns]], n_records: int) -> list[_Layout]:
    """Bring together the spans that share their columns."""
    by_columns: dict[Columns, _Layout] = {}
    ends = [*(first for first, _ in layouts[1:]), n_records]
    for (first, columns), end in zip(layouts, ends, strict=False):  # no layout, one end
        by_columns.setdefault(columns, _Layout(columns, [])).spans.append((first, end))
    return list(by_columns.values())


def _frames(run: Prepared, shape: _Shape, columns: Columns, records: Offsets) -> list[pl.DataFrame]:
    """Read the records of one layout, refusing those whose fields do not fit it."""
    width, frames = len(columns), []
    plain = shape.plain[records]
    n_fields = shape.n_fields[records]
    for index in records[plain & (n_fields < width)].tolist():
        run.refuse(index, "fields", f"want {width}, got {shape.n_fields[index]}")
    single = [records[~plain]]
    enough = plain & (n_fields >= width)
    for n in np.unique(n_fields[enough]).tolist():
        alike = records[enough & (n_fields == n)]
        frame = _bulk(run, shape, columns, alike, n) if len(alike) >= _BULK else None
        if frame is None:
            single.append(alike)
        else:
            frames.append(frame)
    rest = np.sort(np.concatenate(single))
    if len(rest):
        frames.append(_one_by_one(run, shape, columns, rest))
    return frames


def _bulk(
    run: Prepared, shape: _Shape, columns: Columns, records: Offsets, n_fields: int
) -> pl.DataFrame | None:
    """Read plain records of ``n_fields`` fields each; None if Polars sees anything else in them."""
    body = gather(run.data, run.starts[records], run.ends[records])
    try:
        frame = pl.read_csv(
            body,
            has_header=False,
            schema=dict.fromkeys(map(str, range(n_fields)), pl.String),
            separator=shape.separator,
            quote_char='"' if shape.quoted[records].any() else None,
            empty_string_is_null=False,
            extra_columns="raise",
            missing_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.height != len(records):
        return None
    frame.insert_column(0, pl.Series(RECORD, records, pl.Int64))
    if n_fields > len(columns):
        extra = pl.any_horizontal(pl.col(frame.columns[1 + len(columns) :]).str.strip_chars(" \t") != "")
        over = frame.select(extra).to_series()
        for index in frame[RECORD].filter(over).to_list():
            run.refuse(index, "fields", f"want {len(columns)}, got {n_fields}")
        frame = frame.filter(~over)[:, : 1 + len(columns)]
    frame.columns = [RECORD, *columns]
    return frame


def _one_by_one(run: Prepared, shape: _Shape, columns: Columns, records: Offsets) -> pl.DataFrame:
    """Read records cell by cell."""
    width, good, rows = len(columns), [], []
    for index in records.tolist():
        try:
            cells = split_cells(strip_newline(run.record(index)), shape.separator.encode())
        except UnpairedQuote:
            run.refuse(index, "quotes", UNPAIRED)
            continue
        if len(cells) < width or any(cell.strip(" \t") for cell in cells[width:]):
            run.refuse(index, "fields", f"want {width}, got {len(cells)}")
            continue
        good.append(index)
        rows.append(cells[:width])
    values = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in columns]
    data = [pl.Series(RECORD, good, pl.Int64)]
    data += [pl.Series(name, cells, pl.String) for name, cells in zip(columns, values, strict=True)]
    return pl.DataFrame(data)


def _joined(frames: list[pl.DataFrame], layouts: list[tuple[int, Columns]]) -> pl.DataFrame:
    """Join the frames in the order of records; columns in the order layouts first name them."""
    names = dict.fromkeys(name for _, columns in layouts for name in columns)
    schema = {RECORD: pl.Int64, **dict.fromkeys(names, pl.String)}
    frames = [frame for frame in frames if frame.height]
    if not frames:
        return pl.DataFrame(schema=schema)
    frame = frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal").sort(RECORD)
    absent = [pl.lit(None, pl.String).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(absent).select(list(schema))
