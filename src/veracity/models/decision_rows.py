"""Rows of decisions checked and put in order, and the pages over them that receipts are of."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from veracity.data.evidence import Pages, seal_pages
from veracity.data.render import render_rows
from veracity.models.decisions import OWN, QUANTILES, SCHEMA
from veracity.models.errors import BadDecisions, DecidedLate

IDENTITY = ("model", "target", "key", "issued", "due", "threshold")  #: no two rows of a run share these
OVERRIDE, OVERRIDDEN = "override", "overridden"  #: a person's word, and the system's that it replaced
MAX_ROWS = 1_000_000
LONGEST_AHEAD = timedelta(days=31)  #: from when it was decided to when the outcome falls due
_NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return decisions in the one order they are kept in: by what tells them apart, nulls first.

    Raises
    ------
    BadDecisions
        If they are not rows of ``decisions.SCHEMA``.
    """
    if rows.schema != SCHEMA:
        wrong = [n for n in SCHEMA if rows.schema.get(n) != SCHEMA[n]] or list(
            set(rows.columns) - set(SCHEMA)
        )
        got = {n: str(rows.schema.get(n)) for n in wrong[:3]}
        raise BadDecisions(
            f"decisions: want columns {', '.join(SCHEMA)} of their types, got {got or 'others'}"
        )
    return rows.sort(IDENTITY, nulls_last=False)


def check_rows(
    rows: pl.DataFrame, targets: Collection[str], rungs: Collection[str], made_at: datetime
) -> None:
    """Raise unless rows, in order, may be logged as decided at ``made_at``.

    Raises
    ------
    BadDecisions
        If there are none or too many, two are of one thing, or one is not what a decision can be.
    DecidedLate
        If a row's outcome is due by ``made_at``. A nowcast, of the time it is issued at (``horizon_s`` 0), is
        of what was not measured and may be late.
    """
    if not 0 < rows.height <= MAX_ROWS:
        raise BadDecisions(f"decisions: want 1 to {MAX_ROWS:,} rows, got {rows.height:,}")
    if rows.select(pl.struct(IDENTITY).is_duplicated().any()).item():
        raise BadDecisions(f"decisions: want each {', '.join(IDENTITY)} once, got one twice")
    for what, holds in _rules(targets, rungs, made_at).items():
        if not rows.select(holds.fill_null(value=False).all()).item():
            raise BadDecisions(f"decisions: want {what}, got {_first(rows, holds)}")
    late = (pl.col("due") > made_at) | (pl.col("horizon_s") == 0)
    if not rows.select(late.all()).item():
        raise DecidedLate(
            f"decisions: want outcomes due after {made_at.isoformat()}, got {_first(rows, late)}"
        )


def decision_pages(rows: pl.DataFrame) -> tuple[bytes, Pages]:
    """Return decisions as canonical NDJSON, and the tree over its pages of 64."""
    data, ends = render_rows(rows)
    return data, seal_pages(data, ends)


def decision_line(rows: pl.DataFrame, record: int) -> bytes:
    """Return one decision as its page has it, newline included."""
    return render_rows(rows.slice(record, 1))[0]


def rung_counts(rows: pl.DataFrame) -> dict[str, int]:
    """Count decisions by the rung of the ladder that they come from."""
    counted = rows["rung"].value_counts().sort("rung")
    return {str(name): int(n) for name, n in counted.iter_rows()}


def _rules(targets: Collection[str], rungs: Collection[str], made_at: datetime) -> dict[str, pl.Expr]:
    """Return what holds of every row, by how it is told."""
    col = pl.col
    ahead_s = (col("due") - col("issued")).dt.total_microseconds()
    some = pl.any_horizontal(col(n).is_not_null() for n in QUANTILES)
    finite = pl.all_horizontal(col(n).is_finite() for n in QUANTILES)
    rising = pl.all_horizontal(col(low) <= col(high) for low, high in pairwise(QUANTILES))
    chance = col("probability").is_null() | col("probability").is_between(0, 1)
    return {
        f"model a name, not {OVERRIDE} or {OVERRIDDEN}": col("model").str.contains(_NAME)
        & ~col("model").is_in([OVERRIDE, OVERRIDDEN]),
        f"target one of {', '.join(sorted(targets))}": col("target").is_in(sorted(targets)),
        "a key of at most 256 bytes": col("key").str.len_bytes() <= 256,
        f"the system's own rows from a rung of {', '.join(rungs)}": (col("model") != OWN)
        | col("rung").is_in(list(rungs)),
        "a rung's name": col("rung").str.contains(_NAME),
        "horizon_s the seconds from issued to due, not negative": (ahead_s == col("horizon_s") * 1_000_000)
        & (col("horizon_s") >= 0),
        "issued by the time of deciding": col("issued") <= made_at,
        f"due at most {LONGEST_AHEAD.days} days ahead": col("due") <= made_at + LONGEST_AHEAD,
        "quantiles all there, finite and not falling, or none": pl.when(some)
        .then(finite.fill_null(value=False) & rising)
        .otherwise(statement=True),
        "a finite threshold, or none": col("threshold").is_null() | col("threshold").is_finite(),
        "a probability from 0 to 1, of a threshold": chance
        & (col("probability").is_null() | col("threshold").is_not_null()),
        "quantiles, a probability or an action": some
        | col("probability").is_not_null()
        | col("action").is_not_null(),
    }


def _first(rows: pl.DataFrame, holds: pl.Expr) -> str:
    """Tell the first row of which something does not hold."""
    at = int(np.flatnonzero(~rows.select(holds.fill_null(value=False)).to_series().to_numpy())[0])
    row = rows.row(at, named=True)
    told = {n: v for n, v in row.items() if v is not None}
    return f"row {at}: " + ", ".join(f"{n} {str(v)[:32]}" for n, v in told.items())[:300]
