"""How a home's checkpoints go out: with the cosignatures that its own trust policy asks for."""

import logging
from dataclasses import dataclass, field

from veracity.home.errors import StateBehind
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.doors import LogState
from veracity.log.errors import LogError, QuorumNotMet
from veracity.log.notes import parse_note
from veracity.log.policy import Policy
from veracity.log.reader import LogReader
from veracity.log.witnessing import Outcome, Published, Status, WitnessedPublisher, WitnessTransport

TIMEOUT_S = 5.0  #: for all witnesses together: a command of a person waits for them
logger = logging.getLogger(__name__)


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
    origin: str, state: LogState, policy: Policy, transport: WitnessTransport, published: bytes | None
) -> HomePublisher | None:
    """Return who publishes a home's checkpoints; None where the policy has no witness to ask.

    ``published`` is the note published last, from which is known where each witness stands.
    """
    if policy.quorum is None and not any(v.format() in policy.urls for v in policy.witnesses.values()):
        return None
    witnesses = WitnessedPublisher(policy, transport, TIMEOUT_S)
    if published is not None:
        try:
            witnesses.remember(published)
        except LogError as exc:  # whose fault it is, opening the log will tell
            logger.debug("published note: %s", exc)
    return HomePublisher(origin, state, witnesses)
