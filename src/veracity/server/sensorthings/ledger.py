"""What the log says of a feed's batches: when each was received, and which of its rows broke a rule.

Both never change once said, so what was read is kept, and only what is new is asked for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock
from typing import Any

import polars as pl

from veracity.home.clock import parse_time
from veracity.home.decisions import judged_by
from veracity.home.home import Home
from veracity.home.tables import read_kept
from veracity.server.sensorthings.cache import ByteCache
from veracity.server.sensorthings.columns import STAMP

_SCHEMA = {"_batch": pl.UInt32(), "_record": pl.UInt32(), "reasons": pl.List(pl.String())}


@dataclass(frozen=True)
class _Batch:
    received_at: Any
    predicate: dict[str, Any] | None  # of batches with flagged rows alone


class Ledger:
    """The batches of one feed."""

    def __init__(self, feed: str, cache: ByteCache) -> None:
        self._feed, self._cache = feed, cache
        self._next = 0
        self._batches: dict[int, _Batch] = {}
        self._lock = Lock()

    def catch_up(self, home: Home) -> None:
        """Read what the log has said since."""
        with self._lock:
            for idx, predicate in home.index.predicates("ingest", self._feed, self._next):
                checks = predicate.get("checks")
                flagged = checks is not None and checks["flagged"] > 0 and checks["verdicts"] is not None
                received = parse_time("received_at", str(predicate["received_at"]))
                self._batches[int(predicate["batch"])] = _Batch(received, predicate if flagged else None)
                self._next = idx + 1

    def received(self) -> pl.DataFrame:
        """Return ``_batch`` and ``received`` of every batch."""
        with self._lock:
            batches = dict(self._batches)
        return pl.DataFrame(
            {"_batch": list(batches), "received": [b.received_at for b in batches.values()]},
            schema={"_batch": pl.UInt32(), "received": STAMP},
        )

    def received_at(self, batch: int) -> Any:
        """Return when a batch was received; None if it is not known."""
        found = self._batches.get(batch)
        return None if found is None else found.received_at

    def flags(self, home: Home, batches: Collection[int] | None = None) -> pl.DataFrame:
        """Return the accepted rows that broke a rule, of some batches or all: their place, and ``reasons``.

        Of a wide feed, whose records have many rows, the reasons are those of all of a record's rows.

        Raises
        ------
        TableMismatch
            If a batch's verdicts are gone.
        """
        with self._lock:
            wanted = self._batches.keys() if batches is None else batches & self._batches.keys()
            said = [p for b in sorted(wanted) if (p := self._batches[b].predicate) is not None]
        frames = [self._flagged(home, predicate) for predicate in said]
        return pl.concat([pl.DataFrame(schema=_SCHEMA), *frames])

    def _flagged(self, home: Home, predicate: dict[str, Any]) -> pl.DataFrame:
        key = (self._feed, "flags", int(predicate["batch"]))
        return self._cache.get(key, lambda: _flags(home, self._feed, predicate))


def _flags(home: Home, feed: str, predicate: dict[str, Any]) -> pl.DataFrame:
    sha256 = str(predicate["checks"]["verdicts"]["sha256"])
    rows = read_kept(home, "verdicts", feed, int(predicate["batch"]), sha256)
    known = [r for r in judged_by(home, predicate).reasons if r in rows.columns]
    told = [pl.when(pl.col(reason)).then(pl.lit(reason)) for reason in known]
    listed = pl.concat_list(told).list.drop_nulls() if told else pl.lit(None, pl.List(pl.String))
    found = rows.filter(pl.col("outcome") == "accepted").select(
        pl.col("_batch").cast(pl.UInt32), pl.col("_record").cast(pl.UInt32), listed.alias("reasons")
    )
    broken = found.filter(pl.col("reasons").list.len() > 0)
    gathered = broken.group_by("_batch", "_record", maintain_order=True).agg(
        pl.col("reasons").list.explode(keep_nulls=False, empty_as_null=False)
    )
    return gathered.with_columns(pl.col("reasons").list.unique(maintain_order=True)).match_to_schema(_SCHEMA)
