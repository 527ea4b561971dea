"""The links of a ``decide`` statement: to the release it ran under and who approved it, and its decisions."""

from datetime import datetime

from veracity.provenance.agencies import Agencies, Authority
from veracity.provenance.approvals import check_approved
from veracity.provenance.errors import MalformedReceipt, ReceiptRejected
from veracity.provenance.fields import Fields
from veracity.provenance.receipts.links import check_operator
from veracity.provenance.receipts.receipt import MAX_COLUMNS, MAX_RECEIPT_BYTES, ProvenEntry, Value
from veracity.provenance.statements import Decide, Release
from veracity.provenance.strictjson import parse_json


def check_release(
    decide: Decide, at_index: int, stated: ProvenEntry, agencies: Agencies
) -> tuple[Release, Authority]:
    """Check that this is the release that a run names, and that an officer approved it in time.

    Raises
    ------
    ReceiptRejected, MalformedStatement, UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected, NotAnOfficer,
    DutyMissing, ApproverDiffers, ApprovedLater
        If not.
    """
    if stated.index != decide.release or stated.index >= at_index:
        raise ReceiptRejected(
            "release", f"log index: want {decide.release}, below {at_index}, got {stated.index}"
        )
    release = Release.from_statement(stated.statement)
    check_operator(agencies, stated, "release")
    for name, want, got in (
        ("system", decide.system, release.system),
        ("model", decide.model_sha256, release.model_sha256),
        ("stage", decide.stage, release.stage),
        ("simulated", decide.simulated, release.simulated or decide.simulated),
    ):
        if want != got:
            raise ReceiptRejected("release", f"{name}: want {want}, got {got}")
    if datetime.fromisoformat(decide.made_at) < datetime.fromisoformat(release.released_at):
        raise ReceiptRejected(
            "release", f"released_at: want a time not after {decide.made_at}, got {release.released_at}"
        )
    officer = check_approved(agencies, stated.index, release)
    if officer is None or release.action == "stop":
        raise ReceiptRejected("release", f"action: want a model released, got {release.action}")
    return release, officer


def read_decision(data: bytes) -> dict[str, Value]:
    """Read a decision's bytes: one JSON object of single values; ReceiptRejected if they are none."""
    row = parse_json(data, "decision", MAX_RECEIPT_BYTES, MalformedReceipt)
    if not isinstance(row, dict) or len(row) > MAX_COLUMNS:
        raise ReceiptRejected("row", f"decision: want an object of at most {MAX_COLUMNS} names, got another")
    for name, value in row.items():
        if isinstance(value, dict | list):
            raise ReceiptRejected("row", f"{name[:64]!r}: want one value, got an object or an array")
    return row


def check_due(decide: Decide, row: dict[str, Value]) -> tuple[datetime, bool]:
    """Return when a decision's outcome is due, and whether it was made before that.

    One that was not is of a time that was there already, and says so by ``horizon_s`` 0.

    Raises
    ------
    ReceiptRejected, MalformedReceipt
        If it says no time, or was made too late.
    """
    due = Fields(row, "decision", MalformedReceipt).when("due")
    if datetime.fromisoformat(decide.made_at) < due:
        return due, True
    ahead = row.get("horizon_s")
    if ahead != 0 or not isinstance(ahead, int) or isinstance(ahead, bool):
        raise ReceiptRejected(
            "due", f"due: want a time after {decide.made_at}, when it was made, got {row['due']}"
        )
    return due, False
