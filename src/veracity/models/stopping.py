"""Stop rules asked of the scoreboard: whether what serves has done so badly that it must not go on."""

from datetime import date, timedelta

import polars as pl

from veracity.models.app import StopRule
from veracity.models.decisions import OWN
from veracity.models.errors import BadParameter
from veracity.models.scoreboard import SCORES, add_up, scores_of


def tripped(rule: StopRule, lines: pl.DataFrame, model_sha256: str, last: date) -> str | None:
    """Return why a rule stops a model, or None.

    Parameters
    ----------
    rule
        Looks at the last ``rule.days`` days of outcomes, the day ``last`` among them.
    lines
        Of the scoreboard.
    model_sha256
        The model that serves; only runs under it count, so that a new release is not stopped for the old one.

    Raises
    ------
    BadParameter
        If the rule asks for a score that there is not.
    """
    if rule.score not in SCORES:
        raise BadParameter(f"stop rule {rule.name}: want a score of {', '.join(SCORES)}, got {rule.score!r}")
    recent = pl.col("day").is_between(last - timedelta(days=rule.days - 1), last)
    scores = scores_of(add_up(lines.filter(recent, pl.col("served") == model_sha256), ["model"]))
    own = _score(scores, OWN, rule.score)
    if own is None or own[0] < rule.n_least:
        return None
    value = own[1]
    if rule.baseline is not None:
        other = _score(scores, rule.baseline, rule.score)
        if other is None or other[1] == 0:
            return None
        value /= other[1]
    of = f" over {rule.baseline}'s" if rule.baseline else ""
    if rule.above is not None and value > rule.above:
        return f"{rule.name}: {rule.score}{of} {value:.4g} over {rule.days} days is above {rule.above:g}"
    if rule.below is not None and value < rule.below:
        return f"{rule.name}: {rule.score}{of} {value:.4g} over {rule.days} days is below {rule.below:g}"
    return None


def _score(scores: pl.DataFrame, model: str, score: str) -> tuple[int, float] | None:
    """Return how many decisions of a model were scored and one of its scores; None without any."""
    row = scores.filter(pl.col("model") == model, pl.col(score).is_not_null())
    return None if row.is_empty() else (int(row["n"].item()), float(row[score].item()))
