"""A witness: cosigns a log's checkpoint if, and only if, it extends the last one it cosigned.

The rules and their order are those of C2SP tlog-witness, in the text after v1.0.0: a second root
at one size, and a wrong root of the empty tree, are refused as failed proofs (422, where v1.0.0
says 409).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from veracity.log.add_checkpoint import AddCheckpoint
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.cosignatures import cosignature_time
from veracity.log.doors import WitnessState
from veracity.log.errors import (
    ConsistencyRejected,
    ForkFound,
    MalformedRequest,
    ObjectMissing,
    SignatureRejected,
    StoreUnavailable,
    UnknownOrigin,
    WitnessClockBehind,
    WitnessConflict,
    WrongEmptyRoot,
)
from veracity.log.merkle import EMPTY_ROOT, verify_consistency
from veracity.log.notes import Note, Signature, Verifier, open_note, parse_note
from veracity.log.sign_subtree import SignSubtree
from veracity.log.subtree_cosignatures import Subtree, SubtreeCosigner
from veracity.log.subtree_proofs import is_subtree, verify_subtree
from veracity.log.witness_keys import WitnessCosigner

MAX_CLOCK_STEP_S = 60  #: a clock set back by less repeats the last time instead of refusing
_MAX_SWAPS = 16


@dataclass(frozen=True)
class _Submitted:
    """A checkpoint signed by its log; ``fault`` is why its tree cannot be."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[Signature, ...]
    fault: WrongEmptyRoot | None = None


class Witness:
    """One witness of several logs. Safe to share between threads, and its state between processes.

    Parameters
    ----------
    logs
        The keys that may sign checkpoints; a log's origin is its key's name.
    cosigners
        The witness's own keys, all of them its own name's. Each cosigns.
    """

    def __init__(
        self, logs: Sequence[Verifier], cosigners: Sequence[WitnessCosigner], state: WitnessState
    ) -> None:
        self._logs: Mapping[str, list[Verifier]] = {
            origin: [v for v in logs if v.name == origin] for origin in {v.name for v in logs}
        }
        self._cosigners = tuple(cosigners)
        self._own = {(v.name, v.key_id): v for v in (c.verifier for c in cosigners)}
        self._state = state
        self._by_digest = {sha256(origin.encode()).hexdigest(): origin for origin in self._logs}

    def add_checkpoint(self, request: AddCheckpoint, now_s: int) -> tuple[Signature, ...]:
        """Cosign a checkpoint at a POSIX time; the state holds it when this returns.

        Raises
        ------
        MalformedNote, MalformedCheckpoint, MalformedRequest
            If the request is not one, or its old size is above the checkpoint's.
        UnknownOrigin
            If no log of that origin is watched.
        SignatureRejected
            If no known key of the log signed it, or the signature of one fails.
        WitnessConflict
            If the old size is not that of the last checkpoint cosigned.
        ConsistencyRejected, ForkFound
            If the proof fails; if the same size has another root.
        WitnessClockBehind, StoreUnavailable
            If nothing can be signed now.
        """
        submitted = self._open(request.note)
        if request.old_size > submitted.size:
            raise MalformedRequest(
                f"old size: want at most the checkpoint's {submitted.size}, got {request.old_size}"
            )
        for _ in range(_MAX_SWAPS):
            latest = self._state.latest(submitted.origin)
            last = _tree_of(submitted.origin, latest)
            _check_extends(request, submitted, last, latest)
            time_s = self._next_time(latest, now_s)
            cosignatures = tuple(c.cosign(submitted.text, time_s) for c in self._cosigners)
            note = Note(submitted.text, submitted.signatures + cosignatures).format()
            if self._state.swap(submitted.origin, latest, note):
                return cosignatures
        raise StoreUnavailable(f"state of {submitted.origin}: want it still for a moment, got it changing")

    def sign_subtree(self, request: SignSubtree) -> tuple[Signature, ...]:
        """Cosign a part of a tree that this witness has cosigned as a whole.

        The checkpoint must carry this witness's own cosignature, or be the last it cosigned.

        Raises
        ------
        MalformedCheckpoint, MalformedRequest
            If the request is not one, or names no subtree of the checkpoint's tree.
        UnknownOrigin, SignatureRejected, ConsistencyRejected
            If the log is not watched, the checkpoint is not known to be good, the proof fails.
        """
        checkpoint = parse_checkpoint(request.text)
        if not is_subtree(request.start, request.end) or request.end > checkpoint.size:
            raise MalformedRequest(
                f"subtree: want one within {checkpoint.size} entries, got {request.start} to {request.end}"
            )
        if checkpoint.origin not in self._logs:
            raise UnknownOrigin(f"origin: want a log watched here, got {checkpoint.origin[:80]!r}")
        self._check_own(checkpoint, request)
        verify_subtree(
            request.start, request.end, checkpoint.size, request.proof, request.root, checkpoint.root
        )
        subtree = Subtree(checkpoint.origin, request.start, request.end, request.root)
        return tuple(c.sign_subtree(subtree) for c in self._cosigners if isinstance(c, SubtreeCosigner))

    @property
    def signs_subtrees(self) -> bool:
        """Whether one of the keys can sign a part of a tree."""
        return any(isinstance(c, SubtreeCosigner) for c in self._cosigners)

    def latest(self, origin_digest: str) -> bytes:
        """Return the last note cosigned of the log whose origin has this SHA-256, as lowercase hex.

        Raises
        ------
        ObjectMissing
            If no such log is watched, or it was never cosigned.
        """
        origin = self._by_digest.get(origin_digest)
        note = self._state.latest(origin) if origin is not None else None
        if note is None:
            raise ObjectMissing("checkpoint: want a log that was cosigned here, got none of this digest")
        return note

    def _open(self, note: bytes) -> _Submitted:
        parsed = parse_note(note)
        origin = parsed.text.split("\n", 1)[0]
        if origin not in self._logs:
            raise UnknownOrigin(f"origin: want a log watched here, got {origin[:80]!r}")
        opened = open_note(note, self._logs[origin])
        try:
            checkpoint = parse_checkpoint(opened.text)
        except WrongEmptyRoot as exc:
            return _Submitted(origin, 0, b"", opened.text, opened.verified, exc)
        return _Submitted(origin, checkpoint.size, checkpoint.root, opened.text, opened.verified)

    def _next_time(self, latest: bytes | None, now_s: int) -> int:
        """Return the time to sign: never before the last, of which a later tree would be a lie."""
        last_s = 0
        if latest is not None:
            own = [s for s in parse_note(latest).signatures if (s.name, s.key_id) in self._own]
            last_s = max((cosignature_time(s.payload) for s in own), default=0)
        if now_s < last_s - MAX_CLOCK_STEP_S:
            raise WitnessClockBehind(
                f"clock: want at least {last_s}, the last cosignature's time, got {now_s}"
            )
        return max(now_s, last_s)

    def _check_own(self, checkpoint: Checkpoint, request: SignSubtree) -> None:
        last = _tree_of(checkpoint.origin, self._state.latest(checkpoint.origin))
        if checkpoint.size and (checkpoint.size, checkpoint.root) == (last.size, last.root):
            return
        own = [s for s in request.signatures if (s.name, s.key_id) in self._own]
        for signature in own:
            self._own[signature.name, signature.key_id].verify(request.text, signature.payload)
        if not own:
            raise SignatureRejected("checkpoint: want one with this witness's own cosignature, got none")


def _tree_of(origin: str, note: bytes | None) -> Checkpoint:
    return Checkpoint(origin, 0, EMPTY_ROOT) if note is None else parse_checkpoint(parse_note(note).text)


def _check_extends(
    request: AddCheckpoint, submitted: _Submitted, last: Checkpoint, latest: bytes | None
) -> None:
    if request.old_size != last.size:
        raise WitnessConflict(last.size, f"old size: want {last.size}, cosigned last, got {request.old_size}")
    if submitted.fault is not None:
        raise ConsistencyRejected(str(submitted.fault)) from submitted.fault
    if latest is not None and submitted.size == last.size and submitted.root != last.root:
        raise ForkFound(
            latest,
            Note(submitted.text, submitted.signatures).format(),
            f"root of {last.origin} at size {last.size}: want {last.root.hex()}, got {submitted.root.hex()}",
        )
    verify_consistency(request.old_size, submitted.size, request.proof, last.root, submitted.root)
