"""The batches of feeds as the log counts them: read once, then kept up, so that no question reads history."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from veracity.home.clock import format_time
from veracity.home.home import Home


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What a batch's ``ingest`` statement says that readers ask for.

    ``verdicts`` and ``quarantine`` are digests of what it left beside the table; None for nothing.
    """

    entry: int
    batch: int
    received_at: str
    received: int
    accepted: int
    quarantined: int
    refused: int
    flagged: int
    asked: int
    reasons: Mapping[str, int]
    refusals: Mapping[str, int]
    first_event: str | None
    last_event: str | None
    verdicts: str | None
    quarantine: str | None
    is_live: bool
    is_release: bool  #: of rows let in from quarantine


@dataclass
class _Known:
    """The batches of one feed, and the first entry of the log that was not looked at."""

    facts: list[BatchFacts] = field(default_factory=list)
    since: int = 0


class Batches:
    """The batches of every feed of a city; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._feeds: dict[str, _Known] = {}

    def of(self, home: Home, feed: str, as_of: datetime | None = None) -> Sequence[BatchFacts]:
        """Return a feed's batches in order, or those received by ``as_of``."""
        with self._lock:
            known = self._feeds.setdefault(feed, _Known())
            if known.since > home.index.size:  # the home is another: restored from a backup
                known.facts, known.since = [], 0
            for idx, predicate in home.index.predicates("ingest", feed, known.since):
                known.facts.append(_facts(idx, predicate))
                known.since = idx + 1
            facts = known.facts[:]
        if as_of is None:
            return facts
        limit = format_time(as_of)
        return [f for f in facts if f.received_at <= limit]


def count_reasons(facts: Iterable[BatchFacts]) -> dict[str, int]:
    """Count the rows of some batches by the rule that they broke, most frequent first."""
    counts = Counter[str]()
    for one in facts:
        counts.update(one.reasons)
        counts.update({f"refused:{code}": n for code, n in one.refusals.items()})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _facts(idx: int, p: Mapping[str, Any]) -> BatchFacts:
    counts, checks = p["counts"], p.get("checks") or {}
    verdicts, quarantine, times = checks.get("verdicts"), p.get("quarantine"), p.get("event_time")
    return BatchFacts(
        entry=idx,
        batch=int(p["batch"]),
        received_at=str(p["received_at"]),
        received=int(counts["received"]),
        accepted=int(counts["accepted"]),
        quarantined=int(counts["quarantined"]),
        refused=int(counts["refused"]),
        flagged=int(checks.get("flagged", 0)),
        asked=int(checks.get("asked", 0)),
        reasons=dict(p["reasons"]),
        refusals=dict(p["refusals"]),
        first_event=str(times["first"]) if times else None,
        last_event=str(times["last"]) if times else None,
        verdicts=str(verdicts["sha256"]) if verdicts else None,
        quarantine=str(quarantine["sha256"]) if quarantine else None,
        is_live="messages" in p,
        is_release=p.get("released") is not None,
    )
