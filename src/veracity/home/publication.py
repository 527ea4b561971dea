"""How a home's checkpoints go out: with the cosignatures that its own trust policy asks for."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from veracity.home.errors import StateBehind
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.doors import LogState
from veracity.log.errors import LogError, QuorumNotMet
from veracity.log.notes import parse_note
from veracity.log.policy import Policy
from veracity.log.reader import LogReader
from veracity.log.witnessing import Outcome, Published, Status, WitnessedPublisher, WitnessTransport

PUBLISH_EVERY_S = 1.0  #: how often a home that works asks its witnesses
RETRY_S = 30.0  #: how long it leaves witnesses alone that did not give their quorum
TIMEOUT_S = 5.0  #: for all witnesses together: a command of a person waits for them
logger = logging.getLogger(__name__)


@dataclass
class Publication:
    """How far a home is published, and when to ask its witnesses again.

    A home at work asks once a second. Witnesses that are slow, or are not there, are asked more
    rarely, so that waiting for them stays a small part of the work.
    """

    published: int = -1  #: entries, as of the last time it could be done
    tried: int = -1  #: entries, as of the last time it was tried
    missing: str = ""  #: what kept the last attempt from succeeding
    _due_s: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask again."""
        return time.monotonic() >= self._due_s

    @contextmanager
    def attempt(self, size: int) -> Iterator[None]:
        """Publish ``size`` entries in the block; a missing quorum ends it and is remembered."""
        started_s = time.monotonic()
        self.tried, self.missing = size, ""
        try:
            yield
            self.published = size
        except QuorumNotMet as exc:
            self.missing = str(exc)
        finally:
            ended_s = time.monotonic()
            pause_s = RETRY_S if self.missing else PUBLISH_EVERY_S
            self._due_s = ended_s + max(pause_s, 4 * (ended_s - started_s))


@dataclass
class HomePublisher:
    """Asks the witnesses of the policy, and stops a home that they know a newer log of.

    ``outcomes`` says what each witness did when last asked.
    """

    origin: str
    state: LogState
    witnesses: WitnessedPublisher
    outcomes: tuple[Outcome, ...] = field(default=())

    def publish(self, note: bytes, reader: LogReader) -> Published:
        """Return the cosigned note.

        Raises
        ------
        QuorumNotMet
            If too few witnesses cosigned.
        StateBehind
            If a witness has cosigned a larger tree than this home ever signed: the home was put back
            to an older backup. Nothing may be signed on top of it.
        """
        try:
            published = self.witnesses.publish(note, reader)
        except QuorumNotMet as exc:
            self._look_at(exc.outcomes)
            raise
        self._look_at(published.outcomes)
        return published

    def _look_at(self, outcomes: tuple[Outcome, ...]) -> None:
        self.outcomes = outcomes
        last = self.state.last(self.origin)
        signed = parse_checkpoint(parse_note(last.note).text).size if last else 0
        for outcome in outcomes:
            if outcome.status == Status.AHEAD and outcome.size is not None and outcome.size > signed:
                raise StateBehind(
                    f"log {self.origin}: want all that witness {outcome.witness} has cosigned, {outcome.size}"
                    f" entries, got {signed}: this home is an older backup; restore a newer one"
                )
            if outcome.status == Status.FORKED:
                raise StateBehind(
                    f"log {self.origin}: want a log that begins as the one witness {outcome.witness} has"
                    f" cosigned, got another: {outcome.detail}"
                )


def publisher(
    origin: str,
    state: LogState,
    policy: Policy,
    transport: Callable[[], WitnessTransport],
    published: bytes | None,
) -> HomePublisher | None:
    """Return who publishes a home's checkpoints; None where the policy has no witness to ask.

    ``transport`` makes the way to the witnesses, where there are any to ask; ``published`` is the note
    published last, from which is known where each witness stands.
    """
    if not policy.asks_witnesses:
        return None
    witnesses = WitnessedPublisher(policy, transport(), TIMEOUT_S)
    if published is not None:
        try:
            witnesses.remember(published)
        except LogError as exc:  # whose fault it is, opening the log will tell
            logger.debug("published note: %s", exc)
    return HomePublisher(origin, state, witnesses)
