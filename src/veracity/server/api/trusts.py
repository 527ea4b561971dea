"""How far the sensors of a feed are trusted, day by day: the health of batches read once, then kept up."""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import polars as pl

from veracity.data.contract import Contract
from veracity.data.trust import trust_scores
from veracity.home.home import Home
from veracity.home.trust import read_health

_EMPTY = {"key": pl.String(), "field": pl.String(), "day": pl.Date(), "score": pl.Float64()}


@dataclass
class _Known:
    lock: Lock = field(default_factory=Lock)
    since: int = 0
    contract: str = ""
    health: pl.DataFrame | None = None


class Trusts:
    """Scores of every feed; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._feeds: dict[str, _Known] = {}

    def of(self, home: Home, contract: Contract, as_of: datetime | None = None) -> pl.DataFrame:
        """Return ``key``, ``field``, ``day`` and ``score`` of each day with evidence, as known at ``as_of``.

        Raises
        ------
        TableMismatch
            If the health of a batch is gone or another than was signed.
        """
        if not contract.sensor:
            return pl.DataFrame(schema=_EMPTY)
        if as_of is not None:
            up_to = home.index.up_to(contract.feed, as_of)
            said_then = (p for _, p in home.index.predicates("ingest", contract.feed) if p["batch"] <= up_to)
            health = read_health(home.objects, contract.feed, contract.sensor, said_then)
        else:
            health = self._all(home, contract)
        if health.is_empty():
            return pl.DataFrame(schema=_EMPTY)
        scores = trust_scores(health, interval=False)
        key = pl.concat_str([pl.col(n).cast(pl.String) for n in contract.sensor], separator="|")
        return scores.select(key=key, field=pl.col("_property"), day=pl.col("_day"), score=pl.col("_score"))

    def _all(self, home: Home, contract: Contract) -> pl.DataFrame:
        """Return the health of all batches; only of new ones it is read."""
        with self._lock:
            known = self._feeds.setdefault(contract.feed, _Known())
        with known.lock:
            if known.contract != contract.sha256:
                known.contract, known.since, known.health = contract.sha256, 0, None
            said = home.index.predicates("ingest", contract.feed, known.since)
            fresh = read_health(home.objects, contract.feed, contract.sensor, [p for _, p in said])
            known.health = fresh if known.health is None else pl.concat([known.health, fresh])
            if said:
                known.since = said[-1][0] + 1
            return known.health


def newest_scores(scores: pl.DataFrame) -> dict[str, float]:
    """Return for each key the score of its least trusted property on the last day it was scored for."""
    last = scores.filter(pl.col("day") == pl.col("day").max().over("key", "field"))
    least = last.group_by("key").agg(pl.col("score").min())
    return {str(k): float(v) for k, v in least.iter_rows()}
