"""Rows out of the home: tables and quarantine, as of any time, to a file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.data.lake import reading_rows, where_rows_are
from veracity.home.batch import Kept, kept_path
from veracity.home.errors import BadName, HomeUnusable
from veracity.home.home import Home
from veracity.log.doors import ObjectMissing, StoreUnavailable

SUFFIXES = (".parquet", ".csv", ".ndjson")


class Objects(Protocol):
    """Where files of rows are kept."""

    def get(self, path: str) -> bytes:
        """Return an object, or raise ``ObjectMissing``."""


def table_rows(home: Home, feed: str, as_of: datetime | None = None) -> pl.LazyFrame:
    """Return a feed's accepted rows as known at ``as_of`` (or now), in order of arrival."""
    home.feed(feed)
    home.check_held(feed)
    return home.table(feed).scan(up_to_batch=home.index.up_to(feed, as_of))


def quarantine_rows(home: Home, feed: str, reason: str | None = None) -> pl.LazyFrame:
    """Return a feed's quarantined rows with their reasons, optionally those with one reason.

    ``reason`` is a whole reason (``range:pm25``) or its rule (``range``).
    """
    text: dict[str, pl.DataType] = {f.name: pl.String() for f in home.feed(feed).contract.fields}
    schema = {"_batch": pl.Int64(), "_record": pl.Int64(), "reasons": pl.List(pl.String)} | text
    paths = _quarantined(home, feed)
    if not paths:
        return pl.LazyFrame(schema=schema)
    rows = scan_kept(home, f"quarantine/{feed}", paths, schema).select(schema.keys())
    if reason is None:
        return rows
    matches = pl.element() == reason
    if ":" not in reason:
        matches |= pl.element().str.starts_with(reason + ":")
    return rows.filter(pl.col("reasons").list.eval(matches).list.any())


def _quarantined(home: Home, feed: str) -> list[str]:
    """Return where a feed's quarantined rows are kept, by batch."""
    said = [p for _, p in home.index.predicates("ingest", feed) if p["quarantine"] is not None]
    return [kept_path("quarantine", feed, int(p["batch"]), str(p["quarantine"]["sha256"])) for p in said]


def scan_kept(
    home: Home, folder: str, paths: Sequence[str], schema: Mapping[str, pl.DataType]
) -> pl.LazyFrame:
    """Return the rows of Parquet files in one folder of the store; ``TableMismatch`` if one is gone."""
    missing = set(paths) - set(home.objects.list(folder))
    if missing:
        raise TableMismatch(f"{min(missing)}: want a Parquet file, got none")
    return pl.scan_parquet(
        [home.objects.uri(path) for path in paths],
        schema=dict(schema),
        glob=False,
        missing_columns="insert",
        extra_columns="ignore",
        **where_rows_are(home.objects.options),
    )


def read_kept(home: Home, kind: Kept, feed: str, batch: int, sha256: str) -> pl.DataFrame:
    """Read rows that a batch left beside the table; ``TableMismatch`` if the file cannot be read."""
    return read_parquet(home.objects, kept_path(kind, feed, batch, sha256))


def read_parquet(objects: Objects, path: str) -> pl.DataFrame:
    """Read a Parquet file of rows from the store; ``TableMismatch`` if it is gone, or none."""
    try:
        return pl.read_parquet(objects.get(path))
    except ObjectMissing as exc:
        raise TableMismatch(f"{path}: want a Parquet file, got none") from exc
    except pl.exceptions.PolarsError as exc:
        raise TableMismatch(f"{path}: want a Parquet file, got: {str(exc).splitlines()[0]}") from exc


def read_signed(home: Home, kind: Kept, feed: str, batch: int, sha256: str) -> pl.DataFrame:
    """Read such rows and compare them with the digest that was signed; ``TableMismatch`` if they differ."""
    return read_signed_parquet(home.objects, kept_path(kind, feed, batch, sha256), sha256)


def read_signed_parquet(objects: Objects, path: str, sha256: str) -> pl.DataFrame:
    """Read a file of rows whose digest was signed; ``TableMismatch`` if it is gone, or another."""
    rows = read_parquet(objects, path)
    digest = frame_digest(rows)
    if digest != sha256:
        raise TableMismatch(f"{path}: want digest {sha256[:16]}, got {digest[:16]}")
    return rows


def write_rows(rows: pl.LazyFrame, path: Path, *, simulated: bool) -> int:
    """Write rows as Parquet, CSV or NDJSON, by the file's suffix; return how many.

    The file appears whole or not at all. Simulated rows say so: in a column ``simulated``
    (text formats and Parquet alike), because a file travels without its contract.
    """
    with written(rows, path, simulated=simulated) as n:
        return n


@contextmanager
def written(rows: pl.LazyFrame, path: Path, *, simulated: bool) -> Iterator[int]:
    """Write rows beside ``path``; the file appears there when the block ends well, else nothing does.

    For what has to be said only of a file that could be written. Gives the number of rows; never
    holds them all.

    Raises
    ------
    BadName, HomeUnusable
        If there can be no such file.
    TableMismatch
        If the rows cannot be read.
    """
    check_destination(path)
    if simulated:
        rows = rows.with_columns(simulated=pl.lit(value=True))
    beside = path.with_name(path.name + ".part")
    try:
        try:
            with reading_rows():
                _sink(rows, beside, path.suffix)
                n = int(rows.select(pl.len()).collect(engine="streaming").item())
        except StoreUnavailable as exc:
            raise HomeUnusable(f"to: want to write {path}, got {exc}") from exc
        yield n
        try:
            beside.replace(path)
        except OSError as exc:
            raise HomeUnusable(f"to: want to write {path}, got {exc.strerror}") from exc
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def check_destination(path: Path) -> None:
    """Raise ``BadName`` or ``HomeUnusable`` unless rows can be written to ``path``: before any work."""
    if path.suffix not in SUFFIXES:
        raise BadName(f"to: want a file ending in {', '.join(SUFFIXES)}, got {path.name!r}")
    try:
        has_folder, is_folder = path.parent.is_dir(), path.is_dir()
    except OSError as exc:  # a name that no file can have
        raise HomeUnusable(f"to: want to write {path}, got {exc.strerror}") from exc
    if not has_folder:
        raise HomeUnusable(f"to: want a folder to write {path.name} in, got none at {path.parent}")
    if is_folder:
        raise HomeUnusable(f"to: want a file to write, got a folder at {path}")


def _sink(rows: pl.LazyFrame, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        rows.sink_parquet(path, compression="zstd")
    elif suffix == ".ndjson":
        rows.sink_ndjson(path, check_extension=False)
    else:
        lists = [n for n, t in rows.collect_schema().items() if isinstance(t, pl.List)]
        joined = rows.with_columns(pl.col(n).list.join(" ") for n in lists)
        joined.sink_csv(path, check_extension=False, datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
