"""Rows that statements name by digest, as Parquet: kept before the statement, checked at every read."""

import io

import polars as pl

from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.home.home import Home
from veracity.home.models.bounded import MAX_ROWS_BYTES, get_bounded
from veracity.log.doors import ObjectMissing
from veracity.provenance.statements import RowsDigest


def rows_digest(rows: pl.DataFrame) -> RowsDigest:
    """Return what a statement says of rows."""
    return RowsDigest(rows.height, frame_digest(rows))


def rows_text(said: RowsDigest) -> str:
    """Return how rows are named to people."""
    return f"{said.rows:,} rows of digest {said.sha256[:16]}"


def rows_path(kind: str, system: str, number: int, said: RowsDigest) -> str:
    """Return where rows are kept: ``decisions``, ``outcomes`` or ``scores`` of a system, by their number."""
    return f"{kind}/{system}/{number:08d}-{said.sha256}.parquet"


def put_rows(home: Home, path: str, rows: pl.DataFrame) -> None:
    """Keep rows; durable when it returns."""
    body = io.BytesIO()
    rows.write_parquet(body, compression="zstd", compression_level=1)
    home.objects.put(path, body.getvalue())


def read_rows(home: Home, path: str, said: RowsDigest) -> pl.DataFrame:
    """Read rows back.

    Raises
    ------
    TableMismatch
        If they are gone, cannot be read, or are not those that a statement says.
    ObjectTooLarge
        If the file is larger than any can be.
    """
    try:
        body = io.BytesIO(get_bounded(home, path, MAX_ROWS_BYTES))
        n_rows = int(pl.scan_parquet(body).select(pl.len()).collect().item())
        if n_rows != said.rows:  # whatever they take in memory
            raise TableMismatch(
                f"{path}: want {said.rows:,} rows of digest {said.sha256[:16]}, got {n_rows:,}"
            )
        rows = pl.read_parquet(body.getvalue())
        digest = frame_digest(rows)
    except ObjectMissing as exc:
        raise TableMismatch(f"{path}: want {said.rows:,} rows, got none: the file is gone") from exc
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, OSError) as exc:
        raise TableMismatch(f"{path}: want a Parquet file, got: {str(exc).splitlines()[0]}") from exc
    if (got := RowsDigest(rows.height, digest)) != said:
        raise TableMismatch(f"{path}: want {rows_text(said)}, got {rows_text(got)}")
    return rows
