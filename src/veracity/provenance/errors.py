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


class NotAnOfficer(ProvenanceError, Rejected):
    """What only an officer may approve was signed by another."""

    code = "not-an-officer"


class DutyMissing(ProvenanceError, Rejected):
    """An officer approved what is not among the duties enrolled."""

    code = "duty-missing"


class ApproverDiffers(ProvenanceError, Rejected):
    """An approval names another person than the one whose key signed it."""

    code = "approver-differs"


class ApprovedLater(ProvenanceError, Rejected):
    """An approval dates itself after what it approves."""

    code = "approved-later"


class MalformedApproval(ProvenanceError, Malformed):
    """The bytes are no approval, or no request for one."""

    code = "malformed-approval"


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


class MalformedBundle(ProvenanceError, Malformed):
    """The bytes are not the signature of a directory: a Sigstore bundle of OpenSSF Model Signing."""

    code = "malformed-signature-bundle"


class BundleRejected(ProvenanceError, Rejected):
    """The signature of a directory is not one of the key given, or does not hold together."""

    code = "signature-bundle-rejected"


class DirectoryDiffers(ProvenanceError, Rejected):
    """A directory is not the one that was signed; the message names the files."""

    code = "directory-differs"


class MalformedCose(ProvenanceError, Malformed):
    """The bytes are not a COSE message of the form asked for."""

    code = "malformed-cose"


class CoseRejected(ProvenanceError, Rejected):
    """A COSE message is well formed and does not hold: its proof or its signature fails."""

    code = "cose-rejected"


class NotExpressible(ProvenanceError, Malformed):
    """The format asked for cannot say it."""

    code = "not-expressible"


class MalformedMessage(ProvenanceError, Malformed):
    """What a device sent begins like a signed message and is none, or is too long."""

    code = "malformed-message"


class MalformedCode(ProvenanceError, Malformed):
    """The text is not a one-time code."""

    code = "malformed-code"


class MalformedJoining(ProvenanceError, Malformed):
    """The bytes are no request to join a city, or no answer to one."""

    code = "malformed-joining"


class JoiningRejected(ProvenanceError, Rejected):
    """A request or an answer that was not made with the code."""

    code = "joining-rejected"
