"""Decisions matched with what was measured: which is settled, by what outcome, and what came again.

The rules, for each decision and each outcome (a target, place and time):

- A decision falls due at its ``due``. It is settled in the first scoring that finds its outcome measured, and
  then never again.
- An outcome that is not there waits. Seven days after it was due (``WAIT``) the decision is counted missing,
  for good: what comes later changes nothing.
- An outcome that is measured again within those days is counted: *repeated* if it is the same, *contradicted*
  if it is another. The first counts in the scores; the other is kept beside it and shown.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from veracity.models.decisions import TIME

WAIT = timedelta(days=7)
MATCHED, MISSING, REPEATED, CONTRADICTED = "matched", "missing", "repeated", "contradicted"
CELL = ("target", "key", "due")
OUTCOMES = pl.Schema(
    {
        "state": pl.String(),
        "run": pl.Int64(),  # the decision that is settled: row ``record`` of a run; null of what came again
        "record": pl.Int64(),
        "target": pl.String(),
        "key": pl.String(),
        "due": TIME,
        "value": pl.Float64(),  # what was measured; null of what is missing
        "first": pl.Float64(),  # of what came again, the value that counts
    }
)


@dataclass(frozen=True)
class Window:
    """Which decisions a scoring can settle.

    Attributes
    ----------
    until
        Those due by then.
    before
        ``until`` of the scoring before; None for the first.
    """

    until: datetime
    before: datetime | None

    @property
    def start(self) -> datetime | None:
        """All due by then, of runs that the scoring before knew, were settled by it."""
        return None if self.before is None else self.before - WAIT

    def open_rows(self, rows: pl.DataFrame, *, is_new: bool) -> pl.DataFrame:
        """Return the rows that may be unsettled; ``is_new`` for a run after the scoring before."""
        due = pl.col("due") <= self.until
        if self.start is not None and not is_new:
            due &= pl.col("due") > self.start
        return rows.filter(due)


def settled(rows: pl.DataFrame, cells: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Return those of a run's open decisions that are settled now, with ``value``, in the order they came.

    Parameters
    ----------
    rows
        Decisions, with their ``record``.
    cells
        What is measured: ``target``, ``key``, ``due``, ``value``.
    until
        Decisions due ``WAIT`` before are missing if their outcome is.
    """
    joined = rows.join(cells, on=CELL, how="left", maintain_order="left")
    return joined.filter(pl.col("value").is_not_null() | (pl.col("due") <= until - WAIT))


def outcome_rows(found: pl.DataFrame, run: int) -> pl.DataFrame:
    """Return the rows of outcomes that a run's settled decisions give."""
    state = pl.when(pl.col("value").is_null()).then(pl.lit(MISSING)).otherwise(pl.lit(MATCHED))
    return found.select(
        state=state,
        run=pl.lit(run, pl.Int64),
        record="record",
        target="target",
        key="key",
        due="due",
        value="value",
        first=pl.lit(None, pl.Float64),
    )


def by_cell(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return a scoring's outcomes: one row for each that was matched, and those that were contradicted."""
    matched = outcomes.filter(pl.col("state") == MATCHED).unique(CELL, keep="first", maintain_order=True)
    return pl.concat([matched, outcomes.filter(pl.col("state") == CONTRADICTED)])


def first_values(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return of each outcome the value that counts, ``first``, and the last that was seen, ``last``."""
    matched = outcomes.filter(pl.col("state") == MATCHED).unique(CELL, keep="first", maintain_order=True)
    again = outcomes.filter(pl.col("state") == CONTRADICTED).unique(CELL, keep="last", maintain_order=True)
    joined = matched.select(*CELL, first="value").join(
        again.select(*CELL, last="value"), on=CELL, how="left", maintain_order="left"
    )
    return joined.with_columns(last=pl.coalesce("last", "first"))


def counted(cells: pl.DataFrame, firsts: pl.DataFrame) -> pl.DataFrame:
    """Return what is measured, of outcomes that were scored before the value that counts."""
    joined = cells.join(firsts.select(*CELL, "first"), on=CELL, how="left", maintain_order="left")
    return joined.select(*CELL, value=pl.coalesce("first", "value"))


def came_again(firsts: pl.DataFrame, cells: pl.DataFrame, newly: pl.DataFrame) -> pl.DataFrame:
    """Return rows of outcomes for what was scored before and is measured again by later readings.

    Parameters
    ----------
    firsts
        As ``first_values`` gives them.
    cells
        All that is measured by now.
    newly
        What is measured by readings that came since the scoring before alone.
    """
    again = firsts.join(newly.select(CELL), on=CELL, how="semi", maintain_order="left")
    both = again.join(cells, on=CELL, how="inner", maintain_order="left")
    same = (pl.col("value") == pl.col("first")) | (pl.col("value") == pl.col("last"))
    rows = both.select(
        state=pl.when(same).then(pl.lit(REPEATED)).otherwise(pl.lit(CONTRADICTED)),
        run=pl.lit(None, pl.Int64),
        record=pl.lit(None, pl.Int64),
        target="target",
        key="key",
        due="due",
        value="value",
        first="first",
    )
    return rows.sort(CELL)
