"""Approvals as files: what is asked of an officer, and the officer's signature on it.

A request is JSON that the city writes and a person reads; the officer signs its digest on a machine of
their own and hands back one DSSE envelope. Neither file needs a network, and neither counts for anything
before the statement that it belongs to is in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast, get_args

from veracity.canonical import canonical_json
from veracity.errors import Malformed
from veracity.provenance.agencies import Agencies, Authority
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES, Envelope, open_envelope, seal
from veracity.provenance.errors import MalformedApproval
from veracity.provenance.fields import Fields
from veracity.provenance.keys import MessageSigner
from veracity.provenance.statements import (
    Approve,
    Duty,
    Incident,
    Override,
    Release,
    format_statement,
    said_at,
)
from veracity.provenance.statements.approve import Approved
from veracity.provenance.statements.release import release_duty
from veracity.provenance.statements.statement import FEED_NAME
from veracity.provenance.statements.words import STAGES, SYSTEM_NAME
from veracity.provenance.statements.words import Action as Change
from veracity.provenance.strictjson import parse_json

SCHEMA = "veracity.approval-request/v1"


@dataclass(frozen=True)
class Request:
    """What is asked of an officer.

    Attributes
    ----------
    action, system
        As the approval will say.
    asked
        What is approved, as JSON to show: of a release what ``asked_release`` gives, of an override and of
        the end of an incident what their statements name. Its digest is what the officer signs.
    """

    action: Approved
    system: str
    asked: Mapping[str, Any]

    @property
    def subject_sha256(self) -> str:
        """What the officer signs: the digest of the canonical JSON of what is asked."""
        return sha256(canonical_json(dict(self.asked))).hexdigest()

    @property
    def duty(self) -> Duty:
        """The duty that it takes; MalformedApproval for a release that says not what it changes."""
        if self.action != "release":
            return self.action
        fields = Fields(dict(self.asked), "request.asked", MalformedApproval)
        change = cast(Change, fields.choice("action", get_args(Change)))
        return release_duty(change, cast(Any, fields.choice("stage", STAGES)))

    def approve(self, by: str, why: str, approved_at: str) -> Approve:
        """Return what the officer says; MalformedStatement unless ``by`` and ``why`` are a line each."""
        return Approve(self.action, self.system, self.subject_sha256, by, why, approved_at)

    def format(self) -> bytes:
        """Write the request as canonical JSON."""
        document = {
            "schema": SCHEMA,
            "action": self.action,
            "system": self.system,
            "asked": dict(self.asked),
            "sha256": self.subject_sha256,
        }
        return canonical_json(document)


def read_request(data: bytes) -> Request:
    """Read a request; MalformedApproval if it is none, or its digest is of something else."""
    fields = Fields(
        parse_json(data, "request", MAX_ENVELOPE_BYTES, MalformedApproval), "request", MalformedApproval
    )
    fields.choice("schema", (SCHEMA,))
    asked = fields.take("asked")
    if not isinstance(asked, dict) or "system" not in asked:
        raise fields.fail("asked", "an object that names its system", asked)
    request = Request(
        action=cast(Approved, fields.choice("action", get_args(Approved))),
        system=fields.matching("system", FEED_NAME, SYSTEM_NAME),
        asked=asked,
    )
    said = fields.sha256("sha256")
    fields.done()
    if asked["system"] != request.system:
        raise fields.fail("asked.system", request.system, asked["system"])
    if said != request.subject_sha256:
        raise fields.fail("sha256", request.subject_sha256, said)
    return request


def sign_approval(key: MessageSigner, approve: Approve) -> Envelope:
    """Sign an approval with an officer's key."""
    return seal(format_statement(approve.to_statement()), [key])


def read_approval(data: bytes) -> Envelope:
    """Read an approval's file; MalformedApproval if it is none. Whether it counts is for ``agencies``."""
    try:
        envelope = open_envelope(data)
        Approve.of(envelope)
    except Malformed as exc:
        raise MalformedApproval(f"approval: {exc}") from exc
    return envelope


def check_approved(agencies: Agencies, index: int, said: Release | Override | Incident) -> Authority | None:
    """Check the approval in the statement at a log index; None where it takes none.

    Its own time is what the officer's key and the approval are held against.

    Raises
    ------
    NotAnOfficer, DutyMissing, ApproverDiffers, ApprovedLater, UnknownKey, RevokedKey, ExpiredKey,
    EnvelopeRejected
        As ``agencies`` does.
    """
    at = said_at(said.to_statement())
    if said.approval is None or at is None:
        return None
    return agencies.check_officer(said.approval, said.duty, index, at)
