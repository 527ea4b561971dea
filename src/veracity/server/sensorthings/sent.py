"""What one request sends to be sealed, and what becomes of it; see ``taking`` for how."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from veracity.canonical import canonical_json
from veracity.data.contract import Contract
from veracity.errors import VeracityError
from veracity.home.accounts.intents import UNDER_WAY
from veracity.server.created.feeds import THINGS
from veracity.server.sensorthings import ids
from veracity.server.sensorthings.describing import Draft, Plan
from veracity.server.sensorthings.errors import NotAccepted
from veracity.server.sensorthings.posting import Posted


@dataclass(frozen=True)
class Taken:
    """What became of one observation: its identifier, None if it was set aside, for which reasons."""

    id: str | None
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class Judged:
    """What became of one record: its number in its batch, whether it is in the table, why not."""

    record: int
    is_kept: bool
    reasons: Sequence[str] = ()


class Sent:
    """Observations of one request, by feed. Used by one thread at a time; ``answer`` by all.

    ``writing`` is the request as the journal of writes has it; None where nobody keeps one.
    ``answer`` is what became of each observation, in order. It fails with NotAccepted if nothing was taken
    and a feed's whole batch was refused; with ContractReplaced, BadCredential or RoleNeeded if nothing was
    taken and while it waited the contract of its feed changed, or the right to send it ended.
    """

    def __init__(self, posted: Sequence[Posted]) -> None:
        self.posted = posted
        self.writing = UNDER_WAY.get()
        self.answer: Future[list[Taken]] = Future()
        self._places: dict[str, list[int]] = {}
        for at, one in enumerate(posted):
            self._places.setdefault(one.target.feed, []).append(at)
        self._left = set(self._places)
        self._taken: list[Taken] = [Taken(None)] * len(posted)
        self._refused: NotAccepted | None = None
        self._is_begun = False

    @property
    def n_records(self) -> int:
        """Records in it."""
        return len(self.posted)

    @property
    def n_bytes(self) -> int:
        """Their bytes."""
        return sum(len(one.record) for one in self.posted)

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds that it has records for, in the order in which they are sealed."""
        return tuple(self._places)

    @property
    def is_begun(self) -> bool:
        """Whether some of it is in the log already, in a table or set aside."""
        return self._is_begun

    def records(self, feed: str) -> list[bytes]:
        """Return its records of a feed."""
        return [self.posted[place].record for place in self._places[feed]]

    def fits(self, contract: Contract) -> bool:
        """Whether its records of a feed were made for a contract; those of built-in feeds always are."""
        return all(
            (made_for := self.posted[place].target.contract) is None or made_for.sha256 == contract.sha256
            for place in self._places.get(contract.feed, ())
        )

    def took(self, feed: str, batch: int, judged: Sequence[Judged]) -> None:
        """Learn that a feed's records were sealed, and what became of each."""
        self._is_begun = True
        for place, one in zip(self._places[feed], judged, strict=True):
            stream = self.posted[place].target.datastream
            identity = str(ids.ObservationId(stream, batch, one.record)) if one.is_kept else None
            self._taken[place] = Taken(identity, one.reasons)
        self._done(feed)

    def sent_back(self, feed: str, error: VeracityError) -> None:
        """Learn that a feed's records cannot be sealed as they are: the answer, unless some of it is."""
        if self.is_begun:
            self.refused(feed, NotAccepted(str(error)))
        else:
            self.fail(error)

    def refused(self, feed: str, why: NotAccepted) -> None:
        """Learn that a feed's records were refused."""
        self._refused = why
        self._done(feed)

    def fail(self, error: Exception) -> None:
        """Answer with an error, whatever is still to do."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def _done(self, feed: str) -> None:
        self._left.discard(feed)
        if self._left or self.answer.done():
            return
        if self._refused is not None and not self.is_begun:
            self.answer.set_exception(self._refused)
        else:
            self.answer.set_result(self._taken)


class Making(Sent):
    """Entities of one request, and the observations inside them.

    Parameters
    ----------
    received
        The body as it was sent: it goes into the evidence.
    agency
        Whom the account that sent it sends for.
    at
        When it was sent, as records say times.
    """

    def __init__(self, plan: Plan, received: str, agency: str | None, at: str) -> None:
        super().__init__(plan.observations)
        self.plan, self._received, self._agency, self._at = plan, received, agency, at
        self._left.add(THINGS)

    @property
    def n_records(self) -> int:
        """Records in it."""
        return super().n_records + len(self.plan.drafts)

    @property
    def n_bytes(self) -> int:
        """Their bytes, those of the entities about."""
        documents = sum(len(draft.document) for draft in self.plan.drafts)
        return super().n_bytes + documents + len(self._received)

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds that it has records for: that of entities first."""
        return (THINGS, *super().feeds)

    def records(self, feed: str) -> list[bytes]:
        """Return its records of a feed."""
        if feed != THINGS:
            return super().records(feed)
        made = [self._record(draft) for draft in self.plan.drafts]
        next(record for record in made if record["id"] == self.plan.root)["received"] = self._received
        return [canonical_json(record) for record in made]

    def took(self, feed: str, batch: int, judged: Sequence[Judged]) -> None:
        """Learn what became of its entities, or of the observations inside them."""
        if feed != THINGS:
            aside = [one.reasons for one in judged if not one.is_kept]
            if (
                aside
            ):  # ``check_inside`` was asked before: the clock was set back since, or the rules are others
                self.fail(
                    self._only_entities(f"{len(aside)} set aside for {', '.join(aside[0]) or 'a rule'}")
                )
            super().took(feed, batch, judged)
            return
        self._is_begun = True
        n_kept = sum(one.is_kept for one in judged)
        if n_kept < len(judged):
            self.fail(NotAccepted(f"entities: want {len(judged)} kept, got {n_kept}"))
            return
        self._done(feed)

    def refused(self, feed: str, why: NotAccepted) -> None:
        """Learn that a feed's records were refused: its entities, or the observations inside them."""
        self._left.discard(feed)
        self.fail(why if feed == THINGS else self._only_entities(str(why)))

    def _only_entities(self, got: str) -> NotAccepted:
        made = f"{len(self.plan.drafts)} entities are made, the one asked for is {self.plan.root!r}"
        return NotAccepted(f"observations: want {len(self.posted)} taken, got: {got}; {made}")

    def _record(self, draft: Draft) -> dict[str, Any]:
        said = {"id": draft.id, "created_at": self._at, "entity_set": draft.set, "document": draft.document}
        return said if self._agency is None else {**said, "agency": self._agency}
