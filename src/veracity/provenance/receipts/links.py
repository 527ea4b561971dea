"""The links of an ``ingest`` statement: to the contract it was held to, to the agency that sent it."""

from datetime import datetime
from hashlib import sha256

from veracity.log.merkle import verify_inclusion
from veracity.provenance.agencies import Agencies, Authority
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.receipts.receipt import PartPath, ProvenContract, ProvenEntry
from veracity.provenance.statements import Delivery, Ingest, SealedContract, parse_statement, said_at


def check_operator(agencies: Agencies, stated: ProvenEntry, step: str) -> Authority:
    """Check that a key of the operator, in force at that entry, signed it.

    Raises
    ------
    ReceiptRejected, UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected, MalformedStatement
        If not.
    """
    signer = agencies.signer(stated.envelope, stated.index)
    if signer.expires is not None and (at := said_at(stated.statement)) is not None:
        signer.check_time(at)
    if signer.role != "operator":
        raise ReceiptRejected(
            step, f"signer of entry {stated.index}: want the operator, got {signer.role} {signer.name}"
        )
    return signer


def check_contract(
    ingest: Ingest, at_index: int, contract: ProvenContract, agencies: Agencies
) -> SealedContract:
    """Check that these YAML bytes were put in force for the feed, before the batch, by the operator.

    Raises
    ------
    ReceiptRejected, MalformedStatement, UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected
        If not.
    """
    digest = sha256(contract.text).hexdigest()
    if digest != ingest.contract_sha256:
        raise ReceiptRejected("contract", f"sha256: want {ingest.contract_sha256}, got {digest}")
    sealed = SealedContract.from_statement(contract.stated.statement)
    check_operator(agencies, contract.stated, "contract")
    if contract.stated.index >= at_index:
        raise ReceiptRejected("contract", f"log index: want below {at_index}, got {contract.stated.index}")
    for name, want, got in (
        ("sha256", digest, sealed.sha256),
        ("feed", ingest.feed, sealed.feed),
        ("simulated", ingest.simulated, sealed.simulated),
    ):
        if want != got:
            raise ReceiptRejected("contract", f"{name}: want {want}, got {got}")
    if sealed.signature == "required" and not ingest.is_signed and ingest.released is None:
        what = "a delivery" if ingest.messages is None else "every message"
        raise ReceiptRejected("delivery", f"{ingest.feed}: want {what} signed by {sealed.agency}, got none")
    return sealed


def check_delivery(
    ingest: Ingest, at_index: int, sealed: SealedContract | None, agencies: Agencies
) -> tuple[Delivery, Authority]:
    """Check that an agency signed for the file, and that it is the agency of the contract.

    Raises
    ------
    ReceiptRejected, MalformedStatement, UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected
        If not.
    """
    if ingest.delivery is None:
        raise ReceiptRejected("delivery", "ingest.delivery: want a signed delivery, got none")
    signer = agencies.signer(ingest.delivery, at_index, datetime.fromisoformat(ingest.received_at))
    if sealed is not None and sealed.agency not in (None, signer.agency):
        raise ReceiptRejected("delivery", f"signer: want {sealed.agency}, got {signer.role} {signer.name}")
    delivery = Delivery.from_statement(parse_statement(ingest.delivery.payload))
    file = ingest.file.digest
    for name, want, got in (
        ("feed", ingest.feed, delivery.feed),
        ("file.sha256", file.sha256, delivery.file.sha256),
        ("file.bytes", file.n_bytes, delivery.file.n_bytes),
        ("records_per_page", ingest.evidence.records_per_page, delivery.evidence.records_per_page),
    ):
        if want != got:
            raise ReceiptRejected("delivery", f"{name}: want {want}, got {got}")
    return delivery, signer


def check_parts(ingest: Ingest, parts: PartPath, delivery: Delivery) -> None:
    """Check that the batch is the part of the delivered file that it says, whole and in its place.

    Raises
    ------
    ReceiptRejected, InclusionRejected
        If not.
    """
    part, evidence = ingest.part, delivery.evidence
    for name, want, got in (
        ("n", evidence.n_parts, parts.n),
        ("index", part.index, parts.index),
        ("last", parts.index == parts.n - 1, part.last),
    ):
        if want != got:
            raise ReceiptRejected("parts", f"{name}: want {want}, got {got}")
    end = part.first_record + part.n_records
    if (part.index == 0) != (part.first_record == 0) or (part.last and end != evidence.n_records):
        raise ReceiptRejected(
            "parts",
            f"part {part.index + 1} of {parts.n}: want its place among {evidence.n_records} records,"
            f" got {part.first_record} to {end}",
        )
    root = bytes.fromhex(ingest.evidence.root)
    verify_inclusion(root, parts.index, parts.n, parts.path, bytes.fromhex(evidence.root))
