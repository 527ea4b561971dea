"""How each decision did, once its outcome is known: what a row adds to every sum of the scoreboard.

Errors are the median less the outcome, so that a positive mean says "too high". All scores are row by row;
adding them up is ``scoreboard``'s.
"""

from datetime import datetime

import numpy as np
import polars as pl

from veracity.models.crps import crps_of_quantiles
from veracity.models.decisions import QUANTILES
from veracity.models.events import EventPolicy
from veracity.models.forecast import LEVELS
from veracity.models.scoreboard import LINE_KEYS, SUMS

_BARE = {n: pl.lit(0, t) for n, t in SUMS.items()}


def score_rows(rows: pl.DataFrame, made_at: datetime, events: EventPolicy) -> pl.DataFrame:
    """Score decisions against their outcomes.

    Parameters
    ----------
    rows
        Columns of ``decisions.SCHEMA`` and ``value``, what was measured; null where that never came.
    made_at
        When they were decided: lead times are from then.
    events
        What a warning is and what it costs.

    Returns
    -------
    pl.DataFrame
        ``rows`` and ``error``, ``abs``, ``sq``, ``crps`` (the target's unit or its square), ``in80``,
        ``in95``, ``event``, ``warned`` (bool), ``brier``, ``lead_s`` (of an event that was warned of) and
        ``cost``; each null where the row says nothing of the kind, or no outcome came.
    """
    col = pl.col
    error = col("q50") - col("value")
    event = pl.when(col("threshold").is_not_null()).then(col("value") >= col("threshold"))
    told = rows.with_columns(
        error=error,
        abs=error.abs(),
        sq=error * error,
        crps=_crps(rows),
        in80=col("value").is_between("q10", "q90"),
        in95=col("value").is_between("q025", "q975"),
        event=event,
        warned=pl.when(event.is_not_null()).then(events.warned()),
    )
    lead_s = (col("due") - pl.lit(made_at)).dt.total_microseconds() / 1e6
    cost = pl.when("warned").then(events.cost).otherwise(pl.when("event").then(events.loss).otherwise(0.0))
    return told.with_columns(
        brier=(col("probability") - col("event").cast(pl.Float64)).pow(2),
        lead_s=pl.when(col("event") & col("warned")).then(pl.max_horizontal(lead_s, pl.lit(0.0))),
        cost=pl.when(col("warned").is_not_null()).then(cost),
    )


def contributions(scored: pl.DataFrame, served: str | None) -> pl.DataFrame:
    """Return what each scored row adds to its line of the scoreboard.

    ``served`` is the digest of the model that the run was under, None where none was.
    """
    col = pl.col
    known = col("value").is_not_null()
    judged = col("event").is_not_null() & col("warned").is_not_null()
    sums = {
        "n": known,
        "n_missing": ~known,
        "n_quantiles": col("error").is_not_null(),
        "sum_error": col("error"),
        "sum_abs": col("abs"),
        "sum_sq": col("sq"),
        "sum_crps": col("crps"),
        "n_in80": col("in80"),
        "n_in95": col("in95"),
        "n_probabilities": col("brier").is_not_null(),
        "sum_brier": col("brier"),
        "n_warnable": judged,
        "n_events": judged & col("event"),
        "n_hits": judged & col("event") & col("warned"),
        "n_false": judged & ~col("event") & col("warned"),
        "n_missed": judged & col("event") & ~col("warned"),
        "sum_lead_s": col("lead_s"),
        "sum_cost": col("cost"),
    }
    lines = scored.with_columns(served=pl.lit(served, pl.String), day=col("due").dt.date())
    return lines.select(*LINE_KEYS, *(e.cast(SUMS[n]).fill_null(_BARE[n]).alias(n) for n, e in sums.items()))


def _crps(rows: pl.DataFrame) -> pl.Series:
    quantiles = [rows[n].cast(pl.Float64).fill_null(np.nan).to_numpy() for n in QUANTILES]
    value = rows["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return pl.Series("crps", crps_of_quantiles(np.stack(quantiles, axis=-1), LEVELS, value)).fill_nan(None)
