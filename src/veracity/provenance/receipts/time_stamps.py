"""RFC 3161 time stamps of a checkpoint: by whose word the log was already so at a time.

What is stamped is SHA-256 over the text of the checkpoint's note, signature lines left out, so that a
stamp holds for the checkpoint with any cosignatures. No stamp is asked for here: a query is written,
and whoever wants one sends it to an authority of their choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from veracity.log.notes import parse_note
from veracity.provenance.errors import MalformedTimeStamp, TimeStampRejected
from veracity.provenance.receipts.receipt import MAX_TIME_STAMP_BYTES, Receipt

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import Accuracy, TimeStampResponse

MAX_ROOTS = 64
_SHA256 = "2.16.840.1.101.3.4.2.1"
_GRANTED = b"\x30\x03\x02\x01\x00"  # PKIStatusInfo: status granted (0)


@dataclass(frozen=True)
class Stamped:
    """What a time stamp says: when at the latest, and the subject of the certificate that signed it."""

    time: datetime
    by: str


def stamped_text(receipt: Receipt) -> bytes:
    """Return the bytes that a receipt's time stamps are over: its checkpoint's text."""
    return parse_note(receipt.stated.proof.checkpoint_note).text.encode()


def time_stamp_query(receipt: Receipt) -> bytes:
    """Write the query (TimeStampReq, DER) to send to any authority; it asks for certificates."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(stamped_text(receipt)).hash_algorithm(HashAlgorithm.SHA256)
    return builder.build().as_bytes()


def parse_roots(pem: bytes) -> tuple["Certificate", ...]:
    """Read the PEM certificates of authorities to believe; MalformedTimeStamp if there are none."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        roots = load_pem_x509_certificates(pem)
    except ValueError as exc:
        raise MalformedTimeStamp("time-stamp roots: want PEM certificates, got other bytes") from exc
    if not 0 < len(roots) <= MAX_ROOTS:
        raise MalformedTimeStamp(f"time-stamp roots: want 1 to {MAX_ROOTS} certificates, got {len(roots)}")
    return tuple(roots)


def check_imprint(stamp: bytes, text: bytes) -> None:
    """Return if a time stamp is over ``text``; who signed it is not asked.

    Raises
    ------
    MalformedTimeStamp, TimeStampRejected
    """
    _check_imprint(_parse(stamp), text)


def verify_time_stamp(stamp: bytes, text: bytes, roots: Sequence["Certificate"]) -> Stamped:
    """Verify a time stamp over ``text``: a TimeStampResp or its token, DER, that carries its certificates.

    Raises
    ------
    MalformedTimeStamp
        If it is none.
    TimeStampRejected
        If it is over something else, or no root stands behind it.
    """
    from cryptography.x509 import load_der_x509_certificate
    from rfc3161_client import VerificationError, VerifierBuilder

    response = _parse(stamp)
    _check_imprint(response, text)
    try:
        # A new list each time: the library keeps the one it is given.
        VerifierBuilder(roots=list(roots)).build().verify(response, sha256(text).digest())
        signers = response.signed_data.signer_infos
        certificates = [load_der_x509_certificate(c) for c in response.signed_data.certificates]
        (by,) = {
            c.subject.rfc4514_string()
            for c in certificates
            for s in signers
            if (c.issuer, c.serial_number) == (s.issuer, s.serial_number)
        }
        time = response.tst_info.gen_time + _accuracy(response)
    except (VerificationError, ValueError, TypeError, OverflowError) as exc:
        detail = " ".join(str(exc).split())[:200]
        raise TimeStampRejected(
            f"time stamp: want one that a root given stands behind, got: {detail}"
        ) from exc
    return Stamped(time.astimezone(UTC), by)


def _parse(stamp: bytes) -> "TimeStampResponse":
    from rfc3161_client import decode_timestamp_response

    if len(stamp) > MAX_TIME_STAMP_BYTES:
        raise MalformedTimeStamp(f"time stamp: want at most {MAX_TIME_STAMP_BYTES} bytes, got {len(stamp)}")
    # A bare token is what a response holds beside its status.
    for form in (stamp, _sequence(_GRANTED + stamp)):
        try:
            response = decode_timestamp_response(form)
            response.tst_info  # noqa: B018 - parsed when asked for
            return response
        except (ValueError, TypeError) as exc:
            error = exc
    raise MalformedTimeStamp("time stamp: want an RFC 3161 response or token, got other bytes") from error


def _check_imprint(response: "TimeStampResponse", text: bytes) -> None:
    imprint = response.tst_info.message_imprint
    want, got = sha256(text).digest(), imprint.message
    if imprint.hash_algorithm.dotted_string != _SHA256 or got != want:
        raise TimeStampRejected(f"time stamp: want one over {want.hex()[:16]}, got over {got.hex()[:16]}")


def _accuracy(response: "TimeStampResponse") -> timedelta:
    """Return by how much the authority's time may be off; nothing where it does not say."""
    said = cast("Accuracy | None", response.tst_info.accuracy)  # the library's types leave the None out
    if said is None:
        return timedelta(0)
    return timedelta(seconds=said.seconds or 0, milliseconds=said.millis or 0, microseconds=said.micros or 0)


def _sequence(content: bytes) -> bytes:
    """Wrap DER elements in a SEQUENCE."""
    n = len(content)
    if n < 128:
        return bytes([0x30, n]) + content
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x30, 0x80 | len(size)]) + size + content
