"""Statements: what a signer says, as in-toto Statement v1, one module a kind.

``parse_statement`` reads any kind; the typed forms (``Enrol``, ``SealedContract``, ``Delivery``,
``Ingest``, ``Transform``, ``Calibrate``, ``Withdraw``, ``Erase``) read their own with ``from_statement``
and are written with ``to_statement``.
"""

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
from veracity.provenance.statements.delivery import DeliveredEvidence, Delivery
from veracity.provenance.statements.enrol import AGENCY_NAME, Action, Enrol, Role
from veracity.provenance.statements.erase import Erase, Ground
from veracity.provenance.statements.file import FileDigest
from veracity.provenance.statements.ingest import Ingest
from veracity.provenance.statements.reject import Reject
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
from veracity.provenance.statements.transform import Input, Transform
from veracity.provenance.statements.typed import Typed, typed
from veracity.provenance.statements.withdraw import Withdraw

__all__ = [
    "AGENCY_NAME",
    "KINDS",
    "STATEMENT_TYPE",
    "Action",
    "Calibrate",
    "Certify",
    "Checks",
    "Counts",
    "DeliveredEvidence",
    "Delivery",
    "Enrol",
    "Erase",
    "Evidence",
    "FileDigest",
    "Ground",
    "Ingest",
    "Input",
    "Part",
    "ReceivedFile",
    "RegistryUsed",
    "Reject",
    "Released",
    "Role",
    "RowsDigest",
    "SealedContract",
    "Statement",
    "Subject",
    "TableVersion",
    "Transform",
    "Typed",
    "Withdraw",
    "format_statement",
    "parse_statement",
    "predicate_type",
    "said_at",
    "typed",
]
