"""DSSE envelopes (secure-systems-lab/dsse v1.0.0): a payload, its type, and who signed both.

An entry of the log is one envelope's exact bytes. What is signed is not the JSON but PAE, the
payload with its type and lengths, so an envelope may be written in another way and still hold.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from veracity.canonical import canonical_json
from veracity.provenance.errors import EnvelopeRejected, EnvelopeTooLarge, MalformedEnvelope
from veracity.provenance.fields import Fields
from veracity.provenance.keys import MessageSigner, PublicKey
from veracity.provenance.strictjson import parse_json

IN_TOTO = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 65_535  #: what an entry bundle of tlog-tiles can carry
MAX_SIGNATURES = 16


@dataclass(frozen=True)
class EnvelopeSignature:
    """One signature; ``keyid`` is a hint that nothing vouches for, empty where none was given."""

    keyid: str
    signature: bytes


@dataclass(frozen=True)
class Envelope:
    """An in-toto payload and its signatures, nothing verified yet."""

    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]

    @classmethod
    def from_object(cls, value: Any, where: str = "envelope") -> "Envelope":
        """Read the JSON object of an envelope; MalformedEnvelope if it is none."""
        fields = Fields(value, where, MalformedEnvelope)
        fields.choice("payloadType", (IN_TOTO,))
        payload = fields.base64("payload")
        signatures = []
        for item in fields.objects("signatures", MAX_SIGNATURES):
            keyid = item.text("keyid", 128, empty=True) if "keyid" in item else ""
            signatures.append(EnvelopeSignature(keyid, item.base64("sig")))
            item.done()
        if not signatures:
            raise MalformedEnvelope(f"{where}.signatures: want at least one, got none")
        fields.done()
        return cls(payload, tuple(signatures))

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object; ``from_object`` gives an equal envelope."""
        return {
            "payload": b64encode(self.payload).decode("ascii"),
            "payloadType": IN_TOTO,
            "signatures": [
                {"keyid": s.keyid, "sig": b64encode(s.signature).decode("ascii")} for s in self.signatures
            ],
        }

    def format(self) -> bytes:
        """Write the envelope as canonical JSON."""
        return canonical_json(self.to_object())


def pae(payload_type: str, body: bytes) -> bytes:
    """Return the bytes a DSSE signature covers (pre-authentication encoding).

    Examples
    --------
    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def seal(payload: bytes, keys: Sequence[MessageSigner]) -> Envelope:
    """Sign an in-toto payload with each of ``keys``."""
    message = pae(IN_TOTO, payload)
    return Envelope(payload, tuple(EnvelopeSignature(k.public.keyid, k.sign(message)) for k in keys))


def sign_envelope(payload: bytes, keys: Sequence[MessageSigner]) -> bytes:
    """Sign an in-toto payload and return the bytes of a log entry.

    Raises
    ------
    EnvelopeTooLarge
        If a log entry cannot carry them; larger lists go in by digest.
    """
    entry = seal(payload, keys).format()
    if len(entry) > MAX_ENVELOPE_BYTES:
        raise EnvelopeTooLarge(f"envelope: want at most {MAX_ENVELOPE_BYTES} bytes, got {len(entry)}")
    return entry


def open_envelope(data: bytes) -> Envelope:
    """Parse an envelope without checking any signature.

    Raises
    ------
    MalformedEnvelope
        For anything but one JSON envelope of an in-toto payload in at most 65,535 bytes.
    """
    return Envelope.from_object(parse_json(data, "envelope", MAX_ENVELOPE_BYTES, MalformedEnvelope))


def verify(envelope: Envelope, keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
    """Check the signatures that ``keys`` may have made, and return the keys that did.

    A signature whose hint names one of ``keys`` must verify with it; one without a hint is tried
    with each; those of other keys are ignored.

    Raises
    ------
    EnvelopeRejected
        If a named key's signature fails, or no signature is of a key given.
    """
    known = {key.keyid: key for key in keys}
    message = pae(IN_TOTO, envelope.payload)
    signed: dict[str, PublicKey] = {}
    for line in envelope.signatures:
        if line.keyid in known:
            known[line.keyid].verify(line.signature, message)
            signed[line.keyid] = known[line.keyid]
        elif not line.keyid:
            signed.update({k: key for k, key in known.items() if _is_signed_by(key, line, message)})
    if not signed:
        wanted = ", ".join(sorted(k[:16] for k in known)) or "no key"
        got = ", ".join(sorted(s.keyid[:16] or "unnamed" for s in envelope.signatures))
        raise EnvelopeRejected(f"envelope: want a signature of {wanted}, got {got}")
    return tuple(signed.values())


def _is_signed_by(key: PublicKey, line: EnvelopeSignature, message: bytes) -> bool:
    try:
        key.verify(line.signature, message)
    except EnvelopeRejected:
        return False
    return True
