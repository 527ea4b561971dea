"""Verifying a receipt: from a trust policy to one record, link by link, with no server.

Each link is a step with a name. The first that fails raises ReceiptRejected with that name;
what no receipt can show, or this one does not, is listed in ``Verification.not_checked``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from veracity.log.policy import Accepted, Policy
from veracity.provenance.agencies import Agencies, Authority
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.fields import format_utc
from veracity.provenance.receipts.checking import check_claimed, check_included, quorum_time, step
from veracity.provenance.receipts.evidence import (
    DecisionEvidence,
    Paged,
    RecordEvidence,
    check_pages,
    locate,
)
from veracity.provenance.receipts.findings import Findings, Step
from veracity.provenance.receipts.links import check_contract, check_delivery, check_operator, check_parts
from veracity.provenance.receipts.messages import check_message
from veracity.provenance.receipts.models import check_approval, check_decide
from veracity.provenance.receipts.receipt import ProvenEntry, Receipt, Value
from veracity.provenance.receipts.time_stamps import stamped_text, verify_time_stamp
from veracity.provenance.statements import (
    Approve,
    Decide,
    Delivery,
    Enrol,
    Incident,
    Ingest,
    Override,
    Release,
    Released,
    SealedContract,
    Statement,
    said_at,
    typed,
)

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

#: Cleans a proven record again and returns its clean rows (more than one from a wide file, none
#: if it is quarantined or refused). Raises one of our errors if the contract forbids the batch.
Reexecute = Callable[[RecordEvidence], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Verification:
    """What a verified receipt shows.

    Attributes
    ----------
    steps
        The checks, in order; all passed.
    not_checked
        What a reader might believe was checked and was not, one line each.
    simulated
        The statement says that its data were made by a simulation.
    operator, agency
        Who signed the statement, and who signed the delivery of the file, or the message that the record
        came in (None: nobody).
    device
        The device whose key signed the delivery or message, as ``<agency>/<device>``; None for no device.
    origin, size, witnesses
        The checkpoint: its log, its tree size, and which of the policy's witnesses cosigned.
    index
        Where in the log the statement stands.
    evidence
        The proven record, if the receipt has one.
    row, is_row_checked
        The clean values claimed, and whether cleaning the record again gave the same; of a decision, what
        it says.
    in_log_before
        A time before which the statement was in the log, by the word of the policy's quorum of witnesses
        or a time stamp, whichever is earlier; None where neither says.
    revoked
        The keys it rests on that were revoked after it, one line each.
    decision
        The proven decision, if the receipt shows one.
    """

    steps: tuple[Step, ...]
    not_checked: tuple[str, ...]
    statement: Statement
    simulated: bool
    operator: str
    agency: str | None
    origin: str
    size: int
    index: int
    witnesses: tuple[str, ...]
    evidence: RecordEvidence | None
    row: Mapping[str, Value] | None
    is_row_checked: bool
    in_log_before: datetime | None
    revoked: tuple[str, ...]
    decision: DecisionEvidence | None = None
    device: str | None = None


def verify_receipt(
    receipt: Receipt,
    policy: Policy,
    reexecute: Reexecute | None = None,
    tsa_roots: Sequence["Certificate"] = (),
) -> Verification:
    """Verify a receipt against a trust policy. About a millisecond without ``reexecute``.

    Parameters
    ----------
    receipt
        As parsed; nothing in it is believed.
    policy
        The only thing believed: the log's key and which witnesses must have cosigned.
    reexecute
        Cleans the record again, to check the row claimed; None leaves the row unchecked.
    tsa_roots
        Whose time stamps to believe; without any, time stamps are left unchecked.

    Raises
    ------
    ReceiptRejected
        With the name of the first step that fails.
    """
    return _Verifier(receipt, policy, tsa_roots).run(reexecute)


class _Verifier:
    """The state of verifying one receipt."""

    def __init__(self, receipt: Receipt, policy: Policy, tsa_roots: Sequence["Certificate"]) -> None:
        self._receipt = receipt
        self._policy = policy
        self._tsa_roots = tsa_roots
        self._revoked: list[str] = []
        self._index = receipt.stated.index
        self._found = Findings()
        self._agencies = Agencies()

    def run(self, reexecute: Reexecute | None) -> Verification:
        stated = self._receipt.stated
        with step("checkpoint"):
            accepted = self._check_checkpoint()
        with step("time_stamps"):
            self._check_time_stamps()
        with step("keys"):
            self._check_keys(accepted)
        with step("entry"):
            check_included(stated, accepted)
            self._found.passed("entry", f"entry {self._index} of {accepted.checkpoint.size}")
        with step("signature"):
            signer = self._check_signature()
        with step("statement"):
            form = typed(stated.statement)
            if isinstance(form, Delivery | Approve):
                kind = stated.statement.kind
                raise ReceiptRejected("statement", f"kind: want one that goes in the log, got {kind}")
            self._found.passed("statement", stated.statement.kind)
        with step("revocations"):
            self._check_revocations(accepted)
        sender, evidence, decision, is_row_checked = None, None, None, False
        self._check_shown(stated.statement.kind)
        if isinstance(form, Ingest):
            sender, evidence = self._check_ingest(form, accepted)
        elif isinstance(form, Decide):
            decision = check_decide(self._receipt, form, accepted, self._agencies, self._found)
        elif isinstance(form, Release | Override | Incident):
            check_approval(self._index, form, self._agencies, self._found)
        self._tell_contradiction(stated.statement)
        if evidence is not None:
            is_row_checked = self._check_row(evidence, reexecute)
        return Verification(
            steps=tuple(self._found.steps),
            not_checked=tuple(self._found.not_checked),
            statement=stated.statement,
            simulated=stated.statement.predicate.get("simulated") is True,
            operator=signer.agency,
            agency=None if sender is None else sender.agency,
            origin=accepted.checkpoint.origin,
            size=accepted.checkpoint.size,
            index=self._index,
            witnesses=accepted.witnesses,
            evidence=evidence,
            row=self._receipt.row if decision is None else decision.row,
            is_row_checked=is_row_checked or decision is not None,
            in_log_before=self._found.in_log_before,
            revoked=tuple(self._revoked),
            decision=decision,
            device=sender.name if sender is not None and sender.role == "device" else None,
        )

    def _entries(self) -> list[ProvenEntry]:
        receipt = self._receipt
        contract = [] if receipt.contract is None else [receipt.contract.stated]
        release = [] if receipt.release is None else [receipt.release]
        return [receipt.stated, *contract, *receipt.keys, *receipt.revocations, *release]

    def _check_shown(self, kind: str) -> None:
        """Check that the receipt shows nothing that a statement of its kind does not have."""
        receipt = self._receipt
        if kind != "ingest" and (receipt.contract, receipt.parts, receipt.row) != (None, None, None):
            raise ReceiptRejected("statement", f"contract, parts and row: want them of an ingest, got {kind}")
        if kind not in ("ingest", "decide") and receipt.record is not None:
            raise ReceiptRejected("statement", f"record: want one of an ingest or a decide, got {kind}")
        if kind != "decide" and receipt.release is not None:
            raise ReceiptRejected("statement", f"release: want one of a decide, got {kind}")
        if kind != "ingest" and receipt.message is not None:
            raise ReceiptRejected("statement", f"message: want one of an ingest, got {kind}")

    def _check_checkpoint(self) -> Accepted:
        note = self._receipt.stated.proof.checkpoint_note
        accepted = self._policy.check(note)
        # One tree for all: proofs under two checkpoints could come from two sides of a fork.
        for other in self._entries():
            if other.proof.checkpoint_note != note:
                raise ReceiptRejected(
                    "checkpoint",
                    f"proof of entry {other.index}: want the checkpoint of the rest, got another",
                )
        tree = accepted.checkpoint
        witnesses = ", ".join(accepted.witnesses) or "no witness"
        self._found.passed("checkpoint", f"{tree.origin} size {tree.size}, cosigned by {witnesses}")
        if (cosigned := quorum_time(note, self._policy)) is not None:
            self._found.times.append(cosigned)
        if self._policy.quorum is None:
            self._found.left(
                "witnesses: the policy asks for none, so another view of the log may be shown to others"
            )
        return accepted

    def _check_time_stamps(self) -> None:
        stamps = self._receipt.time_stamps
        if stamps and not self._tsa_roots:
            self._found.left(
                f"time stamps: {len(stamps)} not looked at, as no roots of their authorities were given"
            )
        text = stamped_text(self._receipt)
        for stamp in stamps if self._tsa_roots else ():
            stamped = verify_time_stamp(stamp, text, self._tsa_roots)
            self._found.times.append(stamped.time)
            self._found.passed(
                "time_stamps", f"in the log before {format_utc(stamped.time)}, by {stamped.by}"
            )

    def _check_keys(self, accepted: Accepted) -> None:
        for key in self._receipt.keys:
            check_included(key, accepted)
            if key.index >= self._index:
                raise ReceiptRejected("keys", f"log index: want below {self._index}, got {key.index}")
            self._agencies.add(key.index, key.envelope)
        if self._index == 0:
            self._agencies.add(0, self._receipt.stated.envelope)
        names = dict.fromkeys(a.name for a in self._agencies.enrolled())
        self._found.passed("keys", f"enrolled by {self._agencies.operator}: {', '.join(names)}")
        if self._index > 1:
            self._found.left(
                f"revocation: an entry before {self._index} that is not shown may have ended a key"
            )
        self._found.left(
            f"later statements: an entry after {self._index} may correct or erase what this one says"
        )

    def _check_signature(self) -> Authority:
        stated = self._receipt.stated
        if self._index == 0:
            signer = self._agencies.signer(stated.envelope, 0)
        elif stated.statement.kind == "enrol":
            signer = self._agencies.signer(stated.envelope, self._index)
            self._agencies.add(self._index, stated.envelope)
        else:
            signer = check_operator(self._agencies, stated, "signature")
        self._found.passed("signature", f"{signer.role} {signer.name}, key {signer.key.keyid[:16]}")
        return signer

    def _check_revocations(self, accepted: Accepted) -> None:
        """Take in what came after the statement; the steps that follow ask the keys as they are now."""
        for later in self._receipt.revocations:
            check_included(later, accepted)
            if later.index <= self._index:
                raise ReceiptRejected(
                    "revocations", f"log index: want above {self._index}, got {later.index}"
                )
            enrol = self._agencies.add(later.index, later.envelope)
            if enrol.action == "revoke":
                since = "" if enrol.as_of is None else f" as of {enrol.as_of}"
                why = "" if enrol.reason is None else f": {enrol.reason}"
                key = f"key {enrol.key.keyid[:16]} of {enrol.agency}"
                self._revoked.append(f"{key}, revoked at entry {later.index}{since}{why}")
        if self._revoked:
            self._found.passed("revocations", "; ".join(self._revoked))
        stated = self._receipt.stated.statement
        if stated.kind == "enrol":
            self._check_counts(Enrol.from_statement(stated))

    def _check_counts(self, enrol: Enrol) -> None:
        """Check that a key that came was not taken back as of then or before: it never counted."""
        if enrol.action == "revoke":
            return
        key = self._agencies.authority(enrol.key.keyid, self._index)
        if key.void_from is None:
            return
        if enrol.since is None or enrol.since >= key.void_from:
            key.check_time(enrol.since or key.void_from)

    def _check_ingest(
        self, ingest: Ingest, accepted: Accepted
    ) -> tuple[Authority | None, RecordEvidence | None]:
        """Return who signed the delivery or the message, and the record shown."""
        sealed = self._check_contract(ingest, accepted)
        sender = self._check_delivery(ingest, sealed)
        if ingest.released is not None:
            self._tell_released(ingest.released)
        evidence = self._check_record(ingest)
        sender = check_message(self._receipt, ingest, evidence, sealed, self._agencies, self._found) or sender
        if evidence is not None and sender is not None:
            evidence = replace(evidence, agency=sender.agency)
        self._found.left(
            "file: that the pages are all of the received file; that takes the file and `veracity audit`"
        )
        self._tell_time()
        return sender, evidence

    def _tell_time(self) -> None:
        before = self._found.in_log_before
        known = "" if before is None else f", but that it was in the log before {format_utc(before)}"
        self._found.left(f"time: received_at is the operator's word{known}")

    def _tell_contradiction(self, statement: Statement) -> None:
        """Tell of a statement that dates itself after it was in the log; cosignatures count whole seconds."""
        said, before = said_at(statement), self._found.in_log_before
        if said is not None and before is not None and before < said.replace(microsecond=0):
            self._found.left(
                f"time: the statement says {format_utc(said)}, later than {format_utc(before)},"
                " before which it was in the log: one of the two is wrong"
            )

    def _tell_released(self, released: Released) -> None:
        waived = ", ".join(released.waived) or "no rule"
        self._found.passed("released", f"by {released.by}: {released.why} (waived: {waived})")
        self._found.left(
            "quarantine: that the row was set aside as the record that its line names (`veracity audit`)"
        )

    def _check_contract(self, ingest: Ingest, accepted: Accepted) -> SealedContract | None:
        contract = self._receipt.contract
        if contract is None:
            if self._receipt.record is not None:
                raise ReceiptRejected("contract", "contract: want the one the record was held to, got none")
            self._found.left("contract: the receipt does not carry it")
            return None
        with step("contract"):
            check_included(contract.stated, accepted)
            sealed = check_contract(ingest, self._index, contract, self._agencies)
        self._found.passed(
            "contract", f"{sealed.feed} {sealed.version}, in force from entry {contract.stated.index}"
        )
        self._found.left(
            f"contract: an entry before {self._index} that is not shown may have put another in force"
        )
        return sealed

    def _check_delivery(self, ingest: Ingest, sealed: SealedContract | None) -> Authority | None:
        parts = self._receipt.parts
        if ingest.delivery is None:
            if parts is not None:
                raise ReceiptRejected("parts", "parts: want none where no delivery was signed, got some")
            if ingest.messages is None:
                self._found.left(f"agency: nobody signed this delivery of {ingest.feed}")
            return None
        with step("delivery"):
            delivery, signer = check_delivery(ingest, self._index, sealed, self._agencies)
        name = f"{delivery.file.name}, {delivery.file.n_bytes} bytes"
        self._found.passed("delivery", f"{name}, signed by {signer.role} {signer.name}")
        if parts is None:
            raise ReceiptRejected("parts", "parts: want the way to the delivered file's root, got none")
        with step("parts"):
            check_parts(ingest, parts, delivery)
        self._found.passed("parts", f"part {parts.index + 1} of {parts.n}")
        return signer

    def _check_record(self, ingest: Ingest) -> RecordEvidence | None:
        record, contract = self._receipt.record, self._receipt.contract
        if record is None or contract is None:
            return None
        with step("pages"):
            check_pages(Paged.of_ingest(ingest), record)
        shown = ", ".join(str(page.index) for page in record.pages)
        self._found.passed("pages", f"page {shown} of {ingest.evidence.n_pages}")
        with step("record"):
            page, start, end, is_exact = locate(Paged.of_ingest(ingest), record)
        self._found.passed("record", f"record {record.record} of batch {record.batch}, {end - start} bytes")
        if record.first_line is not None:
            self._found.left("line: its number in the file is a help to find it, not proven")
        if ingest.file.kind == "csv":
            self._found.left("columns: their names are the signed statement's, not the header's")
        return RecordEvidence(
            contract=contract.text,
            ingest=ingest,
            agency=None,
            record=record.record,
            data=page.content[start:end],
            page=page,
            start=start,
            end=end,
            is_exact=is_exact,
            pages=record.pages,
            first_line=record.first_line,
        )

    def _check_row(self, evidence: RecordEvidence, reexecute: Reexecute | None) -> bool:
        row = self._receipt.row
        if not evidence.is_exact and (reexecute is None or row is None):
            self._found.left(
                "record: that these bytes are one record and have this number, as the page holds quoted text"
            )
        if row is None:
            return False
        if reexecute is None:
            self._found.left("row: the record was not cleaned again")
            return False
        with step("row"):
            check_claimed(row, reexecute(evidence))
        self._found.passed("row", f"{len(row)} values as claimed, from cleaning the record again")
        self._found.left(
            "other records: that none has the same key, and that the table holds the row (`veracity audit`)"
        )
        return True
