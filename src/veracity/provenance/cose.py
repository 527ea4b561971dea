"""COSE_Sign1 (RFC 9052) with EdDSA, written and read in one encoding: CBOR that is deterministic (RFC 8949).

What is signed begins with the byte 0x84. A note begins with a log's name and a DSSE envelope's with
``DSSEv1``, so no signature of one kind can be passed off as one of another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import cbor2

from veracity.log.errors import SignatureRejected
from veracity.log.notes import verify_ed25519
from veracity.provenance.errors import CoseRejected, MalformedCose

MAX_COSE_BYTES = 131_072
ALG, CONTENT_TYPE, KID, CWT_CLAIMS = 1, 3, 4, 15
ISSUER, SUBJECT = 1, 2
_SIGN1 = 18
_EDDSA = -8
_MAX_DEPTH = 8
_MAX_TEXT = 1_024

Sign = Callable[[bytes], bytes]  #: makes a raw Ed25519 signature


@dataclass(frozen=True)
class Sign1:
    """A message, its form checked and its signature not.

    Attributes
    ----------
    protected_bytes, protected
        The header that the signature covers, as it stands and as read.
    payload
        None where it is detached.
    issuer, subject
        From the protected header's claims.
    """

    protected_bytes: bytes
    protected: Mapping[Any, Any]
    unprotected: Mapping[Any, Any]
    payload: bytes | None
    signature: bytes
    issuer: str
    subject: str

    def verify(self, payload: bytes, key_id: bytes, public_key: bytes) -> None:
        """Return if an Ed25519 key signed ``payload`` in this message, else raise CoseRejected."""
        if self.protected[KID] != key_id:
            raise CoseRejected(f"key: want {key_id.hex()[:16]}, got {self.protected[KID].hex()[:16]}")
        try:
            verify_ed25519(self.issuer, public_key, self.signature, _signed(self.protected_bytes, payload))
        except SignatureRejected as exc:
            raise CoseRejected(str(exc)) from exc


def sign1(
    payload: bytes,
    protected: Mapping[int, Any],
    unprotected: Mapping[int, Any],
    sign: Sign,
    *,
    detached: bool = False,
) -> bytes:
    """Sign a payload and return the message; ``protected`` needs no algorithm."""
    header = encode({ALG: _EDDSA, **protected})
    signature = sign(_signed(header, payload))
    return encode(
        cbor2.CBORTag(_SIGN1, [header, dict(unprotected), None if detached else payload, signature])
    )


def parse_sign1(data: bytes) -> Sign1:
    """Parse a message without checking its signature.

    Raises
    ------
    MalformedCose
        Unless it is a tagged COSE_Sign1 with EdDSA, a key ID, issuer and subject, in deterministic CBOR
        of at most 128 KiB.
    """
    tagged = decode("message", data)
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != _SIGN1 or not is_array(tagged.value, 4):
        raise MalformedCose("message: want a tagged COSE_Sign1, got another value")
    protected_bytes, unprotected, payload, signature = tagged.value
    if not isinstance(protected_bytes, bytes) or not isinstance(signature, bytes):
        raise MalformedCose("message: want a protected header and a signature of bytes, got others")
    if not isinstance(unprotected, Mapping) or not isinstance(payload, bytes | None):
        raise MalformedCose("message: want an unprotected map and a payload of bytes or none, got others")
    protected = decode("protected header", protected_bytes)
    if not isinstance(protected, Mapping) or protected.get(ALG) != _EDDSA:
        raise MalformedCose(f"protected header: want the algorithm EdDSA ({_EDDSA}), got another")
    if not isinstance(protected.get(KID), bytes):
        raise MalformedCose("protected header: want a key ID, got none")
    claims = protected.get(CWT_CLAIMS)
    if not isinstance(claims, Mapping) or set(claims) != {ISSUER, SUBJECT}:
        raise MalformedCose("protected header: want the claims of issuer and subject alone, got others")
    issuer, subject = claims[ISSUER], claims[SUBJECT]
    if not _is_text(issuer) or not _is_text(subject):
        raise MalformedCose(f"claims: want issuer and subject of 1 to {_MAX_TEXT} characters, got others")
    return Sign1(protected_bytes, protected, unprotected, payload, signature, issuer, subject)


def check_labels(what: str, found: Mapping[Any, Any], want: set[int]) -> None:
    """Raise MalformedCose unless a header has exactly the labels wanted."""
    if set(found) != want:
        raise MalformedCose(f"{what}: want the labels {sorted(want)}, got {sorted(map(str, found))[:8]}")


def encode(value: Any) -> bytes:
    """Encode as deterministic CBOR. Keys of a map must be of one kind and one sign, as all of ours are."""
    return cbor2.dumps(value, canonical=True)


def decode(what: str, data: bytes) -> Any:
    """Decode CBOR of at most 128 KiB; MalformedCose for bytes that ``encode`` would not have written."""
    if len(data) > MAX_COSE_BYTES:
        raise MalformedCose(f"{what}: want at most {MAX_COSE_BYTES} bytes, got {len(data)}")
    try:
        value = cbor2.loads(data, max_depth=_MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False)
        again = encode(value)
    except cbor2.CBORError as exc:
        raise MalformedCose(f"{what}: want CBOR, got other bytes ({str(exc)[:60]})") from exc
    if again != data:
        raise MalformedCose(f"{what}: want deterministic CBOR and nothing after it, got another encoding")
    return value


def is_array(value: Any, n: int) -> TypeGuard[Sequence[Any]]:
    """Say whether a decoded value is an array of ``n`` items."""
    return isinstance(value, list | tuple) and len(value) == n


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT


def _signed(protected_bytes: bytes, payload: bytes) -> bytes:
    """Return the bytes that a signature covers (RFC 9052, section 4.4)."""
    return encode(["Signature1", protected_bytes, b"", payload])
