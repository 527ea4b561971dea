"""NDJSON records to rows: one strict bulk parse, and a look at each line only where that fails."""

from collections.abc import Mapping, Set

import numpy as np
import polars as pl

from veracity.data.bytescan import Mask, Offsets, count_within, gather, positions
from veracity.data.json_strict import (
    DEPTH,
    NotOneObject,
    check_names,
    half_characters,
    load_object,
    name_ends,
)
from veracity.data.prepared import Prepared
from veracity.data.text import RECORD, ParsedRecords

Columns = tuple[str, ...]
Schema = Mapping[str, pl.DataType | type[pl.DataType]]

_SAMPLE = 8
_EXTRA = 64


def parse_ndjson(
    run: Prepared, columns: Columns | None, known: Set[str], types: Schema, first_line: int
) -> ParsedRecords:
    """Read a run of NDJSON records; see `records.parse_records`."""
    records = run.readable()
    blank = _blank(run, records)
    records = records[~blank]
    sample = _sample(run, records)
    if columns is None:
        columns = tuple(sorted(known)) or tuple(next(iter(sample), {}))
    columns = tuple(name for name in columns if name != RECORD)
    extra = _extra(sample, columns)
    schema: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys([*columns, *extra], pl.String)
    schema |= {name: dtype for name, dtype in types.items() if name in columns}
    records, frame = _parse(run, records, schema)
    bad = _ambiguous(run, records, frame)
    frame = frame.select(columns).insert_column(0, pl.Series(RECORD, records, pl.Int64))
    if bad:
        frame = frame.filter(~pl.col(RECORD).is_in(bad))
    return ParsedRecords(frame, run.refusals(first_line), 0, int(blank.sum()), ((0, columns),))


def _blank(run: Prepared, records: Offsets) -> Mask:
    array = np.frombuffer(run.data, np.uint8)
    lead = array[np.minimum(run.starts[records], max(len(array) - 1, 0))]
    blank = (lead <= 0x20) | (run.starts[records] >= run.ends[records])
    for i in np.flatnonzero(blank).tolist():
        blank[i] = not run.record(records[i]).strip(b" \t\r\n")
    return blank


def _sample(run: Prepared, records: Offsets) -> list[dict[str, object]]:
    """Return a few objects, the first readable one first."""
    found: list[dict[str, object]] = []
    step = max(len(records) // _SAMPLE, 1)
    for index in [*records[:_SAMPLE].tolist(), *records[::step].tolist()]:
        try:
            found.append(load_object(run.record(index)))
        except NotOneObject:
            continue
    return found


def _extra(sample: list[dict[str, object]], columns: Columns) -> list[str]:
    """Return flat names outside the contract: read too, they make records countable (`_ambiguous`)."""
    if any(isinstance(value, (dict, list)) for item in sample for value in item.values()):
        return []
    names = dict.fromkeys(name for item in sample for name in item if name not in columns)
    return list(names)[:_EXTRA]


def _parse(run: Prepared, records: Offsets, schema: Schema) -> tuple[Offsets, pl.DataFrame]:
    """Parse what can be parsed; refuse the rest. Typed columns go back to text if one value does not fit."""
    frame = _bulk(run, records, schema)
    if frame is not None:
        return records, frame
    keep = np.ones(len(records), bool)
    for i, index in enumerate(records.tolist()):
        try:
            load_object(run.record(index))
        except NotOneObject as exc:
            run.refuse(index, "json", str(exc))
            keep[i] = False
    records = records[keep]
    if not keep.all() and (frame := _bulk(run, records, schema)) is not None:
        return records, frame
    text = dict.fromkeys(schema, pl.String)
    records, frame = _bisected(run, records, text)
    return records, frame


def _bulk(
    run: Prepared, records: Offsets, schema: Mapping[str, pl.DataType | type[pl.DataType]]
) -> pl.DataFrame | None:
    """Parse ``records`` with Polars; None if it takes exception to any of them."""
    if len(records) == 0:
        return pl.DataFrame(schema=dict(schema))
    body = gather(run.data, run.starts[records], run.ends[records])
    try:
        frame = pl.read_ndjson(body, schema=dict(schema) or {"": pl.String})
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == len(records) else None


def _bisected(run: Prepared, records: Offsets, text: Schema) -> tuple[Offsets, pl.DataFrame]:
    """Parse as text; refuse the records that only Polars does not read (1e999), found by halving."""
    frame = _bulk(run, records, text)
    if frame is not None:
        return records, frame
    if len(records) == 1:
        run.refuse(int(records[0]), "json", "want numbers and nesting within range, got a value outside")
        return records[:0], pl.DataFrame(schema=dict(text))
    half = len(records) // 2
    left, first = _bisected(run, records[:half], text)
    right, second = _bisected(run, records[half:], text)
    return np.concatenate((left, right)), pl.concat([first, second])


def _ambiguous(run: Prepared, records: Offsets, frame: pl.DataFrame) -> list[int]:
    """Refuse parsed records that read more than one way; return them.

    A record with as many ``":`` as non-null columns has no name twice and nests nothing: that
    clears most by counting. The others are looked at one by one.
    """
    if len(records) == 0:
        return []
    starts, ends = run.starts[records], run.ends[records]
    tight, loose = name_ends(run.data)
    n_names = count_within(tight, starts, ends)
    n_values = frame.select(pl.sum_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    suspect = n_names != n_values
    for offsets in (loose, half_characters(run.data)):
        suspect |= count_within(offsets, starts, ends) > 0
    if b"[" in run.data:  # objects alone cannot nest without more names
        brackets = count_within(positions(run.data, ord("[")), starts, ends)
        brackets += count_within(positions(run.data, ord("{")), starts, ends)
        suspect |= brackets > DEPTH
    bad = []
    for index in records[suspect].tolist():
        try:
            check_names(run.record(index))
        except NotOneObject as exc:
            run.refuse(index, "json", str(exc))
            bad.append(index)
    return bad
