"""Gathering cosignatures: a log asks the witnesses of its policy and takes what verifies.

All are asked at once. As soon as the policy's quorum is met the others get a short grace, so
one slow witness holds nothing up; what it answers later still tells where to start next time.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from queue import Empty, SimpleQueue
from typing import Protocol

from veracity.log.add_checkpoint import SIZE_TYPE, AddCheckpoint, parse_size
from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import add_signatures, cosignature_time
from veracity.log.errors import (
    MalformedNote,
    MalformedRequest,
    QuorumNotMet,
    SignatureRejected,
    WitnessUnreachable,
)
from veracity.log.notes import Signature, parse_note
from veracity.log.policy import Policy
from veracity.log.reader import LogReader
from veracity.log.witness_keys import WitnessVerifier

MAX_ANSWER_BYTES = 65_536
_MAX_ATTEMPTS = 3  #: first with the size remembered, then with the size told; once more if it moved
_OK, _CONFLICT = 200, 409


@dataclass(frozen=True)
class Answer:
    """What a witness said: HTTP status, the value of Content-Type ("" if none), and the whole body."""

    status: int
    content_type: str
    body: bytes


class WitnessTransport(Protocol):
    """The only door from a log to its witnesses. Called from several threads at once."""

    def add_checkpoint(self, url: str, body: bytes, timeout_s: float) -> Answer:
        """Post ``body`` to ``<url>/add-checkpoint``.

        Raises
        ------
        WitnessUnreachable
            If there is no whole answer of at most ``MAX_ANSWER_BYTES`` within ``timeout_s``.
        """


class Status(StrEnum):
    """What came of asking a witness."""

    COSIGNED = "cosigned"
    REFUSED = "refused"  #: it answered that it will not
    AHEAD = "ahead"  #: it has cosigned a larger tree than ours: ours is an old one, or not the only one
    ROLLED_BACK = "rolled-back"  #: it has forgotten a tree that it cosigned for us
    FAULTY = "faulty"  #: a signature that fails, or an answer that the protocol does not know
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True)
class Outcome:
    """What one witness of the policy did.

    ``http_status`` is that of its last answer, ``size`` the largest tree that it says it has cosigned;
    None where nothing is known.
    """

    witness: str
    status: Status
    detail: str
    http_status: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class Published:
    """A note with the log's own signatures and all valid cosignatures, and what each witness did."""

    note: bytes
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class _Reply:
    outcome: Outcome
    signature: Signature | None = None


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
        self._lock = threading.Lock()  # around the sizes, and around the reader, which is not for threads
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
        checkpoint = replace(self._policy, quorum=None).check(note).checkpoint
        replies = dict(self._gather(note, checkpoint, reader))
        cosigned = [name for name, reply in replies.items() if reply.signature is not None]
        outcomes = tuple(replies[name].outcome for name in self._urls)
        if not self._policy.is_quorum(cosigned):
            said = "; ".join(f"{o.witness} {o.status}" for o in outcomes) or "no witness with a URL"
            raise QuorumNotMet(outcomes, f"quorum {self._policy.quorum}: want its cosignatures, got {said}")
        signatures = tuple(r.signature for r in map(replies.__getitem__, self._urls) if r.signature)
        return Published(add_signatures(note, signatures) if signatures else note, outcomes)

    def _gather(self, note: bytes, checkpoint: Checkpoint, reader: LogReader) -> Iterator[tuple[str, _Reply]]:
        """Ask every witness; yield replies as they come, and a time-out for each that is too late."""
        answers: SimpleQueue[tuple[str, _Reply | Exception]] = SimpleQueue()
        end_s = self._now_s() + self._timeout_s
        waiting = dict.fromkeys(self._urls)
        for name in self._urls:
            if not self._start(name, AddCheckpoint(0, (), note), checkpoint, reader, end_s, answers):
                del waiting[name]
                yield name, _Reply(Outcome(name, Status.TIMED_OUT, "still busy with the last checkpoint"))
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
            yield name, _Reply(Outcome(name, Status.TIMED_OUT, "no answer in time"))

    def _start(
        self,
        name: str,
        request: AddCheckpoint,
        checkpoint: Checkpoint,
        reader: LogReader,
        end_s: float,
        answers: SimpleQueue[tuple[str, _Reply | Exception]],
    ) -> bool:
        """Ask one witness in a thread of its own, unless the thread of the last publish still runs."""
        with self._lock:
            if name in self._busy:
                return False
            self._busy.add(name)

        def run() -> None:
            try:
                reply: _Reply | Exception = self._ask(name, request, checkpoint, reader, end_s)
            except Exception as exc:  # raised again by ``publish``
                reply = exc
            finally:
                with self._lock:
                    self._busy.discard(name)
            answers.put((name, reply))

        threading.Thread(target=run, name=f"witness {name}", daemon=True).start()
        return True

    def _ask(
        self, name: str, request: AddCheckpoint, checkpoint: Checkpoint, reader: LogReader, end_s: float
    ) -> _Reply:
        verifier = self._policy.witnesses[name]
        known = self.sizes.get(name, 0)
        old_size, answer = known, None
        for _ in range(_MAX_ATTEMPTS):
            if old_size > checkpoint.size:
                detail = f"cosigned size {old_size}, ours is {checkpoint.size}"
                return _Reply(replace(_reply(name, Status.AHEAD, detail, answer).outcome, size=old_size))
            with self._lock:
                proof = tuple(reader.prove_consistency(old_size))
            body = replace(request, old_size=old_size, proof=proof).format()
            try:
                answer = self._transport.add_checkpoint(self._urls[name], body, end_s - self._now_s())
                if answer.status == _OK:
                    signature = _cosignature(verifier, request.note, answer.body)
                    self._learn(name, checkpoint.size)
                    return _reply(name, Status.COSIGNED, f"size {checkpoint.size}", answer, signature)
                if answer.status != _CONFLICT:
                    return _reply(name, Status.REFUSED, f"status {answer.status}", answer)
                told = _told_size(answer)
            except WitnessUnreachable as exc:
                return _reply(name, Status.UNREACHABLE, str(exc), answer)
            except (MalformedRequest, MalformedNote, SignatureRejected) as exc:
                return _reply(name, Status.FAULTY, str(exc), answer)
            if told < known:
                return _reply(
                    name, Status.ROLLED_BACK, f"cosigned size {known}, now says its last is {told}", answer
                )
            if told == old_size:
                return _reply(name, Status.FAULTY, f"refused size {told}, and said it is its last", answer)
            old_size = told
        return _reply(name, Status.REFUSED, f"another size at each of {_MAX_ATTEMPTS} attempts", answer)

    def _learn(self, name: str, size: int) -> None:
        with self._lock:
            self._sizes[name] = max(size, self._sizes.get(name, 0))


def _reply(
    name: str, status: Status, detail: str, answer: Answer | None, signature: Signature | None = None
) -> _Reply:
    return _Reply(Outcome(name, status, detail, answer.status if answer else None), signature)


def _told_size(answer: Answer) -> int:
    if answer.content_type != SIZE_TYPE:
        raise MalformedRequest(
            f"conflict: want content of type {SIZE_TYPE}, got {answer.content_type[:60]!r}"
        )
    return parse_size(answer.body)


def _cosignature(verifier: WitnessVerifier, note: bytes, body: bytes) -> Signature:
    """Return the one cosignature of ``verifier`` in an answer; lines of other keys are ignored."""
    text = parse_note(note).text
    lines = parse_note(text.encode() + b"\n" + body)
    if lines.text != text:
        raise MalformedNote("answer: want signature lines, got a blank line among them")
    own = [s for s in lines.signatures if (s.name, s.key_id) == (verifier.name, verifier.key_id)]
    for signature in own:
        verifier.verify(text, signature.payload)
        if not cosignature_time(signature.payload):
            raise SignatureRejected(f"cosignature of {verifier.name}: want a time, got 0")
    if not own:
        raise SignatureRejected(f"answer: want a cosignature of {verifier.name}, got none")
    return own[0]
