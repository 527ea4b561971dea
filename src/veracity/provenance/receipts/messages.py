"""The link from a record of a live batch to the device that signed the message it came in."""

from datetime import datetime

from veracity.log.merkle import inclusion_root, leaf_hash
from veracity.provenance.agencies import Agencies, Authority
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.messages import signed_text
from veracity.provenance.receipts.checking import step
from veracity.provenance.receipts.evidence import RecordEvidence
from veracity.provenance.receipts.findings import Findings
from veracity.provenance.receipts.receipt import ProvenMessage, Receipt
from veracity.provenance.statements import Ingest, SealedContract


def check_message(
    receipt: Receipt,
    ingest: Ingest,
    evidence: RecordEvidence | None,
    sealed: SealedContract | None,
    agencies: Agencies,
    found: Findings,
) -> Authority | None:
    """Check who signed the message of a proven record; None where nobody's signature is shown.

    Raises
    ------
    ReceiptRejected
        If the signature is not that of who may sign, of these very bytes; if the contract wants one and
        there is none; or if there is one of a batch that is not of messages.
    """
    message = receipt.message
    if ingest.messages is None:
        if message is not None:
            raise ReceiptRejected("message", "message: want none of a batch of a file, got one")
        return None
    if evidence is None:
        found.left("messages: who signed each; a receipt of a record shows it")
        return None
    if message is None:
        if sealed is not None and sealed.signature == "required":
            raise ReceiptRejected("message", f"message: want one signed by {sealed.agency}, got none")
        found.left("message: no device's signature of this record is shown, whatever its topic said")
        return None
    with step("message"):
        sender = _signer(message, evidence.data, ingest, receipt.stated.index, sealed, agencies)
    found.passed(
        "message",
        f"record {message.index + 1} of {message.n} signed by {sender.role} {sender.name},"
        f" key {sender.key.keyid[:16]}",
    )
    found.left("message: when it was signed, and that its other records are in the batch too")
    return sender


def _signer(
    message: ProvenMessage,
    record: bytes,
    ingest: Ingest,
    at_index: int,
    sealed: SealedContract | None,
    agencies: Agencies,
) -> Authority:
    """Return whose signature covers the record; ``record`` with the newline that the batch ends it with."""
    authority = agencies.authority(message.keyid, at_index, datetime.fromisoformat(ingest.received_at))
    if authority.role not in ("device", "agency"):
        got = f"{authority.role} {authority.name}"
        raise ReceiptRejected("message", f"signer: want a device or an agency, got {got}")
    if sealed is not None and sealed.agency not in (None, authority.agency):
        raise ReceiptRejected(
            "message", f"signer: want one of {sealed.agency}, got {authority.role} {authority.name}"
        )
    if not record.endswith(b"\n"):
        raise ReceiptRejected("message", "record: want a newline at its end, got none")
    root = inclusion_root(leaf_hash(record[:-1]), message.index, message.n, message.path)
    authority.key.verify(message.signature, signed_text(ingest.feed, authority.name, message.n, root))
    return authority
