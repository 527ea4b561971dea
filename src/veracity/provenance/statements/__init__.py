"""Statements: what a signer says, as in-toto Statement v1, one module a kind.

``parse_statement`` reads any kind; the typed forms (``Enrol``, ``SealedContract``, ``Delivery``,
``Ingest``, ``Transform``, ``Train``, ``Decide`` …) read their own with ``from_statement`` and are written
with ``to_statement``.
"""

from veracity.provenance.statements.access import Access, Rights, Writes
from veracity.provenance.statements.account import Account, Sums
from veracity.provenance.statements.approve import Approve
from veracity.provenance.statements.assure import Assure
from veracity.provenance.statements.batch import (
    Counts,
    Evidence,
    Part,
    ReceivedFile,
    RowsDigest,
    TableVersion,
)
from veracity.provenance.statements.calibrate import Calibrate
from veracity.provenance.statements.certify import Certify
from veracity.provenance.statements.checks import Checks, RegistryUsed, Released
from veracity.provenance.statements.contract import SealedContract
from veracity.provenance.statements.decide import Decide
from veracity.provenance.statements.delivery import DeliveredEvidence, Delivery
from veracity.provenance.statements.enrol import AGENCY_NAME, DUTIES, Action, Duty, Enrol, Role
from veracity.provenance.statements.erase import Erase, Ground
from veracity.provenance.statements.file import FileDigest
from veracity.provenance.statements.incident import Incident
from veracity.provenance.statements.ingest import Ingest
from veracity.provenance.statements.messages import Messages
from veracity.provenance.statements.outcome import Matched, Outcome
from veracity.provenance.statements.override import Override
from veracity.provenance.statements.reject import Reject
from veracity.provenance.statements.release import Release
from veracity.provenance.statements.statement import (
    KINDS,
    STATEMENT_TYPE,
    Statement,
    Subject,
    format_statement,
    parse_statement,
    predicate_type,
    said_at,
)
from veracity.provenance.statements.train import Train
from veracity.provenance.statements.transform import Input, Transform
from veracity.provenance.statements.typed import Typed, typed
from veracity.provenance.statements.withdraw import Withdraw
from veracity.provenance.statements.words import STAGES, Severity, Stage, Verdict

__all__ = [
    "AGENCY_NAME",
    "DUTIES",
    "KINDS",
    "STAGES",
    "STATEMENT_TYPE",
    "Access",
    "Account",
    "Action",
    "Approve",
    "Assure",
    "Calibrate",
    "Certify",
    "Checks",
    "Counts",
    "Decide",
    "DeliveredEvidence",
    "Delivery",
    "Duty",
    "Enrol",
    "Erase",
    "Evidence",
    "FileDigest",
    "Ground",
    "Incident",
    "Ingest",
    "Input",
    "Matched",
    "Messages",
    "Outcome",
    "Override",
    "Part",
    "ReceivedFile",
    "RegistryUsed",
    "Reject",
    "Release",
    "Released",
    "Rights",
    "Role",
    "RowsDigest",
    "SealedContract",
    "Severity",
    "Stage",
    "Statement",
    "Subject",
    "Sums",
    "TableVersion",
    "Train",
    "Transform",
    "Typed",
    "Verdict",
    "Withdraw",
    "Writes",
    "format_statement",
    "parse_statement",
    "predicate_type",
    "said_at",
    "typed",
]
