"""Errors of the transparency log."""

from typing import Any

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError


class LogError(VeracityError):
    """Root of the errors of ``log``."""

    code = "log-error"


class MalformedHash(LogError, Malformed):
    """A hash, an index or a size that cannot be one."""

    code = "malformed-hash"


class MalformedKey(LogError, Malformed):
    """The text is not a signed-note key, or its key ID is not that of its name and public key."""

    code = "malformed-key"


class MalformedNote(LogError, Malformed):
    """The bytes are not a signed note; nothing in them may be used."""

    code = "malformed-note"


class MalformedCheckpoint(LogError, Malformed):
    """The text is not a checkpoint; nothing in it may be used."""

    code = "malformed-checkpoint"


class WrongEmptyRoot(MalformedCheckpoint):
    """A checkpoint of no entries with another root than that of the empty tree."""


class MalformedPolicy(LogError, Malformed):
    """The text is not a trust policy."""

    code = "malformed-policy"


class MalformedProof(LogError, Malformed):
    """The text is not a ``tlog-proof``."""

    code = "malformed-proof"


class MalformedTile(LogError, Malformed):
    """A tile's path or its content is not what tlog-tiles says it must be."""

    code = "malformed-tile"


class MalformedBundle(LogError, Malformed):
    """The bytes are not exactly the entries an entry bundle should hold."""

    code = "malformed-bundle"


class EntryTooLarge(LogError, Malformed):
    """An entry longer than the 65,535 bytes that an entry bundle can carry."""

    code = "entry-too-large"


class IndexOutOfRange(LogError, Malformed):
    """An index or a size that the tree does not have."""

    code = "index-out-of-range"


class SignatureRejected(LogError, Rejected):
    """No signature of a known key, or one that fails to verify."""

    code = "signature-rejected"


class InclusionRejected(LogError, Rejected):
    """The proof does not show the entry in the tree."""

    code = "inclusion-rejected"


class ConsistencyRejected(LogError, Rejected):
    """The proof does not show that the new tree extends the old one."""

    code = "consistency-rejected"


class PolicyRejected(LogError, Rejected):
    """The checkpoint lacks a signature or the cosignatures that the trust policy asks for."""

    code = "policy-rejected"


class TileMismatch(LogError, Rejected):
    """Stored hashes or entries do not lead to the root that the checkpoint signs."""

    code = "tile-mismatch"


class StoreBehind(LogError, Rejected):
    """The stored log is behind, or differs from, the last checkpoint signed, as after restoring a backup."""

    code = "store-behind"


class LogMoved(LogError, Unavailable):
    """Another writer signed a checkpoint first; nothing of this append was signed. Open again and retry."""

    code = "log-moved"


class SigningStopped(LogError, Unavailable):
    """An earlier write failed, so this writer signs nothing more. Open the log again."""

    code = "signing-stopped"


class ObjectMissing(LogError, Unavailable):
    """No object is stored under that path."""

    code = "object-missing"


class StoreUnavailable(LogError, Unavailable):
    """The store could not do what it was asked: disk full, no permission, not reachable, locked."""

    code = "store-unavailable"


class MalformedRequest(LogError, Malformed):
    """The body is not a request that a witness can read."""

    code = "malformed-request"


class UnknownOrigin(LogError, Rejected):
    """The witness does not watch a log of this origin."""

    code = "unknown-origin"


class WitnessConflict(LogError, Rejected):
    """The witness last cosigned another size than the request starts from; ``size`` is that size."""

    code = "witness-conflict"

    def __init__(self, size: int, message: str) -> None:
        super().__init__(message)
        self.size = size


class ForkFound(ConsistencyRejected):
    """A log has signed two trees of one size. ``ours`` and ``theirs`` are the notes that prove it."""

    code = "fork-found"

    def __init__(self, ours: bytes, theirs: bytes, message: str) -> None:
        super().__init__(message)
        self.ours = ours
        self.theirs = theirs


class WitnessClockBehind(LogError, Unavailable):
    """The witness's clock stands well before its last cosignature; it signs no earlier time."""

    code = "witness-clock-behind"


class WitnessUnreachable(LogError, Unavailable):
    """A witness could not be asked, or did not answer in time or within bounds."""

    code = "witness-unreachable"


class QuorumNotMet(LogError, Unavailable):
    """Too few witnesses cosigned; ``outcomes`` says what each of them did. Trying again may help."""

    code = "quorum-not-met"

    def __init__(self, outcomes: tuple[Any, ...], message: str) -> None:
        super().__init__(message)
        self.outcomes = outcomes
