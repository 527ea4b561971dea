"""The scoreboard: lines of sums that are only ever added, and the scores that they come to.

A line is a sum over the decisions of one model, rung, target, place, horizon and day. Sums of lines are
lines of fewer names, so that any summary is a sum of what stands in the log, in one fixed order: the same
lines give the same digits on every machine and number of threads.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from veracity.models.decision_rows import OVERRIDDEN, OVERRIDE
from veracity.models.decisions import OWN
from veracity.models.errors import BadParameter

KEY_HOURS = (1, 2, 3, 6, 12, 24, 48, 72)  #: of more horizons than these, those are shown that people know

_KEYS: dict[str, pl.DataType] = {
    "model": pl.String(),  # the system's own is "model"; "override" a person's, "overridden" what it replaced
    "served": pl.String(),  # digest of the model that the run was under; null where none was
    "rung": pl.String(),
    "target": pl.String(),
    "key": pl.String(),
    "horizon_s": pl.Int64(),
    "day": pl.Date(),  # of the outcome, UTC
}
SUMS: dict[str, pl.DataType] = {
    "n": pl.Int64(),  # outcomes known
    "n_missing": pl.Int64(),  # outcomes that never came
    "n_quantiles": pl.Int64(),  # of n, rows with quantiles: the sums below are over these
    "sum_error": pl.Float64(),
    "sum_abs": pl.Float64(),
    "sum_sq": pl.Float64(),
    "sum_crps": pl.Float64(),
    "n_in80": pl.Int64(),
    "n_in95": pl.Int64(),
    "n_probabilities": pl.Int64(),
    "sum_brier": pl.Float64(),
    "n_warnable": pl.Int64(),  # of n, rows that warn of an event or do not
    "n_events": pl.Int64(),
    "n_hits": pl.Int64(),
    "n_false": pl.Int64(),
    "n_missed": pl.Int64(),
    "sum_lead_s": pl.Float64(),
    "sum_cost": pl.Float64(),
}
LINE_KEYS = tuple(_KEYS)
LINES = pl.Schema(_KEYS | SUMS)  #: of the scoreboard
NOT_BASELINES = (OWN, OVERRIDE, OVERRIDDEN)
SCORES = ("mae", "rmse", "bias", "crps", "coverage80", "coverage95", "brier", "pod", "far", "lead_s", "cost")


def add_up(lines: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the sums of lines over everything but ``by``, sorted by it.

    Sums run in the order of the lines, one after the other.

    Raises
    ------
    BadParameter
        For a name that lines do not have.
    """
    if unknown := [n for n in by if n not in LINE_KEYS]:
        raise BadParameter(f"by: want some of {', '.join(LINE_KEYS)}, got {unknown[0][:40]!r}")
    if lines.is_empty() or not by:
        ids, n_groups = np.zeros(lines.height, np.int64), min(lines.height, 1)
        heads = lines.select(by).head(n_groups)
    else:
        lines = lines.sort(by, nulls_last=False, maintain_order=True)
        ids = lines.select(pl.struct(by).rle_id()).to_series().to_numpy()
        starts = np.flatnonzero(np.diff(ids, prepend=-1))
        n_groups, heads = len(starts), lines.select(by)[starts]
    sums = [
        pl.Series(name, np.bincount(ids, weights=lines[name].to_numpy(), minlength=n_groups)[:n_groups])
        for name in SUMS
    ]
    return pl.DataFrame([*heads.get_columns(), *(s.cast(SUMS[s.name]) for s in sums)])


def scores_of(sums: pl.DataFrame) -> pl.DataFrame:
    """Return sums with the scores that they come to.

    ``mae``, ``rmse``, ``bias`` (too high is positive), ``crps``, ``coverage80``, ``coverage95`` (shares),
    ``brier``, ``pod`` (of events, the share warned of), ``far`` (of warnings, the share in vain), ``lead_s``
    (mean, of events warned of) and ``cost`` (mean); null where there is nothing to divide by.
    """
    warned = pl.col("n_hits") + pl.col("n_false")
    return sums.with_columns(
        mae=_over("sum_abs", "n_quantiles"),
        rmse=_over("sum_sq", "n_quantiles").sqrt(),
        bias=_over("sum_error", "n_quantiles"),
        crps=_over("sum_crps", "n_quantiles"),
        coverage80=_over("n_in80", "n_quantiles"),
        coverage95=_over("n_in95", "n_quantiles"),
        brier=_over("sum_brier", "n_probabilities"),
        pod=_over("n_hits", "n_events"),
        far=pl.when(warned > 0).then(pl.col("n_false") / warned),
        lead_s=_over("sum_lead_s", "n_hits"),
        cost=_over("sum_cost", "n_warnable"),
    )


def summary(lines: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the scores of every model by ``by``, the best baseline beside.

    Returns
    -------
    pl.DataFrame
        ``by``, ``model``, the sums, the scores of ``scores_of``, then ``best`` (the baseline of the least
        mean absolute error in the same group), ``skill_mae`` and ``skill_crps`` (1 less the ratio to that
        baseline's: 0 is no better, 1 perfect), null where there is none. Sorted by ``by`` and ``model``.
    """
    names = [n for n in by if n != "model"]
    scores = scores_of(add_up(lines, [*names, "model"]))
    joined = (
        scores.join(_best(scores, names), on=names, how="left", nulls_equal=True, maintain_order="left")
        if names
        else scores.join(_best(scores, names), how="cross")
    )
    ratio = {n: pl.when(pl.col(f"_{n}") > 0).then(1 - pl.col(n) / pl.col(f"_{n}")) for n in ("mae", "crps")}
    return joined.with_columns(skill_mae=ratio["mae"], skill_crps=ratio["crps"]).drop("_mae", "_crps")


def key_horizons(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the horizons that are shown: all of a few, of many those that people know.

    Parameters
    ----------
    scores
        With a column ``horizon_s``, seconds.
    """
    key = scores.filter(pl.col("horizon_s").is_in([3_600 * hours for hours in KEY_HOURS]))
    is_many = scores["horizon_s"].n_unique() > len(KEY_HOURS)
    return key if is_many and key["horizon_s"].n_unique() > 1 else scores


def _best(scores: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the best baseline of each group: its name and mean errors; one row where there is no group."""
    ranked = scores.filter(~pl.col("model").is_in(NOT_BASELINES) & pl.col("mae").is_not_null())
    ranked = ranked.sort(*names, "mae", "model", nulls_last=False)
    told = ranked.select(*names, best="model", _mae="mae", _crps="crps")
    if names:
        return told.unique(names, keep="first", maintain_order=True)
    return told.head(1) if told.height else pl.DataFrame([[None]] * 3, schema=told.schema, orient="col")


def _over(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))
