"""The newest time of each sensor, kept between calls of ``ingest``: a cache of the table."""

import io

import polars as pl

from veracity.data.history import KeyHistory
from veracity.home.home import Writer


def _state_path(feed: str) -> str:
    return f"state/{feed}/newest.parquet"


def read_key_state(home: Writer, feed: str, batch: int) -> pl.DataFrame | None:
    """Read the key history after the batch before ``batch``; None if what is kept is of another."""
    path = _state_path(feed)
    if not home.objects.exists(path):
        return None
    try:
        state = pl.read_parquet(home.objects.get(path))
    except pl.exceptions.PolarsError:
        return None
    if "_next_batch" not in state.columns:
        return None
    kept = state.filter(pl.col("_next_batch") == batch)
    return kept.drop("_next_batch") if kept.height == state.height and state.height else None


def write_key_state(home: Writer, feed: str, batch: int, history: KeyHistory) -> None:
    """Keep the key history as it is before ``batch``, the next."""
    newest = history.newest
    if newest is None or newest.is_empty():
        return
    body = io.BytesIO()
    newest.with_columns(pl.lit(batch, pl.Int64).alias("_next_batch")).write_parquet(body)
    home.objects.put(_state_path(feed), body.getvalue())
