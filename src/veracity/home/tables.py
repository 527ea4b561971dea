"""Rows out of the home: tables and quarantine, as of any time, to a file."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl

from veracity.data.errors import TableMismatch
from veracity.data.lake import reading_rows
from veracity.home.errors import BadName, HomeUnusable
from veracity.home.home import Home
from veracity.home.ingest import quarantine_path
from veracity.log.doors import ObjectMissing, StoreUnavailable

SUFFIXES = (".parquet", ".csv", ".ndjson")


def table_rows(home: Home, feed: str, as_of: datetime | None = None) -> pl.LazyFrame:
    """Return a feed's accepted rows as known at ``as_of`` (or now), in order of arrival."""
    home.feed(feed)
    return home.table(feed).scan(up_to_batch=home.index.up_to(feed, as_of))


def quarantine_rows(home: Home, feed: str, reason: str | None = None) -> pl.LazyFrame:
    """Return a feed's quarantined rows with their reasons, optionally those with one reason.

    ``reason`` is a whole reason (``range:pm25``) or its rule (``range``).
    """
    contract = home.feed(feed).contract
    columns = ["_batch", "_record", "reasons", *(f.name for f in contract.fields)]
    frames = [frame.lazy() for frame in _quarantined(home, feed)]
    if not frames:
        empty: dict[str, pl.DataType] = {n: pl.String() for n in columns[3:]}
        schema = {"_batch": pl.Int64(), "_record": pl.Int64(), "reasons": pl.List(pl.String)} | empty
        return pl.LazyFrame(schema=schema)
    rows = pl.concat(frames, how="diagonal").select(columns)
    if reason is None:
        return rows
    matches = pl.element() == reason
    if ":" not in reason:
        matches |= pl.element().str.starts_with(reason + ":")
    return rows.filter(pl.col("reasons").list.eval(matches).list.any())


def _quarantined(home: Home, feed: str) -> Iterator[pl.DataFrame]:
    for _, predicate in home.index.predicates("ingest", feed):
        if predicate["quarantine"] is not None:
            yield read_quarantine(home, feed, int(predicate["batch"]), str(predicate["quarantine"]["sha256"]))


def read_quarantine(home: Home, feed: str, batch: int, sha256: str) -> pl.DataFrame:
    """Read one batch's quarantined rows; ``TableMismatch`` if the file cannot be read."""
    path = quarantine_path(feed, batch, sha256)
    try:
        return pl.read_parquet(home.objects.get(path))
    except ObjectMissing as exc:
        raise TableMismatch(f"{path}: want a Parquet file, got none") from exc
    except pl.exceptions.PolarsError as exc:
        raise TableMismatch(f"{path}: want a Parquet file, got: {str(exc).splitlines()[0]}") from exc


def write_rows(rows: pl.LazyFrame, path: Path, *, simulated: bool) -> int:
    """Write rows as Parquet, CSV or NDJSON, by the file's suffix; return how many.

    The file appears whole or not at all. Simulated rows say so: in a column ``simulated``
    (text formats and Parquet alike), because a file travels without its contract.
    """
    if path.suffix not in SUFFIXES:
        raise BadName(f"to: want a file ending in {', '.join(SUFFIXES)}, got {path.name!r}")
    if simulated:
        rows = rows.with_columns(simulated=pl.lit(value=True))
    if not path.parent.is_dir():
        raise HomeUnusable(f"to: want a folder to write {path.name} in, got none at {path.parent}")
    beside = path.with_name(path.name + ".part")
    try:
        with reading_rows():
            if path.suffix == ".parquet":
                rows.sink_parquet(beside, compression="zstd")
                n = int(pl.scan_parquet(beside, glob=False).select(pl.len()).collect().item())
            else:
                frame = rows.collect(engine="streaming")
                n = frame.height
                _write_text(frame, beside, path.suffix)
            beside.replace(path)
    except StoreUnavailable as exc:
        beside.unlink(missing_ok=True)
        raise HomeUnusable(f"to: want to write {path}, got {exc}") from exc
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return n


def _write_text(frame: pl.DataFrame, path: Path, suffix: str) -> None:
    lists = [n for n, t in frame.schema.items() if isinstance(t, pl.List)]
    if suffix == ".csv":
        joined = frame.with_columns(pl.col(n).list.join(" ") for n in lists)
        joined.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
    else:
        frame.write_ndjson(path)
