"""How far the sensors of a feed are trusted, day by day."""

from datetime import datetime

import polars as pl

from veracity.data.contract import Contract
from veracity.data.trust import trust_scores
from veracity.home.home import Home
from veracity.server.healths import Healths

_EMPTY = {"key": pl.String(), "field": pl.String(), "day": pl.Date(), "score": pl.Float64()}


def daily_scores(
    healths: Healths, home: Home, contract: Contract, as_of: datetime | None = None
) -> pl.DataFrame:
    """Return ``key``, ``field``, ``day`` and ``score`` of each day with evidence, as known at ``as_of``.

    Raises
    ------
    TableMismatch
        If the health of a batch is gone or another than was signed.
    """
    if not contract.sensor:
        return pl.DataFrame(schema=_EMPTY)
    health = healths.of(home, contract, as_of)
    if health.is_empty():
        return pl.DataFrame(schema=_EMPTY)
    scores = trust_scores(health, interval=False)
    key = pl.concat_str([pl.col(n).cast(pl.String) for n in contract.sensor], separator="|")
    return scores.select(key=key, field=pl.col("_property"), day=pl.col("_day"), score=pl.col("_score"))


def newest_scores(scores: pl.DataFrame) -> dict[str, float]:
    """Return for each key the score of its least trusted property on the last day it was scored for."""
    last = scores.filter(pl.col("day") == pl.col("day").max().over("key", "field"))
    least = last.group_by("key").agg(pl.col("score").min())
    return {str(k): float(v) for k, v in least.iter_rows()}
