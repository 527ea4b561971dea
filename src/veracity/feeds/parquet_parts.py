"""Parquet files in parts: runs of rows as frames, in bounded memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from veracity.data.records import RECORDS_PER_PAGE, RECORDS_PER_PART
from veracity.feeds.errors import CorruptFile
from veracity.feeds.file_info import FileInfo, check_same, open_again

CELLS_PER_PART = 8_388_608
COLUMNS = CELLS_PER_PART // RECORDS_PER_PAGE


@dataclass(frozen=True)
class ParquetPart:
    """A run of rows of one file of ``n_rows``, columns as the file has them; ``first_row`` counts from 0."""

    index: int
    first_row: int
    frame: pl.DataFrame
    n_rows: int


def iter_parquet_parts(
    file: FileInfo, rows_per_part: int = RECORDS_PER_PART, first_part: int = 0
) -> Iterator[ParquetPart]:
    """Read a Parquet file part by part, from part ``first_part`` on.

    Each part has `rows_of_part` rows, the last what is left; a file without rows gives none.

    Raises
    ------
    CorruptFile
        If the file is no sound Parquet file, or one without columns or with too many.
    UnreadableFile, ChangedFile
        Whenever the file cannot be read on, or is no longer the one inspected.
    """
    with open_again(file) as handle:
        with _translated(file):
            rows = pl.scan_parquet(file.path, glob=False, hive_partitioning=False)
            n_columns = len(rows.collect_schema())
        if not 0 < n_columns <= COLUMNS:
            raise CorruptFile(f"{file.name}: want 1 to {COLUMNS} columns, got {n_columns}")
        with _translated(file):
            n_rows = int(rows.select(pl.len()).collect().item())
        size = rows_of_part(n_columns, rows_per_part)
        for first_row in range(first_part * size, n_rows, size):
            wanted = min(size, n_rows - first_row)
            with _translated(file):
                frame = rows.slice(first_row, wanted).collect()
            check_same(file, handle)
            if frame.height != wanted:
                raise CorruptFile(f"{file.name}: want {n_rows} rows, got {first_row + frame.height}")
            yield ParquetPart(first_row // size, first_row, frame, n_rows)


def rows_of_part(n_columns: int, rows_per_part: int = RECORDS_PER_PART) -> int:
    """Return how many rows a part has: as asked for, or fewer where rows are wide.

    Fewer is the largest power of two that keeps a part within ``CELLS_PER_PART`` cells.

    Examples
    --------
    >>> rows_of_part(16), rows_of_part(17), rows_of_part(516)
    (524288, 262144, 8192)
    """
    if rows_per_part <= 0 or rows_per_part % RECORDS_PER_PAGE:
        raise ValueError(f"rows_per_part: want a multiple of {RECORDS_PER_PAGE}, got {rows_per_part}")
    fitting = CELLS_PER_PART // n_columns
    if rows_per_part <= fitting:
        return rows_per_part
    power: int = 1 << (fitting.bit_length() - 1)
    return power


@contextmanager
def _translated(file: FileInfo) -> Iterator[None]:
    """Turn what Polars raises on a broken file, panics included, into `CorruptFile`."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as exc:
        reason = (str(exc).splitlines() or ["unknown"])[0][:160]
        raise CorruptFile(f"{file.name}: want a sound Parquet file, got: {reason}") from exc
