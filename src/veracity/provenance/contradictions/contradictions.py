"""The one place that takes statements in, in the log's order, and says which cannot be true.

What is kept is bounded: the last of each chain, and digests of the newest 65,536 files and outputs.
A contradiction with something older goes unnoticed here; an audit, which has everything, finds it.
Who signed, and the order of keys, are for ``agencies``; sums within one statement for its typed form.
"""

from collections.abc import Iterator
from typing import Any

from veracity.provenance.contradictions.accesses import Accesses
from veracity.provenance.contradictions.days import Days
from veracity.provenance.contradictions.erased import Erased
from veracity.provenance.contradictions.feed import refused_whole
from veracity.provenance.contradictions.feeds import Feeds
from veracity.provenance.contradictions.files import Files
from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.hours import Hours
from veracity.provenance.contradictions.made import Made, check_inputs
from veracity.provenance.contradictions.models import Models
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.contradictions.systems import Systems
from veracity.provenance.statements import (
    Access,
    Account,
    Approve,
    Assure,
    Calibrate,
    Certify,
    Decide,
    Erase,
    Incident,
    Ingest,
    Outcome,
    Override,
    Reject,
    Release,
    SealedContract,
    Train,
    Transform,
    Withdraw,
)
from veracity.provenance.statements.typed import Typed

MAX_REJECTIONS = 16_384


class Contradictions:
    """What a log has said so far. Pure: ``add`` is given each statement once, in order."""

    def __init__(self) -> None:
        self._feeds, self._files = Feeds(), Files()
        self._days, self._hours = Days(), Hours()
        self._made, self._erased = Made(), Erased()
        self._models, self._systems = Models(), Systems()
        self._accesses = Accesses()
        self._rejected: Remembered[int] = Remembered(MAX_REJECTIONS, int)

    @classmethod
    def from_object(cls, value: Any) -> "Contradictions":
        """Read back what ``to_object`` gave; for anything else a KeyError, TypeError or ValueError."""
        read = cls()
        read._feeds = Feeds(value["feeds"], value.get("beyond", []))
        read._files = Files(value["files"])
        read._days = Days(**value["days"])
        read._hours = Hours(**value.get("hours", {}))
        read._made = Made(**value["made"])
        read._rejected = Remembered(MAX_REJECTIONS, int, value["rejected"])
        read._erased = Erased(value.get("erased", []))
        read._models = Models(**value.get("models", {}))
        read._systems = Systems(**value.get("systems", {}))
        read._accesses = Accesses(**value.get("accesses", {}))
        return read

    def to_object(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "feeds": self._feeds.followed_to_object(),
            "beyond": self._feeds.beyond,
            "files": self._files.to_object(),
            "days": self._days.to_object(),
            "hours": self._hours.to_object(),
            "made": self._made.to_object(),
            "rejected": self._rejected.to_object(),
            "erased": self._erased.to_object(),
            "models": self._models.to_object(),
            "systems": self._systems.to_object(),
            "accesses": self._accesses.to_object(),
        }

    def agency_of(self, feed: str) -> str | None:
        """Return whose keys may sign a feed's deliveries; None for anybody's."""
        known = self._feeds.get(feed)
        return None if known is None else known.agency

    @property
    def is_simulated(self) -> bool:
        """Whether any feed's contract says that its data are simulated."""
        return any(feed.simulated for feed in self._feeds)

    def add(self, index: int, statement: Typed) -> list[Contradiction]:
        """Take in the statement at a log index; return what it contradicts."""
        return list(self._add(index, statement))

    def _add(self, index: int, said: Typed) -> Iterator[Contradiction]:
        if isinstance(said, SealedContract | Ingest | Certify | Account | Reject | Erase):
            yield from self._feeds.take_in(said.feed)
        if isinstance(said, SealedContract):
            if (feed := self._feeds.get(said.feed)) is not None:
                yield from feed.add_contract(index, said)
        elif isinstance(said, Ingest):
            yield from self._add_batch(index, said)
        elif isinstance(said, Certify):
            if self._feeds.get(said.feed) is not None:
                yield from self._days.add_certificate(index, said)
            yield from self._check_marked(said.feed, said.simulated)
        elif isinstance(said, Account):
            if self._feeds.get(said.feed) is not None:
                yield from self._hours.add_account(index, said)
            yield from self._check_marked(said.feed, said.simulated)
        elif isinstance(said, Reject):
            if (feed := self._feeds.get(said.feed)) is not None:
                yield from feed.add_rejection(said)
            if said.rows.sha256 in self._rejected:
                detail = "want rows nobody decided on, got rows rejected before"
                yield Contradiction("decided-twice", detail, self._rejected.get(said.rows.sha256))
            self._rejected.set(said.rows.sha256, index)
        elif isinstance(said, Transform):
            yield from self._made.add_transform(index, said, self._feeds)
        elif isinstance(said, Calibrate):
            yield from self._made.add_calibration(index, said, self._feeds)
        elif isinstance(said, Withdraw):
            yield from self._made.add_withdrawal(index, said)
        elif isinstance(said, Erase):
            yield from self._erased.add(index, said, self._feeds.get(said.feed))
        elif isinstance(said, Access):
            yield from self._accesses.add(said)
        else:
            yield from self._add_of_models(index, said)

    def _add_of_models(self, index: int, said: Typed) -> Iterator[Contradiction]:
        if isinstance(said, Train | Assure | Decide | Outcome):
            yield from check_inputs(said.inputs, said.simulated, self._feeds)
        if isinstance(said, Train):
            yield from self._models.add_train(index, said)
        elif isinstance(said, Assure):
            yield from self._models.add_assure(index, said)
        elif isinstance(said, Approve):
            detail = "want an approval in the statement that it approves, got one as an entry"
            yield Contradiction("approval-alone", detail)
        if isinstance(said, Release):
            yield from self._models.check_release(said)
        if isinstance(said, Release | Decide | Override | Outcome | Incident):
            yield from self._systems.add(index, said)

    def _add_batch(self, index: int, ingest: Ingest) -> Iterator[Contradiction]:
        yield from self._check_registries(ingest)
        if (feed := self._feeds.get(ingest.feed)) is None:
            return
        is_next = ingest.batch >= feed.next_batch
        yield from feed.add_batch(index, ingest)
        if not refused_whole(ingest) and not _is_of_nothing(ingest):
            yield from self._files.add(index, ingest)
        if is_next:
            yield from self._days.add_batch(ingest)
            yield from self._hours.add_batch(ingest)

    def _check_registries(self, ingest: Ingest) -> Iterator[Contradiction]:
        for used in () if ingest.checks is None or refused_whole(ingest) else ingest.checks.registries:
            if self._feeds.is_beyond(used.feed):
                continue
            registry = self._feeds.get(used.feed)
            last = -1 if registry is None else registry.next_batch - 1
            if used.up_to_batch != last:
                detail = f"registry {used.feed}: want batch {last}, the last before, got {used.up_to_batch}"
                yield Contradiction("input-unsaid", detail)

    def _check_marked(self, feed: str, simulated: bool) -> Iterator[Contradiction]:
        known = self._feeds.get(feed)
        if known is not None and known.simulated and not simulated:
            yield Contradiction("simulated", f"want true, as {feed} is, got false", known.stated_at)


def _is_of_nothing(ingest: Ingest) -> bool:
    """Tell whether a batch only says which messages gave nothing: its file is none."""
    return ingest.messages is not None and ingest.part.n_records == 0
