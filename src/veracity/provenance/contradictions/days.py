"""Days and their certificates: each day is summed up once, after its last batch, and adds up."""

from collections.abc import Iterator
from typing import Any

from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.statements import Certify, Counts, Ingest

MAX_DAYS = 16_384
_NAMES = ("received", "accepted", "quarantined", "refused", "blank", "flagged", "asked", "released")


class Days:
    """The days of all feeds: first and last batch, and the sum of its counts."""

    def __init__(self, sums: list[Any] | None = None, certified: list[Any] | None = None) -> None:
        self._sums: Remembered[list[int]] = Remembered(MAX_DAYS, (int,) * (2 + len(_NAMES)), sums)
        self._certified: Remembered[int] = Remembered(MAX_DAYS, int, certified)

    def add_batch(self, ingest: Ingest) -> Iterator[Contradiction]:
        """Add a batch to the day it was received on."""
        day = _key(ingest.feed, ingest.received_at[:10])
        if day in self._certified:
            detail = f"received at: want a day not certified yet, got {ingest.received_at}"
            yield Contradiction("certified-day", detail, self._certified.get(day))
        checks = ingest.checks
        more = _counted(
            ingest.counts,
            0 if checks is None else checks.flagged,
            0 if checks is None else checks.asked,
            ingest.counts.received if ingest.released is not None else 0,
        )
        before = self._sums.get(day)
        first = ingest.batch if before is None else before[0]
        sums = [0] * len(more) if before is None else before[2:]
        self._sums.set(day, [first, ingest.batch, *(a + b for a, b in zip(sums, more, strict=True))])

    def add_certificate(self, index: int, said: Certify) -> Iterator[Contradiction]:
        """Compare a day's certificate with the sum of its batches."""
        day = _key(said.feed, said.day)
        if day in self._certified:
            detail = f"want one certificate of {said.feed} on {said.day}, got a second"
            yield Contradiction("certified-twice", detail, self._certified.get(day))
        self._certified.set(day, index)
        summed = self._sums.get(day)
        if summed is None and self._sums.is_full:
            return  # perhaps forgotten
        want = summed or [-1, -1] + [0] * len(_NAMES)
        first, last = said.batches or (-1, -1)
        got = [first, last, *_counted(said.counts, said.flagged, said.asked, said.released)]
        for name, a, b in zip(("first batch", "last batch", *_NAMES), want, got, strict=True):
            if a != b:
                detail = f"{said.feed} on {said.day}: {name}: want {a} as its batches say, got {b}"
                yield Contradiction("certificate-sum", detail)

    def to_object(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"sums": self._sums.to_object(), "certified": self._certified.to_object()}


def _key(feed: str, day: str) -> str:
    return f"{feed}/{day}"


def _counted(counts: Counts, flagged: int, asked: int, released: int) -> list[int]:
    whole = counts.received, counts.accepted, counts.quarantined, counts.refused, counts.blank
    return [*whole, flagged, asked, released]
