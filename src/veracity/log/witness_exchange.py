"""One witness asked to cosign one checkpoint: the attempts, and what its answers mean.

An answer is believed only as far as it is proven: a cosignature by the witness's key; a larger or
another tree by a checkpoint that our own log's key signed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from veracity.log.add_checkpoint import SIZE_TYPE, AddCheckpoint, parse_size
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.cosignatures import cosignature_time
from veracity.log.errors import (
    MalformedCheckpoint,
    MalformedNote,
    MalformedRequest,
    SignatureRejected,
    WitnessUnreachable,
)
from veracity.log.notes import Signature, Verifier, open_note, parse_note
from veracity.log.witness_keys import WitnessVerifier

MAX_ANSWER_BYTES = 65_536
_MAX_ATTEMPTS = 3  #: first with the size remembered, then with the size told; once more if it moved
_OK, _CONFLICT, _UNPROCESSABLE = 200, 409, 422


@dataclass(frozen=True)
class Answer:
    """What a witness said: HTTP status, the value of Content-Type ("" if none), and the whole body."""

    status: int
    content_type: str
    body: bytes


class WitnessTransport(Protocol):
    """The only door from a log to its witnesses. Called from several threads at once.

    Both methods raise WitnessUnreachable if there is no whole answer of at most
    ``MAX_ANSWER_BYTES`` within ``timeout_s``.
    """

    def add_checkpoint(self, url: str, body: bytes, timeout_s: float) -> Answer:
        """Post ``body`` to ``<url>/add-checkpoint``."""

    def latest_checkpoint(self, url: str, origin_digest: str, timeout_s: float) -> Answer:
        """Get ``<url>/<origin_digest>/checkpoint``, what the witness cosigned last."""


class Status(StrEnum):
    """What came of asking a witness."""

    COSIGNED = "cosigned"
    REFUSED = "refused"  #: it answered that it will not
    AHEAD = "ahead"  #: it has cosigned a larger tree that our key signed: ours is an old one
    FORKED = "forked"  #: it has cosigned a tree that our key signed and that ours does not extend
    ROLLED_BACK = "rolled-back"  #: it has forgotten a tree that it cosigned for us
    FAULTY = "faulty"  #: a signature that fails, or an answer that the protocol does not know
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True)
class Outcome:
    """What one witness of the policy did.

    ``http_status`` is that of its last answer, ``size`` the largest tree that it says it has cosigned;
    None where nothing is known. ``proof`` is a note of our log's own key that shows ``ahead`` or ``forked``.
    """

    witness: str
    status: Status
    detail: str
    http_status: int | None = None
    size: int | None = None
    proof: bytes | None = None


@dataclass(frozen=True)
class Reply:
    """An outcome, and the cosignature where there is one."""

    outcome: Outcome
    signature: Signature | None = None


@dataclass(frozen=True)
class Submission:
    """The checkpoint to be cosigned, and its tree: ``prove`` and ``root_at`` take an older size."""

    note: bytes
    checkpoint: Checkpoint
    logs: Sequence[Verifier]
    prove: Callable[[int], Sequence[bytes]]
    root_at: Callable[[int], bytes]


@dataclass(frozen=True)
class Exchange:
    """One witness, how to reach it, and how much time is left for it, in seconds.

    ``known`` is the largest size that it is known to have cosigned.
    """

    name: str
    verifier: WitnessVerifier
    url: str
    transport: WitnessTransport
    left_s: Callable[[], float]
    known: int = 0

    def ask(self, submission: Submission) -> Reply:
        """Ask until there is an answer to go by; errors of the submission's own tree are raised."""
        size = submission.checkpoint.size
        if self.known > size:
            return self._reply(Status.AHEAD, f"cosigned size {self.known}, ours is {size}", size=self.known)
        old_size, status = self.known, None
        for _ in range(_MAX_ATTEMPTS):
            proof = tuple(submission.prove(old_size))
            body = AddCheckpoint(old_size, proof, submission.note).format()
            try:
                answer = self.transport.add_checkpoint(self.url, body, self.left_s())
                status = answer.status
                if status == _OK:
                    signature = read_cosignature(self.verifier, submission.note, answer.body)
                    return self._reply(Status.COSIGNED, f"size {size}", status, size, signature=signature)
                if status != _CONFLICT:
                    return self._refused(submission, status)
                told = _told_size(answer)
            except WitnessUnreachable as exc:
                return self._reply(Status.UNREACHABLE, str(exc), status)
            except (MalformedRequest, MalformedNote, SignatureRejected) as exc:
                return self._reply(Status.FAULTY, str(exc), status)
            if told < self.known:
                detail = f"cosigned size {self.known}, now says its last is {told}"
                return self._reply(Status.ROLLED_BACK, detail, status, told)
            if told > size:
                return self._ahead(submission, status, told)
            if told == old_size:
                return self._reply(
                    Status.FAULTY, f"refused size {told}, and said it is its last", status, told
                )
            old_size = told
        return self._reply(Status.REFUSED, f"another size at each of {_MAX_ATTEMPTS} attempts", status)

    def _ahead(self, submission: Submission, status: int, told: int) -> Reply:
        size = submission.checkpoint.size
        found = self._latest(submission)
        if found is not None and found[0].size > size:
            detail = f"cosigned size {found[0].size}, ours is {size}"
            return self._reply(Status.AHEAD, detail, status, found[0].size, found[1])
        return self._reply(
            Status.REFUSED, f"says it cosigned size {told}, ours is {size}; shows none", status, told
        )

    def _refused(self, submission: Submission, status: int) -> Reply:
        """Look, where a proof was refused, whether the witness has good reason."""
        found = self._latest(submission) if status == _UNPROCESSABLE else None
        if found is not None and found[0].size <= submission.checkpoint.size:
            theirs, note = found
            if submission.root_at(theirs.size) != theirs.root:
                detail = f"cosigned another tree of size {theirs.size}, which our key signed too"
                return self._reply(Status.FORKED, detail, status, theirs.size, note)
        return self._reply(Status.REFUSED, f"status {status}", status)

    def _latest(self, submission: Submission) -> tuple[Checkpoint, bytes] | None:
        """Return what the witness shows to have cosigned last, if our log's own key signed it."""
        origin = submission.checkpoint.origin
        digest = sha256(origin.encode()).hexdigest()
        try:
            answer = self.transport.latest_checkpoint(self.url, digest, self.left_s())
            checkpoint = parse_checkpoint(open_note(answer.body, submission.logs).text)
        except (WitnessUnreachable, MalformedNote, MalformedCheckpoint, SignatureRejected):
            return None
        return (checkpoint, answer.body) if answer.status == _OK and checkpoint.origin == origin else None

    def _reply(
        self,
        status: Status,
        detail: str,
        http_status: int | None = None,
        size: int | None = None,
        proof: bytes | None = None,
        signature: Signature | None = None,
    ) -> Reply:
        return Reply(Outcome(self.name, status, detail, http_status, size, proof), signature)


def _told_size(answer: Answer) -> int:
    if answer.content_type != SIZE_TYPE:
        raise MalformedRequest(
            f"conflict: want content of type {SIZE_TYPE}, got {answer.content_type[:60]!r}"
        )
    return parse_size(answer.body)


def read_cosignature(verifier: WitnessVerifier, note: bytes, body: bytes) -> Signature:
    """Return the cosignature of ``verifier`` in an answer; lines of other keys are ignored.

    Raises
    ------
    MalformedNote
        If the answer is not signature lines.
    SignatureRejected
        If none is of this key, one of them fails, or it carries no time.
    """
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
