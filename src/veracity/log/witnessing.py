"""Gathering cosignatures: a log asks the witnesses of its policy and takes what verifies.

All are asked at once. As soon as the policy's quorum is met the others get a short grace, so
one slow witness holds nothing up; what it answers later still tells where to start next time.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from veracity.log.cosignatures import add_signatures
from veracity.log.errors import QuorumNotMet
from veracity.log.policy import Policy
from veracity.log.reader import LogReader
from veracity.log.witness_exchange import (
    MAX_ANSWER_BYTES,
    Answer,
    Exchange,
    Outcome,
    Reply,
    Status,
    Submission,
    WitnessTransport,
)

__all__ = [
    "MAX_ANSWER_BYTES",
    "Answer",
    "Outcome",
    "Published",
    "Status",
    "WitnessTransport",
    "WitnessedPublisher",
]

_Answers = SimpleQueue[tuple[str, Reply | Exception]]


@dataclass(frozen=True)
class Published:
    """A note with the log's own signatures and all valid cosignatures, and what each witness did."""

    note: bytes
    outcomes: tuple[Outcome, ...]


class WitnessedPublisher:
    """Gets checkpoints cosigned by the witnesses of ``policy`` that have a URL there.

    Not for several publishes at once. It remembers, for as long as it lives, the last size each
    witness cosigned; ``remember`` fills that in from an earlier note.

    Parameters
    ----------
    timeout_s
        How long one witness may take, its retries included, before it counts as timed out.
    grace_s
        How long the others may still take once the quorum is met.
    """

    def __init__(
        self,
        policy: Policy,
        transport: WitnessTransport,
        timeout_s: float = 10.0,
        *,
        grace_s: float = 0.5,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._transport = transport
        self._timeout_s = timeout_s
        self._grace_s = grace_s
        self._now_s = now_s
        self._urls = {
            name: policy.urls[verifier.format()]
            for name, verifier in policy.witnesses.items()
            if verifier.format() in policy.urls
        }
        self._reading = threading.Lock()  # a reader is not for threads
        self._lock = threading.Lock()  # around what follows
        self._sizes: dict[str, int] = {}
        self._busy: set[str] = set()

    @property
    def sizes(self) -> Mapping[str, int]:
        """The largest size that each witness is known to have cosigned."""
        with self._lock:
            return dict(self._sizes)

    def remember(self, note: bytes) -> None:
        """Learn from a published note which witnesses cosigned it, as after opening a log again.

        Raises
        ------
        PolicyRejected, MalformedNote, MalformedCheckpoint
            If it is not a checkpoint of a log of the policy.
        """
        accepted = replace(self._policy, quorum=None).check(note)
        for name in accepted.witnesses:
            self._learn(name, accepted.checkpoint.size)

    def publish(self, note: bytes, reader: LogReader) -> Published:
        """Have ``note`` cosigned; ``reader`` proves its tree against the older ones of the witnesses.

        Raises
        ------
        QuorumNotMet
            If the cosignatures gathered in time are not the policy's quorum.
        PolicyRejected, MalformedNote, MalformedCheckpoint
            If ``note`` is not signed by a log of the policy.
        TileMismatch, MalformedTile, StoreUnavailable, ObjectMissing
            If the reader cannot prove the tree.
        """
        submission = self._submission(note, reader)
        replies = dict(self._gather(submission))
        cosigned = [name for name, reply in replies.items() if reply.signature is not None]
        outcomes = tuple(replies[name].outcome for name in self._urls)
        if not self._policy.is_quorum(cosigned):
            said = "; ".join(f"{o.witness} {o.status}" for o in outcomes) or "no witness with a URL"
            raise QuorumNotMet(outcomes, f"quorum {self._policy.quorum}: want its cosignatures, got {said}")
        signatures = tuple(r.signature for r in map(replies.__getitem__, self._urls) if r.signature)
        return Published(add_signatures(note, signatures) if signatures else note, outcomes)

    def _submission(self, note: bytes, reader: LogReader) -> Submission:
        checkpoint = replace(self._policy, quorum=None).check(note).checkpoint

        def prove(size: int) -> list[bytes]:
            with self._reading:
                return reader.prove_consistency(size)

        def root_at(size: int) -> bytes:
            with self._reading:
                return reader.root_at(size)

        logs = [v for v in self._policy.logs if v.name == checkpoint.origin]
        return Submission(note, checkpoint, logs, prove, root_at)

    def _gather(self, submission: Submission) -> Iterator[tuple[str, Reply]]:
        """Ask every witness; yield replies as they come, and a time-out for each that is too late."""
        answers: _Answers = SimpleQueue()
        end_s = self._now_s() + self._timeout_s
        waiting = dict.fromkeys(self._urls)
        for name in self._urls:
            if not self._start(name, submission, end_s, answers):
                del waiting[name]
                yield name, _late(name, "still busy with the last checkpoint")
        cosigned: list[str] = []
        met = False
        while waiting:
            if not met and self._policy.is_quorum(cosigned):
                met, end_s = True, min(end_s, self._now_s() + self._grace_s)
            try:
                name, reply = answers.get(timeout=max(end_s - self._now_s(), 0.0))
            except Empty:
                break
            if isinstance(reply, Exception):
                raise reply
            del waiting[name]
            if reply.signature is not None:
                cosigned.append(name)
            yield name, reply
        for name in waiting:
            yield name, _late(name, "no answer in time")

    def _start(self, name: str, submission: Submission, end_s: float, answers: _Answers) -> bool:
        """Ask one witness in a thread of its own, unless the thread of the last publish still runs."""
        with self._lock:
            if name in self._busy:
                return False
            self._busy.add(name)
            known = self._sizes.get(name, 0)
        exchange = Exchange(
            name,
            self._policy.witnesses[name],
            self._urls[name],
            self._transport,
            lambda: end_s - self._now_s(),
            known,
        )

        def run() -> None:
            try:
                reply: Reply | Exception = exchange.ask(submission)
            except Exception as exc:  # raised again by ``publish``
                reply = exc
            if isinstance(reply, Reply) and reply.signature is not None:
                self._learn(name, submission.checkpoint.size)
            with self._lock:
                self._busy.discard(name)
            answers.put((name, reply))

        threading.Thread(target=run, name=f"witness {name}", daemon=True).start()
        return True

    def _learn(self, name: str, size: int) -> None:
        with self._lock:
            self._sizes[name] = max(size, self._sizes.get(name, 0))


def _late(name: str, detail: str) -> Reply:
    return Reply(Outcome(name, Status.TIMED_OUT, detail))
