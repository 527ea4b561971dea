"""What the witnesses of a policy have seen: the same log through other eyes."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from veracity.errors import VeracityError
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import SignatureRejected
from veracity.log.notes import NoteVerifier, Verifier, open_note
from veracity.log.policy import Policy, policy_for
from veracity.log.witness_keys import WitnessVerifier
from veracity.monitor.patience import Asked
from veracity.monitor.view import open_view

WITNESS_S = 20.0
AHEAD_S = 300.0  #: a cosignature is no more ahead of our clock than this, or its time is not believed

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
    cosigned_s = replace(policy_for(log), witnesses={witness.name: witness}).cosigned_times(note)
    if not cosigned_s:
        raise SignatureRejected(f"checkpoint: want a time at which {witness.name} cosigned, got 0")
    return Witnessed(note, checkpoint, cosigned_s[witness.name])


def quorum_time(policy: Policy, times: Mapping[str, int]) -> int | None:
    """Return the newest time (POSIX seconds) since which a quorum has cosigned; None if there is none.

    ``times`` says when each witness last did, by its name in the policy. A single one that lies
    about its time moves the answer only as far as others agree with it.
    """
    for time_s in sorted(set(times.values()), reverse=True):
        if policy.is_quorum([name for name, cosigned_s in times.items() if cosigned_s >= time_s]):
            return time_s
    return None


def _question(url: str, path: str, open_other: OpenView) -> Callable[[], bytes]:
    return lambda: open_other(url, WITNESS_S).get(path)
