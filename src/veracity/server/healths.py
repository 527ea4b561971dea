"""The health of feeds' batches: read once, summed by day, then kept up, so that no question reads history."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from threading import Lock

import polars as pl

from veracity.data.contract import Contract
from veracity.data.trust_evidence import HEALTH
from veracity.home.clock import format_time
from veracity.home.home import Home
from veracity.home.trust import read_health

_RECEIVED = pl.col("_received_at")
_AT_ONCE = 5_000  # entries of the log: the health of their batches is in memory before it is summed


@dataclass
class _Known:
    """What was read of one feed, and the first entry of the log that was not looked at."""

    lock: Lock = field(default_factory=Lock)
    since: int = 0
    health: pl.DataFrame | None = None


class Healths:
    """The health of every feed's batches; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._feeds: dict[tuple[str, tuple[str, ...]], _Known] = {}

    def of(self, home: Home, contract: Contract, as_of: datetime | None = None) -> pl.DataFrame:
        """Return the health of a feed's batches, or of those received by ``as_of``.

        It gives the scores that the health of each batch gives, and grows with days, not with batches: a row
        for each sensor, property, day and day of receipt (UTC), with its midnight as ``_received_at``.
        Batches of the day of ``as_of`` have rows of their own.

        Raises
        ------
        TableMismatch
            If the health of a batch is gone or another than was signed.
        """
        with self._lock:
            known = self._feeds.setdefault((contract.feed, contract.sensor), _Known())
        with known.lock:
            size = home.index.size
            if known.health is None or known.since > size:  # or restored from a backup
                known.since, known.health = 0, _read(home, contract, 0, 0)
            while known.since < size:
                before = min(known.since + _AT_ONCE, size)
                if (fresh := _read(home, contract, known.since, before)).height:
                    known.health = _summed(pl.concat([known.health, fresh]), contract.sensor)
                known.since = before
            whole = known.health
        return whole if as_of is None else _then(home, contract, whole, as_of)


def _read(home: Home, contract: Contract, since: int, before: int) -> pl.DataFrame:
    """Return the health of the batches between two entries of the log."""
    said = home.index.predicates("ingest", contract.feed, since, before)
    return read_health(home.objects, contract.feed, contract.sensor, (p for _, p in said))


def _summed(health: pl.DataFrame, sensor: tuple[str, ...]) -> pl.DataFrame:
    """Return the counts by sensor, property, day and day of receipt: trust asks for no more."""
    counts = [name for name, dtype in HEALTH.items() if dtype == pl.Int64]
    keys = [*sensor, "_property", "_day"]
    by_day = health.group_by(*keys, _RECEIVED.dt.truncate("1d")).agg(pl.col(counts).sum())
    return by_day.select(health.columns).sort(*keys, "_received_at")


def _then(home: Home, contract: Contract, whole: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Return what was known then: the days before, and of that day the batches that had come.

    No batch is received before the one before it.
    """
    midnight = datetime.combine(as_of.astimezone(UTC).date(), time(), UTC)
    before = whole.filter(midnight > _RECEIVED)
    that_day = home.index.batches(contract.feed, since=midnight)
    known = [row for row in that_day if row.received_at <= format_time(as_of)]
    if not known:
        return before
    return pl.concat([before, _read(home, contract, known[0].idx, known[-1].idx + 1)])
