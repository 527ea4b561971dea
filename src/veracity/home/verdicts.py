"""Verdicts out of the home: for each row of a feed its outcome, and one bit map for each rule.

A batch in which a rule was broken keeps the verdict on each of its rows beside the table, as signed.
A batch without one has accepted rows alone, and broke no rule. Records that gave no row because they
could not be read have no verdict: they are in the evidence, and counted as refused.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from veracity.data.verdicts import OUTCOME
from veracity.home.batch import kept_path
from veracity.home.decisions import judged_by, row_key
from veracity.home.home import Home
from veracity.home.tables import scan_kept

PLACE = ("_batch", "_record")
_FEW = 300  #: batches looked up one by one rather than all read


def verdict_rows(home: Home, feed: str, as_of: datetime | None = None) -> pl.LazyFrame:
    """Return the verdict on every row of a feed, as known at ``as_of`` (or now).

    Columns: ``_batch``, ``_record``; of a feed that is or was wide the fields that column names carried,
    which tell a record's rows apart (null for batches that were not wide); ``outcome`` (accepted,
    quarantined, refused); and a Boolean column for each rule that a row ever broke, named by its
    reason. Sorted by batch; the rows of one in order.

    Raises
    ------
    UnknownFeed
        If there is no such feed.
    TableMismatch
        If a batch's verdicts are gone.
    """
    said = _batches(home, feed, as_of)
    reasons = broken_rules(home, feed, said)
    names = row_key(home, feed)[len(PLACE) :]
    keys: dict[str, pl.DataType] = dict.fromkeys(PLACE, pl.Int64()) | dict.fromkeys(names, pl.String())
    schema = keys | {"outcome": OUTCOME} | dict.fromkeys(reasons, pl.Boolean())
    kept = [p for p in said if _digest(p) is not None]
    plain = [p for p in said if _digest(p) is None and p["table"]]
    parts = [pl.LazyFrame(schema=schema)]
    for carried, group in _by_carried(home, plain).items():
        rows = home.table(feed).scan(up_to_batch=max(group)).filter(pl.col("_batch").is_in(group))
        own = [n if n in (*PLACE, carried) else pl.lit(None, t).alias(n) for n, t in keys.items()]
        none = [pl.lit(value=False).alias(reason) for reason in reasons]
        parts.append(rows.select(*own, pl.lit("accepted").cast(OUTCOME).alias("outcome"), *none))
    if kept:
        paths = [kept_path("verdicts", feed, int(p["batch"]), str(_digest(p))) for p in kept]
        found = scan_kept(home, f"verdicts/{feed}", paths, schema)
        own = [pl.col(name).str.strip_chars() for name in names]  # as the table has it
        filled = [pl.col(reason).fill_null(value=False) for reason in reasons]
        parts.append(found.select(*PLACE, *own, "outcome", *filled))
    return pl.concat(parts).sort("_batch", maintain_order=True)


def flagged_rows(home: Home, feed: str, as_of: datetime | None = None) -> pl.LazyFrame:
    """Return the accepted rows that broke a rule which flags, and in ``reasons`` which they broke."""
    said = _batches(home, feed, as_of)
    reasons = broken_rules(home, feed, said)
    verdicts = verdict_rows(home, feed, as_of).filter(
        pl.col("outcome") == "accepted", pl.any_horizontal(pl.lit(value=False), *reasons)
    )
    told = [pl.when(pl.col(reason)).then(pl.lit(reason)) for reason in reasons]
    listed = pl.concat_list(told or [pl.lit(None, pl.String)]).list.drop_nulls().alias("reasons")
    rows = home.table(feed).scan(up_to_batch=home.index.up_to(feed, as_of))
    parts = [rows.head(0).with_columns(reasons=pl.lit(None, pl.List(pl.String)))]
    for carried, group in _by_carried(home, [p for p in said if _digest(p) is not None]).items():
        keys = [*PLACE, *([] if carried is None else [carried])]
        here = pl.col("_batch").is_in(group)
        flagged = verdicts.filter(here).select(*keys, listed)
        parts.append(rows.filter(here).join(flagged, on=keys, how="inner", maintain_order="left"))
    return pl.concat(parts).sort("_batch", maintain_order=True)


def row_flags(home: Home, feed: str, up_to_batch: int, among: Collection[int] | None = None) -> pl.LazyFrame:
    """Return which accepted rows up to a batch broke a rule that flags, and which rules.

    Columns: those of ``row_key``, and ``_flags``, the reasons separated by blanks. In a feed that was wide
    under some of its contracts, rows of batches under another have null for what column names carried.
    Asked for rows of a few batches (``among``), no others are looked at.
    """
    said = [
        p
        for p in _said_of(home, feed, among)
        if p["batch"] <= up_to_batch and _digest(p) is not None and p["checks"]["flagged"]
    ]
    names = row_key(home, feed)
    keys: dict[str, pl.DataType] = {n: pl.Int64() if n in PLACE else pl.String() for n in names}
    reasons = broken_rules(home, feed, said)
    if not said or not reasons:
        return pl.LazyFrame(schema=keys | {"_flags": pl.String()})
    schema = keys | {"outcome": OUTCOME} | dict.fromkeys(reasons, pl.Boolean())
    paths = [kept_path("verdicts", feed, int(p["batch"]), str(_digest(p))) for p in said]
    found = scan_kept(home, f"verdicts/{feed}", paths, schema)
    told = [pl.when(pl.col(reason)).then(pl.lit(reason)) for reason in reasons]
    own = [pl.col(name) if name in PLACE else pl.col(name).str.strip_chars() for name in names]
    broke = found.filter(pl.col("outcome") == "accepted", pl.any_horizontal(*reasons))
    return broke.select(*own, pl.concat_str(told, separator=" ", ignore_nulls=True).alias("_flags"))


def _said_of(home: Home, feed: str, among: Collection[int] | None) -> list[dict[str, Any]]:
    """Return what the log says of a feed's batches, or of some."""
    if among is None or len(among) > _FEW:
        said = [p for _, p in home.index.predicates("ingest", feed)]
        return said if among is None else [p for p in said if p["batch"] in set(among)]
    rows = [home.index.batch(feed, batch) for batch in sorted(among)]
    return [home.index.predicate(row.idx) for row in rows if row is not None]


def broken_rules(home: Home, feed: str, said: Sequence[dict[str, Any]] | None = None) -> list[str]:
    """Return every reason that a row of a feed ever had: the contract's in order, then older ones."""
    if said is None:
        said = _batches(home, feed, None)
    told = {reason for p in said if _digest(p) is not None for reason in p["reasons"]}
    known = [reason for reason in home.feed(feed).contract.reasons if reason in told]
    return known + sorted(told - set(known))


def _batches(home: Home, feed: str, as_of: datetime | None) -> list[dict[str, Any]]:
    """Return what the log says of a feed's batches, as known then."""
    home.feed(feed)
    home.check_held(feed)
    up_to = home.index.up_to(feed, as_of)
    return [p for _, p in home.index.predicates("ingest", feed) if p["batch"] <= up_to]


def _by_carried(home: Home, said: Sequence[dict[str, Any]]) -> dict[str | None, list[int]]:
    """Return the batches by the field that their column names carried."""
    groups: dict[str | None, list[int]] = {}
    for p in said:
        groups.setdefault(judged_by(home, p).carried, []).append(int(p["batch"]))
    return groups


def _digest(predicate: dict[str, Any]) -> str | None:
    checks = predicate.get("checks")
    verdicts = None if checks is None else checks["verdicts"]
    return None if verdicts is None else str(verdicts["sha256"])
