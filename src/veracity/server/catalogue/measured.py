"""How good a feed is, measured: freshness, completeness, validity, and how far its sensors are trusted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.data.trust import trust_scores
from veracity.home.clock import format_time, parse_time
from veracity.home.home import Home
from veracity.home.trust import next_day
from veracity.server.history import History

DAY = timedelta(days=1)
_MAX_SENSORS = 1_000
HEALTH_IS = (
    "Mean over sensors of each one's trust, from 0 to 1: that of its least trusted property,"
    " or of its records as a whole where that is lower."
)


@dataclass(frozen=True)
class Measured:
    """What a feed was worth as known at a time, for people and machines alike.

    Attributes
    ----------
    at
        When it was measured.
    newest_event, newest_arrival
        The newest event time of an accepted row, and when the last batch came; None if none did.
    age_s
        Seconds from the newest event to ``at``.
    wanted_s
        The latency that the contract asks for; None where it asks for none.
    received, accepted, quarantined, refused, flagged, batches
        Counts over all batches known.
    completeness
        Of the readings that the sensors seen in the last day before the newest event should have given,
        by the frequency of the contract, the share that came; None where it says no frequency.
    n_sensors
        How many sensors were seen then; None where the feed has no sensors.
    health
        The mean over its sensors of each one's score, and the lowest score of any; None without evidence. A
        sensor's score is that of its least trusted property, or of its records as a whole if that is lower.
    n_scored
        Over how many sensors that mean is.
    """

    feed: str
    at: str
    newest_event: str | None
    newest_arrival: str | None
    age_s: float | None
    wanted_s: float | None
    received: int
    accepted: int
    quarantined: int
    refused: int
    flagged: int
    batches: int
    completeness: float | None
    n_sensors: int | None
    health: tuple[float, float] | None
    n_scored: int
    sensors: tuple[dict[str, Any], ...]

    @property
    def validity(self) -> float | None:
        """The share of the records received that were accepted."""
        return self.accepted / self.received if self.received else None

    @property
    def is_fresh(self) -> bool | None:
        """Whether the newest event is as young as the contract asks; None where that cannot be said."""
        return None if self.age_s is None or self.wanted_s is None else self.age_s <= self.wanted_s


def measure(home: Home, history: History, contract: Contract, as_of: datetime | None = None) -> Measured:
    """Measure a feed as known at a time (or now), by the contract of then; its age is that at that time."""
    feed = contract.feed
    now = home.clock() if as_of is None else min(as_of, home.clock())
    up_to = home.index.up_to(feed, as_of)
    rows = [row for row in history.batches.of(home, feed) if row.batch <= up_to]
    newest = max((row.last_event for row in rows if row.last_event), default=None)
    age = None if newest is None else (now - parse_time("event", newest)).total_seconds()
    completeness, n_sensors = _completeness(home, contract, up_to, newest)
    sensors = _health(contract, history.healths.of(home, contract, as_of)) if contract.sensor else []
    worst: dict[str, float] = {}
    for one in sensors:  # the least trusted first
        worst.setdefault(one["sensor"], one["score"])
    return Measured(
        feed=feed,
        at=format_time(now),
        newest_event=newest,
        newest_arrival=rows[-1].received_at if rows else None,
        age_s=age,
        wanted_s=contract.latency_s,
        received=sum(r.received for r in rows),
        accepted=sum(r.accepted for r in rows),
        quarantined=sum(r.quarantined for r in rows),
        refused=sum(r.refused for r in rows),
        flagged=sum(r.flagged for r in rows),
        batches=len(rows),
        completeness=completeness,
        n_sensors=n_sensors,
        health=(sum(worst.values()) / len(worst), min(worst.values())) if worst else None,
        n_scored=len(worst),
        sensors=tuple(sensors[:_MAX_SENSORS]),
    )


def _completeness(
    home: Home, contract: Contract, up_to: int, newest: str | None
) -> tuple[float | None, int | None]:
    """Return the share of the expected readings that came in the last day, and of how many sensors."""
    time, sensor = contract.time, contract.sensor
    if time is None or newest is None or not sensor or up_to < 0:
        return None, None
    last = parse_time("event", newest)
    window = (time, last - DAY + timedelta(microseconds=1), last)
    rows = home.table(contract.feed).scan(up_to_batch=up_to, between=window)
    seen = collect_rows(rows.group_by(sensor).agg(pl.col(time).n_unique().alias("n")), streaming=True)
    if contract.frequency_s is None or seen.is_empty():
        return None, seen.height
    expected = max(1, int(DAY.total_seconds() // contract.frequency_s))
    came = seen.select(pl.col("n").clip(upper_bound=expected).sum()).item()
    return float(came) / (expected * seen.height), seen.height


def _health(contract: Contract, health: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the scores of each sensor's properties and of its records as a whole, least trusted first."""
    day = next_day(health)
    scores = trust_scores(health, since=day, until=day)
    if scores.is_empty():
        return []
    rows = scores.sort("_score", *contract.sensor, "_property", descending=False)
    return [
        {
            "sensor": ":".join(str(row[name]) for name in contract.sensor),
            "property": row["_property"] or None,
            "day": row["_day"].isoformat(),
            "score": row["_score"],
            "low": row["_low"],
            "high": row["_high"],
        }
        for row in rows.iter_rows(named=True)
    ]
