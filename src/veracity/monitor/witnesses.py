"""What the witnesses of a policy have seen: the same log through other eyes."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from veracity.errors import VeracityError
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.cosignatures import cosignature_time
from veracity.log.doors import Objects
from veracity.log.errors import SignatureRejected
from veracity.log.notes import NoteVerifier, Verifier, open_note
from veracity.log.policy import Policy
from veracity.log.witness_keys import WitnessVerifier
from veracity.monitor.patience import Asked
from veracity.monitor.view import open_view

WITNESS_S = 20.0

OpenView = Callable[[str, float], Objects]


@dataclass(frozen=True)
class Witnessed:
    """The checkpoint that a witness shows: the log signed it, and the witness cosigned it at a time."""

    note: bytes
    checkpoint: Checkpoint
    cosigned_s: int


@dataclass(frozen=True)
class Answer:
    """What one witness answered: a checkpoint, or why there is none."""

    name: str
    witnessed: Witnessed | None
    problem: str | None = None


def ask_witnesses(policy: Policy, log: Verifier, open_other: OpenView = open_view) -> list[Answer]:
    """Ask every witness that the policy gives a URL for, all at once, each for at most ``WITNESS_S``."""
    path = f"{hashlib.sha256(log.name.encode()).hexdigest()}/checkpoint"
    asked: list[tuple[str, WitnessVerifier, Asked[bytes]]] = []
    for name, verifier in policy.witnesses.items():
        url = policy.urls.get(verifier.format())
        if url is not None:
            question = _question(url, path, open_other)
            asked.append((name, verifier, Asked(f"witness {name}", question)))
    answers, deadline = [], time.monotonic() + WITNESS_S
    for name, verifier, question_asked in asked:
        try:
            answers.append(
                Answer(
                    name,
                    read_witnessed(
                        question_asked.answer(max(0.0, deadline - time.monotonic())), log, verifier
                    ),
                )
            )
        except VeracityError as exc:
            answers.append(Answer(name, None, str(exc)))
    return answers


def read_witnessed(note: bytes, log: Verifier, witness: WitnessVerifier) -> Witnessed:
    """Read a checkpoint that both the log and a witness must have signed.

    Raises
    ------
    SignatureRejected, MalformedNote, MalformedCheckpoint
        If it is not that.
    """
    keys: list[NoteVerifier] = [log, witness]
    opened = open_note(note, keys)
    checkpoint = parse_checkpoint(opened.text)
    if checkpoint.origin != log.name:
        raise SignatureRejected(f"origin: want {log.name}, got {checkpoint.origin[:80]!r}")
    for key in keys:
        if not opened.is_signed_by(key):
            raise SignatureRejected(f"checkpoint: want a signature of {key.name}, got none")
    return Witnessed(note, checkpoint, newest_cosignature(note, [witness]) or 0)


def newest_cosignature(note: bytes, witnesses: list[WitnessVerifier]) -> int | None:
    """Return the newest time (POSIX seconds) at which one of ``witnesses`` cosigned; None if none did."""
    if not witnesses:
        return None
    try:
        opened = open_note(note, witnesses)
    except SignatureRejected:
        return None
    times = [cosignature_time(line.payload) for line in opened.verified]
    return max(times, default=None)


def _question(url: str, path: str, open_other: OpenView) -> Callable[[], bytes]:
    return lambda: open_other(url, WITNESS_S).get(path)
