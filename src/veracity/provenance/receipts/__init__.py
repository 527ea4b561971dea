"""Receipts: one JSON file that shows where a number came from, checked without any server.

The format is written down in ``docs/receipt.md``.
"""

from veracity.provenance.receipts.evidence import DecisionEvidence, RecordEvidence
from veracity.provenance.receipts.findings import Step
from veracity.provenance.receipts.pages import ProvenPage, line_ends
from veracity.provenance.receipts.receipt import (
    MAX_RECEIPT_BYTES,
    SCHEMA,
    SCHEMA_2,
    SCHEMA_3,
    SCHEMA_4,
    PartPath,
    ProvenContract,
    ProvenEntry,
    ProvenMessage,
    ProvenRecord,
    Receipt,
    format_receipt,
    parse_receipt,
    read_receipt,
)
from veracity.provenance.receipts.verification import (
    Reexecute,
    Verification,
    verify_receipt,
)

__all__ = [
    "MAX_RECEIPT_BYTES",
    "SCHEMA",
    "SCHEMA_2",
    "SCHEMA_3",
    "SCHEMA_4",
    "DecisionEvidence",
    "PartPath",
    "ProvenContract",
    "ProvenEntry",
    "ProvenMessage",
    "ProvenPage",
    "ProvenRecord",
    "Receipt",
    "RecordEvidence",
    "Reexecute",
    "Step",
    "Verification",
    "format_receipt",
    "line_ends",
    "parse_receipt",
    "read_receipt",
    "verify_receipt",
]
