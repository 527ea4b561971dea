"""What a receipt shows of statements about models: a run's decision, its release, who approved a change."""

from datetime import datetime

from veracity.log.policy import Accepted
from veracity.provenance.agencies import Agencies
from veracity.provenance.approvals import check_approved
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.fields import format_utc
from veracity.provenance.receipts.checking import check_included, step
from veracity.provenance.receipts.decisions import check_due, check_release, read_decision
from veracity.provenance.receipts.evidence import DecisionEvidence, Paged, check_pages, locate
from veracity.provenance.receipts.findings import Findings
from veracity.provenance.receipts.receipt import Receipt, Value
from veracity.provenance.statements import Approve, Decide, Incident, Override, Release


def check_approval(
    index: int, form: Release | Override | Incident, agencies: Agencies, found: Findings
) -> None:
    """Check that an officer approved a statement, log entry ``index``, where its kind asks for one.

    Raises
    ------
    ReceiptRejected
        With the name of the step that fails.
    """
    with step("approval"):
        officer = check_approved(agencies, index, form)
    if officer is not None and form.approval is not None:
        why = Approve.of(form.approval).why
        found.passed("approval", f"by {officer.person} ({officer.name}): {why}")


def check_decide(
    receipt: Receipt, decide: Decide, accepted: Accepted, agencies: Agencies, found: Findings
) -> DecisionEvidence | None:
    """Check a run, and the decision of it that a receipt shows; None where it shows none.

    Raises
    ------
    ReceiptRejected
        With the name of the step that fails.
    """
    released = _released_by(receipt, decide, accepted, agencies, found)
    found.left(
        "run: that its decisions are all there, and what it saw; that takes the city's files and"
        " `veracity audit`"
    )
    record = receipt.record
    if record is None:
        return None
    with step("pages"):
        check_pages(Paged.of_decide(decide), record)
    shown = ", ".join(str(page.index) for page in record.pages)
    found.passed("pages", f"page {shown} of {decide.evidence.n_pages}")
    with step("record"):
        page, start, end, _ = locate(Paged.of_decide(decide), record)
    data = page.content[start:end]
    found.passed("record", f"decision {record.record} of run {decide.run}, {len(data)} bytes")
    with step("row"):
        row = read_decision(data)
    found.passed("row", f"{len(row)} values, the decision's own")
    with step("due"):
        due, is_forecast = check_due(decide, row)
    _tell_due(decide, row["due"], due, found, is_forecast=is_forecast)
    return DecisionEvidence(decide, record.record, data, row, due, is_forecast, *released)


def _released_by(
    receipt: Receipt, decide: Decide, accepted: Accepted, agencies: Agencies, found: Findings
) -> tuple[str, str | None, str] | tuple[()]:
    """Check who released what a run ran under; return the officer, the person and why."""
    index, stated = receipt.stated.index, receipt.release
    if decide.release is None:
        if stated is not None:
            raise ReceiptRejected("release", "release: want none, as the run names none, got one")
        found.passed("release", f"{decide.system}: none, by rungs that need no model")
        return ()
    if stated is None:
        if receipt.record is not None:
            raise ReceiptRejected("release", "release: want the one that the run was under, got none")
        found.left("release: the receipt does not carry it")
        return ()
    with step("release"):
        check_included(stated, accepted)
        release, officer = check_release(decide, index, stated, agencies)
    approve = Approve.of(release.approval) if release.approval is not None else None
    why = "" if approve is None else approve.why
    found.passed(
        "release",
        f"{decide.system}: model {release.model_sha256[:16]} to {decide.stage}, released at entry"
        f" {stated.index} by {officer.person} ({officer.name}): {why}",
    )
    found.left(f"release: an entry between {stated.index} and {index} that is not shown may have ended it")
    found.left("model: its files, its card and the reports on it, of which it has digests")
    return officer.name, officer.person, why


def _tell_due(decide: Decide, text: Value, due: datetime, found: Findings, *, is_forecast: bool) -> None:
    """Tell whether a decision came before its outcome, and by whose word."""
    before = found.in_log_before
    if not is_forecast:
        found.passed("due", f"of {text} itself, made {decide.made_at}")
        return
    if before is not None and before <= due:
        known = f", in the log before {format_utc(before)}"
        found.passed("due", f"due {text}, made {decide.made_at}{known}")
        return
    found.passed("due", f"due {text}, made {decide.made_at}")
    known = "" if before is None else f", but that it was in the log before {format_utc(before)}"
    found.left(f"time: that it was made before its outcome is the operator's word{known}")
