"""The newest row of every entity of a view, as known at a time: a frame, kept while it is right."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from veracity.data.lake import collect_rows
from veracity.home.decisions import row_key
from veracity.home.home import Home
from veracity.home.panels import is_any_simulated
from veracity.home.verdicts import row_flags
from veracity.server.created.simulated import is_simulated
from veracity.server.ngsi_ld.views import View, entity_key, view_of
from veracity.server.positions import Survey
from veracity.server.public_feeds import public_feeds

MAX_ENTITIES = 100_000  #: of one feed: of those that came last


def views(home: Home) -> list[View]:
    """Return how every feed is shown that may be, and that tells its things apart; by name of the feed."""
    survey = Survey(home)
    found = (
        view_of(
            feed.contract,
            survey.of(feed.contract),
            simulated=is_any_simulated(home, (name,)) or is_simulated(home, feed.contract),
        )
        for name, feed in public_feeds(home).items()
    )
    return [view for view in found if view is not None]


@dataclass(frozen=True)
class Newest:
    """The newest rows of a view's entities up to a batch: the table's columns and ``_first``."""

    key: tuple[str, ...]
    time: str | None
    version: int
    rows: pl.DataFrame


def newest(home: Home, view: View, as_of: datetime | None = None, before: Newest | None = None) -> Newest:
    """Return the newest row of every entity: by event time where the feed has one, else by arrival.

    ``_first`` is the first batch that had the entity. What was found ``before`` saves reading all again:
    only later batches are read.
    """
    up_to = home.index.up_to(view.feed, as_of)
    is_usable = before is not None and (before.key, before.time) == (view.key, view.time)
    if before is None or not is_usable or before.version > up_to:
        before = None
    table, after = home.table(view.feed), -1 if before is None else before.version
    rows = table.scan(up_to_batch=up_to, after_batch=after) if up_to > after else table.scan().head(0)
    found = collect_rows(_newest(view, rows), streaming=True)
    if before is not None:
        both = pl.concat([before.rows, found.select(before.rows.columns)])
        first = both.group_by(view.key).agg(pl.col("_first").min())
        found = (
            _last(view, both.lazy()).collect().drop("_first").join(first, on=view.key, maintain_order="left")
        )
    return Newest(view.key, view.time, up_to, found.tail(MAX_ENTITIES))


def latest(home: Home, view: View, found: Newest) -> pl.DataFrame:
    """Return the newest rows with their marks, by identifier.

    Besides the columns there: ``_id``, ``_flags``, ``_lon``, ``_lat``.
    """
    return _marked(home, view, found.rows, found.version).sort("_id")


def _newest(view: View, rows: pl.LazyFrame) -> pl.LazyFrame:
    key, time = list(view.key), view.time
    rows = rows.filter(pl.all_horizontal(pl.col(key).is_not_null()))
    first = pl.col("_batch").min().alias("_first")
    if time is None:
        joined = rows.join(rows.group_by(key).agg(first), on=key, how="inner")
    else:
        ends = rows.group_by(key).agg(pl.col(time).max(), first)
        joined = rows.join(ends, on=[*key, time], how="inner", nulls_equal=True)
    return _last(view, joined)


def _last(view: View, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the last row of each entity, in order of arrival."""
    times = [] if view.time is None else [view.time]
    return rows.sort(*times, "_batch", "_record").unique(view.key, keep="last", maintain_order=True)


def marked(home: Home, view: View, rows: pl.DataFrame, as_of: datetime | None = None) -> pl.DataFrame:
    """Add ``_id``, ``_flags``, ``_lon`` and ``_lat`` to rows of a view."""
    return _marked(home, view, rows, home.index.up_to(view.feed, as_of))


def key_text(view: View) -> pl.Expr:
    """Return of each row what tells its entity from others: the key's values, with a separator between."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in view.key], separator="\x1f")


def _marked(home: Home, view: View, rows: pl.DataFrame, up_to: int) -> pl.DataFrame:
    names = rows.select(key_text(view).alias("_key"))["_key"]
    known = {text: view.prefix + entity_key(tuple(text.split("\x1f"))) for text in names.unique()}
    rows = rows.with_columns(names.replace_strict(known, return_dtype=pl.String).alias("_id"))
    flags, keys = (
        row_flags(home, view.feed, up_to, rows["_batch"].unique().to_list()),
        list(row_key(home, view.feed)),
    )
    lazy = rows.lazy().join(flags, on=keys, how="left", maintain_order="left", nulls_equal=True)
    return collect_rows(view.positions.with_points(lazy))
