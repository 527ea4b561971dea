"""The newest row of every entity of a view, as known at a time: a frame, kept while it is right."""

from datetime import datetime

import polars as pl

from veracity.data.lake import collect_rows
from veracity.home.decisions import row_key
from veracity.home.home import Home
from veracity.home.panels import is_any_simulated
from veracity.home.verdicts import row_flags
from veracity.server.ngsi_ld.views import View, entity_key, view_of
from veracity.server.positions import positions
from veracity.server.public_feeds import public_feeds

MAX_ENTITIES = 100_000  #: of one feed: of those that came last


def views(home: Home) -> list[View]:
    """Return how every feed is shown that may be, and that tells its things apart; by name of the feed."""
    found = (
        view_of(feed.contract, positions(home, feed.contract), simulated=is_any_simulated(home, (name,)))
        for name, feed in public_feeds(home).items()
    )
    return [view for view in found if view is not None]


def latest(home: Home, view: View, as_of: datetime | None = None) -> pl.DataFrame:
    """Return the newest row of every entity: by event time where the feed has one, else by arrival.

    Besides the table's columns: ``_id``, ``_first`` (the first batch that had the entity), ``_flags``,
    ``_lon``, ``_lat``. Sorted by ``_id``.
    """
    up_to = home.index.up_to(view.feed, as_of)
    rows = home.table(view.feed).scan(up_to_batch=max(up_to, -1)) if up_to >= 0 else _none(home, view)
    key, time = list(view.key), view.time
    rows = rows.filter(pl.all_horizontal(pl.col(key).is_not_null()))
    if time is not None:
        ends = rows.group_by(key).agg(pl.col(time).max(), pl.col("_batch").min().alias("_first"))
        rows = rows.join(ends, on=[*key, time], how="inner", nulls_equal=True)
    else:
        first = rows.group_by(key).agg(pl.col("_batch").min().alias("_first"))
        rows = rows.join(first, on=key, how="inner")
    newest = rows.sort("_batch", "_record").unique(key, keep="last", maintain_order=True).tail(MAX_ENTITIES)
    return _marked(home, view, collect_rows(newest, streaming=True), up_to).sort("_id")


def marked(home: Home, view: View, rows: pl.DataFrame, as_of: datetime | None = None) -> pl.DataFrame:
    """Add ``_id``, ``_flags``, ``_lon`` and ``_lat`` to rows of a view."""
    return _marked(home, view, rows, home.index.up_to(view.feed, as_of))


def entity_rows(view: View, rows: pl.LazyFrame, identifiers: list[str]) -> pl.LazyFrame:
    """Return the rows of some entities of a view."""
    if len(view.key) == 1:
        return rows.filter(_key_text(view).is_in(identifiers))
    return (
        rows.with_columns(_key_text(view).alias("_key"))
        .filter(pl.col("_key").is_in(identifiers))
        .drop("_key")
    )


def key_text(view: View) -> pl.Expr:
    """Return of each row what tells its entity from others, as one text."""
    return _key_text(view)


def _key_text(view: View) -> pl.Expr:
    """Return the key's values as text, joined by a character that separates units: it is in no value."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in view.key], separator="\x1f")


def _marked(home: Home, view: View, rows: pl.DataFrame, up_to: int) -> pl.DataFrame:
    names = rows.select(_key_text(view).alias("_key"))["_key"]
    known = {text: view.prefix + entity_key(tuple(text.split("\x1f"))) for text in names.unique()}
    rows = rows.with_columns(names.replace_strict(known, return_dtype=pl.String).alias("_id"))
    flags, keys = row_flags(home, view.feed, up_to), list(row_key(home, view.feed))
    lazy = rows.lazy().join(flags, on=keys, how="left", maintain_order="left", nulls_equal=True)
    return collect_rows(view.positions.with_points(lazy))


def _none(home: Home, view: View) -> pl.LazyFrame:
    return home.table(view.feed).scan().head(0)
