"""Hours and their accounts: an hour of messages is accounted for once, after its last batch, and adds up."""

from collections.abc import Iterator
from typing import Any

from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.statements import Account, Ingest

MAX_HOURS = 16_384
_NAMES = ("accepted", "quarantined", "refused", "duplicate", "turned away")


class Hours:
    """The hours of all live feeds: first and last live batch, and what became of their records.

    How many messages they were is not compared: of those that gave nothing a batch says only the records.
    """

    def __init__(self, sums: list[Any] | None = None, accounted: list[Any] | None = None) -> None:
        self._sums: Remembered[list[int]] = Remembered(MAX_HOURS, (int,) * (2 + len(_NAMES)), sums)
        self._accounted: Remembered[int] = Remembered(MAX_HOURS, int, accounted)

    def add_batch(self, ingest: Ingest) -> Iterator[Contradiction]:
        """Add a live batch to the hour it was received in; others are not accounted for by the hour."""
        if ingest.messages is None:
            return
        hour = _key(ingest.feed, ingest.received_at[:13] + ":00:00Z")
        if hour in self._accounted:
            detail = f"received at: want an hour not accounted for yet, got {ingest.received_at}"
            yield Contradiction("accounted-hour", detail, self._accounted.get(hour))
        counts, away = ingest.counts, sum(ingest.messages.refused.values())
        more = counts.accepted, counts.quarantined, counts.refused + away, ingest.messages.duplicate, away
        before = self._sums.get(hour) or [ingest.batch, ingest.batch, *(0 for _ in _NAMES)]
        summed = (a + b for a, b in zip(before[2:], more, strict=True))
        self._sums.set(hour, [before[0], ingest.batch, *summed])

    def add_account(self, index: int, said: Account) -> Iterator[Contradiction]:
        """Compare an hour's account with the sum of its batches."""
        hour = _key(said.feed, said.hour)
        if hour in self._accounted:
            detail = f"want one account of {said.feed} in the hour from {said.hour}, got a second"
            yield Contradiction("accounted-twice", detail, self._accounted.get(hour))
        self._accounted.set(hour, index)
        summed = self._sums.get(hour)
        if summed is None and self._sums.is_full:
            return  # perhaps forgotten
        want = summed or [-1, -1, *(0 for _ in _NAMES)]
        s = said.sums
        away = sum(said.reasons.values())
        got = [*said.batches, s.accepted, s.quarantined, s.refused, s.duplicate, away]
        for name, a, b in zip(("first batch", "last batch", *_NAMES), want, got, strict=True):
            if a != b:
                detail = f"{said.feed} from {said.hour}: {name}: want {a} as its batches say, got {b}"
                yield Contradiction("account-sum", detail)

    def to_object(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"sums": self._sums.to_object(), "accounted": self._accounted.to_object()}


def _key(feed: str, hour: str) -> str:
    return f"{feed}/{hour}"
