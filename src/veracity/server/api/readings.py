"""Rows of a feed as readers look at them: the newest of each place, and one property over time."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.home.home import Home
from veracity.server.api.asking import FIRST, LAST
from veracity.server.contract_columns import key_columns
from veracity.server.errors import NotThere


class Position(NamedTuple):
    """Where a series goes on: after this row. Microseconds from the year 1, so never negative."""

    micros: int
    batch: int
    record: int


def key_text(contract: Contract) -> pl.Expr:
    """Return the key of each row as text: the key's columns but the time, joined with ``|``."""
    columns = key_columns(contract)
    if not columns:
        return pl.lit("")
    return pl.concat_str([pl.col(n).cast(pl.String) for n in columns], separator="|")


def newest_rows(home: Home, contract: Contract, up_to: int, at: datetime | None, limit: int) -> pl.DataFrame:
    """Return the last row of each place at or before a time, with its key as ``_key``; sorted by it.

    Two passes over the table: the newest time of each place, then only the files that can hold those rows.
    """
    keys = list(key_columns(contract))
    table, time = home.table(contract.feed), contract.time
    if time is None:
        rows = table.scan(up_to_batch=up_to)
        found = rows.group_by(keys).agg(pl.all().last()) if keys else rows.tail(1)
        return collect_rows(_keyed(found, contract).head(limit), streaming=True)
    until = at or LAST
    scan = table.scan(up_to_batch=up_to, between=(time, FIRST, until))
    if not keys:
        return collect_rows(_keyed(scan.sort(time, "_batch", "_record").tail(1), contract))
    newest = collect_rows(scan.group_by(keys).agg(pl.col(time).max()), streaming=True)
    if newest.is_empty():
        return collect_rows(_keyed(scan.head(0), contract))
    newest = newest.sort(keys).head(limit)
    since = newest[time].min()
    near = table.scan(up_to_batch=up_to, between=(time, since, until))
    found = near.join(newest.lazy(), on=[*keys, time], how="inner", nulls_equal=True)
    last = found.sort("_batch", "_record").unique(keys, keep="last", maintain_order=True)
    return collect_rows(_keyed(last, contract))


def _keyed(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    return rows.with_columns(_key=key_text(contract)).sort("_key")


def series_rows(
    home: Home,
    contract: Contract,
    field: str,
    key: str | None,
    up_to: int,
    span: tuple[datetime | None, datetime | None],
    after: Position | None,
    limit: int,
) -> pl.DataFrame:
    """Return ``_at``, ``_value``, ``_batch``, ``_record`` (and ``_carried``) of one property, by time.

    With a start, the first ``limit`` rows from it, or after ``after``; without one, the last ``limit``.
    """
    time = contract.time
    if time is None:
        raise NotThere(f"series: want a feed with an event time, got {contract.feed} without")
    start, end = span
    rows = home.table(contract.feed).scan(up_to_batch=up_to, between=(time, start or FIRST, end or LAST))
    columns = key_columns(contract)
    if columns:
        if key is None:
            raise NotThere(f"key: want a value of {'|'.join(columns)}, got none")
        rows = rows.filter(_is_key(contract, columns, key))
    carried = pl.col(contract.carried) if contract.carried else pl.lit(None, pl.String)
    found = rows.select(
        _at=pl.col(time),
        _value=pl.col(field),
        _batch=pl.col("_batch"),
        _record=pl.col("_record"),
        _carried=carried.cast(pl.String),
    )
    order = ["_at", "_batch", "_record"]
    if after is not None:
        stamp = FIRST + min(timedelta(microseconds=after.micros), LAST - FIRST)
        place = (pl.col("_batch") > after.batch) | (
            (pl.col("_batch") == after.batch) & (pl.col("_record") > after.record)
        )
        found = found.filter((pl.col("_at") > stamp) | ((pl.col("_at") == stamp) & place))
    if start is None and after is None:
        return collect_rows(found.sort(order, descending=True).head(limit)).reverse()
    return collect_rows(found.sort(order).head(limit))


def position(row: dict[str, Any]) -> Position:
    """Return the position of a row of a series."""
    micros = (row["_at"] - FIRST) // timedelta(microseconds=1)
    return Position(micros, int(row["_batch"]), int(row["_record"]))


def _is_key(contract: Contract, columns: tuple[str, ...], key: str) -> pl.Expr:
    values = [key] if len(columns) == 1 else key.split("|")
    if len(values) != len(columns):
        raise NotThere(f"key: want a value of {'|'.join(columns)}, got {len(values)} values")
    is_it = pl.lit(value=True)
    for name, value in zip(columns, values, strict=True):
        column = pl.col(name) if contract.field(name).type == "string" else pl.col(name).cast(pl.String)
        is_it &= column == pl.lit(value)
    return is_it
