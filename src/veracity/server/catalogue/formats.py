"""The formats in which rows go out, and how each is written: never all rows in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from veracity.data.lake import reading_rows
from veracity.server.positions import Positions

_GROUP = 131_072  #: rows in a row group of Parquet, and in a step of GeoJSON
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"


@dataclass(frozen=True)
class Format:
    """A format: the end of its files' names, its media type, its name at the EU's file types."""

    suffix: str
    media_type: str
    file_type: str
    title: str


FORMATS = {
    f.suffix: f
    for f in (
        Format("parquet", "application/vnd.apache.parquet", "PARQUET", "Parquet"),
        Format("csv", "text/csv", "CSV", "CSV"),
        Format("geojson", "application/geo+json", "GEOJSON", "GeoJSON"),
    )
}


def writer(suffix: str, rows: pl.LazyFrame, places: Positions) -> Callable[[Path], None]:
    """Return what writes rows to a path in a format."""
    if suffix == "parquet":
        return lambda path: _write_parquet(rows, path)
    if suffix == "csv":
        return lambda path: _write_csv(rows, path)
    return lambda path: _write_geojson(rows, places, path)


def _write_parquet(rows: pl.LazyFrame, path: Path) -> None:
    with reading_rows():
        rows.sink_parquet(path, compression="zstd", row_group_size=_GROUP, maintain_order=True)


def _write_csv(rows: pl.LazyFrame, path: Path) -> None:
    with reading_rows():
        rows.sink_csv(path, check_extension=False, datetime_format=_TIME, maintain_order=True)


def _write_geojson(rows: pl.LazyFrame, places: Positions, path: Path) -> None:
    """Write RFC 7946: one feature a row, ``geometry`` null where no position is known."""
    names = rows.collect_schema().names()
    features = places.with_points(rows).select(_feature(rows, names))
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        comma = ""
        with reading_rows():
            for batch in features.collect_batches(chunk_size=_GROUP, maintain_order=True):
                for text in batch.to_series():
                    file.write(f"{comma}\n{text}")
                    comma = ","
        file.write("\n]}\n")


def _feature(rows: pl.LazyFrame, names: list[str]) -> pl.Expr:
    schema = rows.collect_schema()
    values = [_as_json(name, schema[name]).alias(name) for name in names]
    ends = [pl.col("_lon").cast(pl.String), pl.lit(","), pl.col("_lat").cast(pl.String)]
    point = pl.concat_str(pl.lit('{"type":"Point","coordinates":['), *ends, pl.lit("]}"))
    geometry = point.fill_null("null")
    return pl.concat_str(
        pl.lit('{"type":"Feature","geometry":'),
        geometry,
        pl.lit(',"properties":'),
        pl.struct(values).struct.json_encode(),
        pl.lit("}"),
    ).alias("feature")


def _as_json(name: str, kind: pl.DataType) -> pl.Expr:
    """Return a column as JSON takes it: times as text, no number that is none."""
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.strftime(_TIME)
    if isinstance(kind, pl.Date):
        return pl.col(name).dt.strftime("%Y-%m-%d")
    if isinstance(kind, pl.Float64):
        return pl.when(pl.col(name).is_finite()).then(pl.col(name))
    return pl.col(name)
