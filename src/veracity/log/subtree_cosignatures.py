r"""Cosignatures of trees and subtrees, ML-DSA-44 ``subtree/v1`` (C2SP tlog-cosignature, type 0x06).

They stand against quantum computers, cover the cosigner's name, and can be given for a part of
the tree. They do not cover a checkpoint's extension lines. A time of 0 makes no claim that the
tree is the largest seen: a log signs its own checkpoints so, a witness its subtrees.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from veracity.log.checkpoints import parse_checkpoint
from veracity.log.cosignatures import TIME_BYTES, check_cosignature_time, cosignature_time
from veracity.log.errors import MalformedCheckpoint, SignatureRejected
from veracity.log.key_halves import PrivateHalf, PublicHalf
from veracity.log.keys import SUBTREE_COSIGNATURE
from veracity.log.notes import Signature

ML_DSA_44_SIGNATURE_BYTES = 2420
MAX_ORIGIN_BYTES = 255
_LABEL = b"subtree/v1\n\0"


@dataclass(frozen=True)
class Subtree:
    """The entries ``start`` up to ``end`` of the log ``origin``, and the root over them (32 bytes)."""

    origin: str
    start: int
    end: int
    root: bytes

    def message(self, cosigner: str, time_s: int) -> bytes:
        """Return the exact bytes that a cosigner signs.

        Raises
        ------
        SignatureRejected
            If the format cannot say it: an origin over 255 bytes, a time for a part of the tree.
        """
        origin = self.origin.encode()
        if not 1 <= len(origin) <= MAX_ORIGIN_BYTES:
            raise SignatureRejected(f"origin: want 1 to {MAX_ORIGIN_BYTES} bytes, got {len(origin)}")
        if self.start and time_s:
            raise SignatureRejected(f"time of a subtree from {self.start}: want 0, got {time_s}")
        name = cosigner.encode()
        return b"".join(
            (
                _LABEL,
                bytes([len(name)]) + name,
                time_s.to_bytes(TIME_BYTES, "big"),
                bytes([len(origin)]) + origin,
                self.start.to_bytes(8, "big"),
                self.end.to_bytes(8, "big"),
                self.root,
            )
        )


def whole_tree(text: str) -> Subtree:
    """Return the tree of a checkpoint's text; SignatureRejected if it is not one."""
    try:
        checkpoint = parse_checkpoint(text)
    except MalformedCheckpoint as exc:
        raise SignatureRejected(f"cosigned text: {exc}") from exc
    return Subtree(checkpoint.origin, 0, checkpoint.size, checkpoint.root)


@dataclass(frozen=True)
class SubtreeVerifier(PublicHalf):
    """The public key of one cosigner (type 0x06, 1,312 bytes)."""

    KIND: ClassVar[int] = SUBTREE_COSIGNATURE
    CALLED: ClassVar[str] = "key"

    def verify(self, text: str, payload: bytes) -> None:
        """Return if ``payload`` cosigns the tree of a checkpoint's ``text``, else raise SignatureRejected."""
        self.verify_subtree(whole_tree(text), payload)

    def verify_subtree(self, subtree: Subtree, payload: bytes) -> None:
        """Return if ``payload`` is this key's cosignature of ``subtree``, else raise SignatureRejected."""
        message = subtree.message(self.name, cosignature_time(payload))
        signature = payload[TIME_BYTES:]
        if len(signature) != ML_DSA_44_SIGNATURE_BYTES:
            raise SignatureRejected(
                f"signature of {self.name}: want {ML_DSA_44_SIGNATURE_BYTES} bytes, got {len(signature)}"
            )
        try:
            MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as exc:
            raise SignatureRejected(f"signature of {self.name}: want one that verifies, got another") from exc


@dataclass(frozen=True)
class SubtreeCosigner(PrivateHalf):
    """The private key of one cosigner (type 0x06). Its representation hides the seed."""

    KIND: ClassVar[int] = SUBTREE_COSIGNATURE

    @classmethod
    def generate(cls, name: str) -> Self:
        """Make a new key from the system's randomness."""
        return cls(name, MLDSA44PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> SubtreeVerifier:
        """The public half."""
        public_key = MLDSA44PrivateKey.from_seed_bytes(self.seed).public_key()
        return SubtreeVerifier(self.name, public_key.public_bytes_raw())

    def cosign(self, text: str, time_s: int) -> Signature:
        """Cosign the tree of a checkpoint's text at a POSIX time in seconds, 1 to 2**63 - 1."""
        check_cosignature_time(time_s)
        return self._sign(whole_tree(text), time_s)

    def sign(self, text: str) -> Signature:
        """Sign a checkpoint's tree without a claim of freshness: what a log does with its own."""
        return self._sign(whole_tree(text), 0)

    def sign_subtree(self, subtree: Subtree) -> Signature:
        """Sign a part of a tree; such signatures carry no time."""
        return self._sign(subtree, 0)

    def _sign(self, subtree: Subtree, time_s: int) -> Signature:
        private = MLDSA44PrivateKey.from_seed_bytes(self.seed)
        payload = time_s.to_bytes(TIME_BYTES, "big") + private.sign(subtree.message(self.name, time_s))
        return Signature(self.name, self.verifier.key_id, payload)
