"""Errors of keys, envelopes, statements and receipts."""

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError


class ProvenanceError(VeracityError):
    """Root of the errors of ``provenance``."""

    code = "provenance-error"


class MalformedSigningKey(ProvenanceError, Malformed):
    """The bytes are not an Ed25519 key in the form asked for."""

    code = "malformed-signing-key"


class ExposedKey(ProvenanceError, Rejected):
    """A private key's file can be read by others than its owner."""

    code = "exposed-key"


class KeyUnavailable(ProvenanceError, Unavailable):
    """A key file cannot be read, or cannot be written without burying another."""

    code = "key-unavailable"


class MalformedKeyReference(ProvenanceError, Malformed):
    """The text does not say where a key is in a form known here."""

    code = "malformed-key-reference"


class PassphraseNeeded(ProvenanceError, Unavailable):
    """A key is under a passphrase, and nothing says which."""

    code = "passphrase-needed"


class PassphraseRejected(ProvenanceError, Rejected):
    """A key is under another passphrase than the one given."""

    code = "passphrase-rejected"


class MalformedEnvelope(ProvenanceError, Malformed):
    """The bytes are not a DSSE envelope with an in-toto payload."""

    code = "malformed-envelope"


class EnvelopeTooLarge(ProvenanceError, Malformed):
    """A statement that does not fit the 65,535 bytes of a log entry."""

    code = "envelope-too-large"


class EnvelopeRejected(ProvenanceError, Rejected):
    """No signature by a key that counts, or one that fails to verify."""

    code = "envelope-rejected"


class MalformedStatement(ProvenanceError, Malformed):
    """The payload is not an in-toto statement of a kind and form known here."""

    code = "malformed-statement"


class UnknownKey(ProvenanceError, Rejected):
    """The key was not enrolled when it signed."""

    code = "unknown-key"


class RevokedKey(ProvenanceError, Rejected):
    """The key had been revoked or replaced when it signed."""

    code = "revoked-key"


class ExpiredKey(ProvenanceError, Rejected):
    """The key had expired when what it signed was received, or was to be signed."""

    code = "expired-key"


class EnrolmentRejected(ProvenanceError, Rejected):
    """A statement about keys that its signer had no right to make, or that contradicts the log."""

    code = "enrolment-rejected"


class MalformedReceipt(ProvenanceError, Malformed):
    """The bytes are not a receipt; nothing in them may be used."""

    code = "malformed-receipt"


class MalformedTimeStamp(ProvenanceError, Malformed):
    """The bytes are no RFC 3161 time stamp, or no certificates to check one with."""

    code = "malformed-time-stamp"


class TimeStampRejected(ProvenanceError, Rejected):
    """A time stamp of something else, or that no authority believed stands behind."""

    code = "time-stamp-rejected"


class ReceiptRejected(ProvenanceError, Rejected):
    """The receipt is well formed and does not hold. ``step`` names the check that failed."""

    code = "receipt-rejected"

    def __init__(self, step: str, message: str) -> None:
        super().__init__(f"{step}: {message}")
        self.step = step
