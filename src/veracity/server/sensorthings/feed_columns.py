"""One feed's table as decoded columns: sensors as numbers, files gathered into segments.

A data file never changes, so what was decoded of it is held under its name. Neighbouring small files, as
live ingest leaves them, make a segment; when a file is added, the last segment grows by that file alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import polars as pl

from veracity.data.contract import Contract
from veracity.data.lake import Table, collect_rows, reading_rows
from veracity.server.sensorthings.cache import ByteCache
from veracity.server.sensorthings.columns import SENSOR, STAMP

SEGMENT_ROWS = 262_144
TIME = "_time"
BATCH, RECORD = "_batch", "_record"
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class DataFile:
    """A data file as Delta's log has it; bounds are None where it does not say."""

    name: str
    n_rows: int
    first_batch: int | None
    last_batch: int | None
    first_time: Any
    last_time: Any


@dataclass(frozen=True)
class Segment:
    """Neighbouring files, read as one."""

    files: tuple[DataFile, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(file.name for file in self.files)

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return sum(file.n_rows for file in self.files)

    @property
    def last_batch(self) -> int | None:
        """Its last batch, None if not known."""
        last = [file.last_batch for file in self.files]
        return None if None in last else max(b for b in last if b is not None)

    @property
    def first_batch(self) -> int | None:
        """Its first batch, None if not known."""
        first = [file.first_batch for file in self.files]
        return None if None in first else min(b for b in first if b is not None)

    @property
    def times(self) -> tuple[Any, Any]:
        """Its first and last time; None where not known."""
        first, last = [f.first_time for f in self.files], [f.last_time for f in self.files]
        return (None if None in first else min(first)), (None if None in last else max(last))


def data_files(table: Table, time: str) -> list[DataFile]:
    """Return a table's files in the order of their batches."""
    actions = table.files()
    if actions.is_empty():
        return []
    wanted = {
        "path": pl.String(),
        "num_records": pl.Int64(),
        "min._batch": pl.Int64(),
        "max._batch": pl.Int64(),
        f"min.{time}": STAMP,
        f"max.{time}": STAMP,
    }
    have = [
        pl.col(n).cast(t) if n in actions.columns else pl.lit(None, t).alias(n) for n, t in wanted.items()
    ]
    rows = actions.select(have).sort("min._batch")
    return [DataFile(name, n or 0, first, last, low, high) for name, n, first, last, low, high in rows.rows()]


def segments(files: Sequence[DataFile]) -> list[Segment]:
    """Gather neighbouring files until they have ``SEGMENT_ROWS`` together; never cut one."""
    found: list[Segment] = []
    gathered: list[DataFile] = []
    n_rows = 0
    for file in files:
        if gathered and n_rows + file.n_rows > SEGMENT_ROWS:
            found.append(Segment(tuple(gathered)))
            gathered, n_rows = [], 0
        gathered.append(file)
        n_rows += file.n_rows
    return [*found, Segment(tuple(gathered))] if gathered else found


class Sensors:
    """The sensors of a feed, numbered as they were first seen; a number is never given twice."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._numbers: dict[str, int] = {}
        self._lock = Lock()

    def number(self, key: str) -> int | None:
        """Return the number of a sensor, None if none has that key."""
        return self._numbers.get(key)

    def numbers(self, keys: pl.Series) -> pl.Series:
        """Return (n,) UInt32: the number of each key, new ones given to new keys."""
        unique = keys.unique(maintain_order=True)
        with self._lock:
            for key in unique:
                if key not in self._numbers:
                    self._numbers[key] = len(self.keys)
                    self.keys.append(key)
        found = pl.Series([self._numbers[key] for key in unique], dtype=pl.UInt32)
        return keys.replace_strict(unique, found, return_dtype=pl.UInt32)


def key_text(values: Sequence[str]) -> str:
    """Return the key of a sensor out of the values of its columns."""
    return _SEPARATOR.join(values)


def key_values(key: str) -> list[str]:
    """Return the values of a sensor's columns out of its key; () of a feed that has no such columns."""
    return key.split(_SEPARATOR) if key else []


class FeedColumns:
    """Decoded columns of one feed's table."""

    def __init__(self, feed: str, cache: ByteCache) -> None:
        self.feed, self._cache = feed, cache
        self.sensors = Sensors()
        self._grown: dict[tuple[str, str], tuple[str, ...]] = {}  # by column and first file: the last segment

    def column(self, table: Table, contract: Contract, segment: Segment, name: str) -> pl.Series:
        """Return one column of a segment: of the contract, or ``SENSOR``, ``TIME``, ``BATCH``, ``RECORD``.

        Raises
        ------
        TableMismatch
            If a file is gone.
        """
        key = (self.feed, name, segment.key)
        found = self._cache.peek(key)
        if isinstance(found, pl.Series):
            return found
        known = self._grown.get((name, segment.key[0]), ())
        before = self._cache.peek((self.feed, name, known)) if known else None
        if isinstance(before, pl.Series) and segment.key[: len(known)] == known:
            fresh = self._read(table, contract, segment.files[len(known) :], name)
            made = pl.concat([before, fresh], rechunk=True)
            self._cache.drop((self.feed, name, known))
        else:
            made = self._read(table, contract, segment.files, name)
        self._cache.put(key, made)
        self._grown[name, segment.key[0]] = segment.key
        return made

    def _read(self, table: Table, contract: Contract, files: Sequence[DataFile], name: str) -> pl.Series:
        parts = [_decoded(table, contract, file, name) for file in files]
        rows = pl.concat(parts, rechunk=True)
        if name == SENSOR:
            return self.sensors.numbers(rows).alias(name)
        return rows.alias(name)

    def ends(
        self, table: Table, contract: Contract, segment: Segment, name: str
    ) -> tuple[float, float, int] | None:
        """Return the least and the greatest number of a column of a segment, and how many it has.

        None if there is none, or one is no number.
        """
        key = (self.feed, "ends", name, segment.key)
        found = self._cache.get(key, lambda: _ends(self.column(table, contract, segment, name)))
        return None if found.is_empty() else found.row(0)

    def frame(self, table: Table, contract: Contract, segment: Segment, names: Sequence[str]) -> pl.DataFrame:
        """Return some columns of a segment."""
        return pl.DataFrame([self.column(table, contract, segment, name) for name in names])

    def summary(
        self, table: Table, contract: Contract, file: DataFile, values: Sequence[str], places: Sequence[str]
    ) -> pl.DataFrame:
        """Return a file's sensors: how many readings of each value, first and last time, last place.

        Columns: ``SENSOR``, ``first``, ``last``, ``n:<value>``, and ``at:<place>``.
        """
        key = (self.feed, "summary", file.name, tuple(values), tuple(places))
        return self._cache.get(key, lambda: self.summed(table, contract, file, values, places, None))

    def summed(
        self,
        table: Table,
        contract: Contract,
        file: DataFile,
        values: Sequence[str],
        places: Sequence[str],
        up_to: int | None,
    ) -> pl.DataFrame:
        """Return what ``summary`` does, made now, of the rows of the batches up to one."""
        scan = table.scan_file(file.name)
        have = _names(scan)
        rows = scan if up_to is None else scan.filter(pl.col(BATCH) <= up_to)
        time = pl.col(contract.time or "")
        made = collect_rows(
            rows.group_by(_key(contract).alias(SENSOR), maintain_order=True).agg(
                time.min().cast(STAMP).alias("first"),
                time.max().cast(STAMP).alias("last"),
                *(_counted(name, have).alias(f"n:{name}") for name in values),
                *(_last(name, have).alias(f"at:{name}") for name in places),
            )
        )
        return made.with_columns(self.sensors.numbers(made[SENSOR]))


def _names(scan: pl.LazyFrame) -> list[str]:
    """Return the columns of a file, which may be gone or damaged."""
    with reading_rows():
        return scan.collect_schema().names()


def merged(summaries: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return one summary of several, in the order of their files."""
    together = pl.concat(summaries, rechunk=True)
    counts = [n for n in together.columns if n.startswith("n:")]
    places = [n for n in together.columns if n.startswith("at:")]
    return together.group_by(SENSOR, maintain_order=True).agg(
        pl.col("first").min(),
        pl.col("last").max(),
        *(pl.col(name).sum() for name in counts),
        *(pl.col(name).drop_nulls().last() for name in places),
    )


def _ends(values: pl.Series) -> pl.DataFrame:
    """Return one row: the least and the greatest number, and how many there are; no row if there is none."""
    known = values.drop_nulls()
    if known.dtype != pl.Float64() or known.is_empty() or known.is_nan().any():
        return pl.DataFrame(schema={"low": pl.Float64(), "high": pl.Float64(), "n": pl.Int64()})
    return pl.DataFrame({"low": [known.min()], "high": [known.max()], "n": [known.len()]})


def _counted(name: str, have: Sequence[str]) -> pl.Expr:
    return (pl.col(name).count() if name in have else pl.lit(0)).cast(pl.Int64)


def _last(name: str, have: Sequence[str]) -> pl.Expr:
    return (pl.col(name).drop_nulls().last() if name in have else pl.lit(None)).cast(pl.Float64)


def _key(contract: Contract) -> pl.Expr:
    names = contract.sensor
    if not names:
        return pl.lit("")
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in names]
    return texts[0] if len(texts) == 1 else pl.concat_str(texts, separator=_SEPARATOR)


def _decoded(table: Table, contract: Contract, file: DataFile, name: str) -> pl.Series:
    """Return one column of a file; null where the file is older than the column."""
    scan = table.scan_file(file.name)
    if name == SENSOR:
        if not contract.sensor:
            return pl.Series(name, [""]).new_from_index(0, file.n_rows)
        wanted = _key(contract)
    elif name == TIME:
        wanted = pl.col(contract.time or "").cast(STAMP)
    elif name in (BATCH, RECORD):
        wanted = pl.col(name)
    elif name not in _names(scan):
        return pl.Series(name, [None], dtype=_type(contract, name)).new_from_index(0, file.n_rows)
    else:
        wanted = pl.col(name).cast(_type(contract, name))
    found = collect_rows(scan.select(wanted.alias(name))).to_series()
    return found.cast(pl.UInt32) if name in (BATCH, RECORD) else found


def _type(contract: Contract, name: str) -> pl.DataType:
    kinds: dict[str, pl.DataType] = {"number": pl.Float64(), "integer": pl.Float64(), "boolean": pl.Boolean()}
    return kinds.get(contract.field(name).type, pl.String())
