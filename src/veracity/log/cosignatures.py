"""Witness cosignatures, Ed25519 ``cosignature/v1`` (C2SP tlog-cosignature, type 0x04).

A cosignature says: at this time, this is the largest consistent tree of this origin that the
witness has seen. The name of the witness is not covered, so one key serves one witness only.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from veracity.log.errors import SignatureRejected
from veracity.log.key_halves import PrivateHalf, PublicHalf
from veracity.log.keys import COSIGNATURE
from veracity.log.notes import Note, Signature, parse_note, verify_ed25519
from veracity.log.text import MAX_INTEGER

TIME_BYTES = 8


def cosigned_message(text: str, time_s: int) -> bytes:
    """Return the exact bytes a witness signs for a checkpoint's text at a POSIX time."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def cosignature_time(payload: bytes) -> int:
    """Return the POSIX time, in seconds, that a cosignature's payload carries."""
    if len(payload) <= TIME_BYTES:
        raise SignatureRejected(f"cosignature: want a time and a signature, got {len(payload)} bytes")
    time_s = int.from_bytes(payload[:TIME_BYTES], "big")
    if time_s > MAX_INTEGER:
        raise SignatureRejected(f"cosignature time: want at most 2**63 - 1, got {time_s}")
    return time_s


def check_cosignature_time(time_s: int) -> None:
    """Raise SignatureRejected unless a witness may sign at this POSIX time, in seconds."""
    if not 0 < time_s <= MAX_INTEGER:
        raise SignatureRejected(f"cosignature time: want 1 to 2**63 - 1, got {time_s}")


@dataclass(frozen=True)
class CosignatureVerifier(PublicHalf):
    """The public key of one witness (type 0x04)."""

    KIND: ClassVar[int] = COSIGNATURE
    CALLED: ClassVar[str] = "witness key"

    def verify(self, text: str, payload: bytes) -> None:
        """Return if ``payload`` is this witness's cosignature of ``text``, else raise SignatureRejected."""
        message = cosigned_message(text, cosignature_time(payload))
        verify_ed25519(self.name, self.public_key, payload[TIME_BYTES:], message)


@dataclass(frozen=True)
class Cosigner(PrivateHalf):
    """The private key of one witness (type 0x04). Its representation hides the seed."""

    KIND: ClassVar[int] = COSIGNATURE

    @classmethod
    def generate(cls, name: str) -> Self:
        """Make a new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> CosignatureVerifier:
        """The public half."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return CosignatureVerifier(self.name, private.public_key().public_bytes_raw())

    def cosign(self, text: str, time_s: int) -> Signature:
        """Cosign a checkpoint's text at a POSIX time in seconds, 1 to 2**63 - 1."""
        check_cosignature_time(time_s)
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        payload = time_s.to_bytes(TIME_BYTES, "big") + private.sign(cosigned_message(text, time_s))
        return Signature(self.name, self.verifier.key_id, payload)


def add_signatures(note: bytes, signatures: tuple[Signature, ...]) -> bytes:
    """Return ``note`` with further signature lines at its end."""
    parsed = parse_note(note)
    return Note(parsed.text, parsed.signatures + signatures).format()
