"""Some rows of a Parquet file that is kept as evidence."""

from pathlib import Path

import polars as pl

from veracity.feeds.errors import CorruptFile, UnreadableFile


def count_parquet_rows(path: Path) -> int:
    """Return how many rows a Parquet file has, from its footer; errors as ``read_parquet_rows``."""
    return int(_collected(path, pl.scan_parquet(path, glob=False).select(pl.len())).item())


def read_parquet_rows(path: Path, first_row: int, n_rows: int) -> pl.DataFrame:
    """Return rows ``first_row`` to ``first_row + n_rows - 1``, decoding little more than these.

    Raises
    ------
    UnreadableFile
        If the file is not there.
    CorruptFile
        If it is no sound Parquet file, or has fewer rows.
    """
    scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    rows = _collected(path, scan.slice(first_row, n_rows))
    if rows.height != n_rows:
        raise CorruptFile(f"{path.name}: want {n_rows} rows from {first_row}, got {rows.height}")
    return rows


def _collected(path: Path, rows: pl.LazyFrame) -> pl.DataFrame:
    if not path.is_file():
        raise UnreadableFile(f"{path.name}: want the kept file, got none")
    try:
        return rows.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as exc:
        reason = (str(exc).splitlines() or ["unknown"])[0][:160]
        raise CorruptFile(
            f"{path.parent.name[:16]}/{path.name}: want a sound Parquet file, got: {reason}"
        ) from exc
