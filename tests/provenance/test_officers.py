"""Officers: who may approve, for what, until when; and approvals as files."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from veracity.errors import VeracityError
from veracity.provenance.agencies import Agencies
from veracity.provenance.approvals import Request, read_approval, read_request, sign_approval
from veracity.provenance.dsse import Envelope, seal
from veracity.provenance.errors import (
    ApprovedLater,
    ApproverDiffers,
    DutyMissing,
    EnrolmentRejected,
    EnvelopeRejected,
    ExpiredKey,
    MalformedApproval,
    MalformedStatement,
    NotAnOfficer,
    RevokedKey,
    UnknownKey,
)
from veracity.provenance.keys import SigningKey
from veracity.provenance.statements import Approve, Enrol, format_statement, parse_statement, typed
from veracity.provenance.statements.release import asked_release, release_sha256

OPERATOR, AGENCY, LAN, LAN_2, MINH, STRANGER = (SigningKey(bytes([n]) * 32) for n in range(1, 7))
NAME, PERSON = "officer/lan-nguyen", "Nguyễn Thị Lan"
TIME = "2026-09-{:02d}T00:00:00Z"
AT = datetime(2026, 9, 10, tzinfo=UTC)
LAN_COMES = Enrol("enrol", NAME, "officer", LAN.public, person=PERSON, duties=("act", "release"))


def signed(enrol: Enrol, signer: SigningKey = OPERATOR) -> Envelope:
    return seal(format_statement(enrol.to_statement()), [signer])


def city(enrol: Enrol = LAN_COMES) -> Agencies:
    """The operator at 0, an agency at 1, an officer at 2."""
    return Agencies.fold(
        [
            (0, signed(Enrol("enrol", "city", "operator", OPERATOR.public))),
            (1, signed(Enrol("enrol", "hydromet", "agency", AGENCY.public))),
            (2, signed(enrol)),
        ]
    )


def approval(signer: SigningKey = LAN, **change: Any) -> Envelope:
    approve = Approve("release", "air", "11" * 32, PERSON, "all tests passed", TIME.format(10))
    return sign_approval(signer, replace(approve, **change))


def test_an_officer_approves() -> None:
    """What an enrolled officer signs, in time and within the duties, counts; the officer is told."""
    officer = city().check_officer(approval(), "release", 5, AT)
    assert (officer.name, officer.person, officer.role) == (NAME, PERSON, "officer")
    assert city().check_officer(approval(), "act", 5, AT) == officer


def test_who_signs_for_whom() -> None:
    """An approval by nobody known, by no officer, in another's name or without the duty does not count."""
    agencies = city()
    cases: list[tuple[Envelope, Any, int, type[VeracityError]]] = [
        (approval(STRANGER), "release", 5, UnknownKey),
        (approval(AGENCY), "release", 5, NotAnOfficer),
        (approval(OPERATOR), "release", 5, NotAnOfficer),
        (approval(by="Nguyễn Thị Lan "), "release", 5, ApproverDiffers),
        (approval(by="lan-nguyen"), "release", 5, ApproverDiffers),
        (approval(), "override", 5, DutyMissing),
        (approval(), "incident", 5, DutyMissing),
        (approval(), "release", 1, UnknownKey),
        (approval(approved_at="2026-09-10T00:05:01Z"), "release", 5, ApprovedLater),
        (seal(b"{}", [LAN]), "release", 5, MalformedStatement),
        (replace(approval(), payload=approval(why="no").payload), "release", 5, EnvelopeRejected),
    ]
    for envelope, duty, index, error in cases:
        with pytest.raises(error) as caught:
            agencies.check_officer(envelope, duty, index, AT)
        assert "\n" not in str(caught.value)
    agencies.check_officer(approval(approved_at="2026-09-10T00:05:00Z"), "release", 5, AT)


def test_expired_and_revoked_officers() -> None:
    """Nothing counts that is approved after the key expired, after its end, or from a revocation on."""
    expiring = city(replace(LAN_COMES, expires=TIME.format(10)))
    with pytest.raises(ExpiredKey):
        expiring.check_officer(approval(), "release", 5, AT)
    expiring.check_officer(
        approval(approved_at=TIME.format(9)), "release", 5, datetime(2026, 9, 9, tzinfo=UTC)
    )
    agencies = city()
    gone = replace(LAN_COMES, action="revoke", as_of=TIME.format(10), reason="left")
    agencies.add(6, signed(gone))
    with pytest.raises(RevokedKey, match="revoked at 6"):
        agencies.check_officer(approval(), "release", 7, AT)
    with pytest.raises(RevokedKey, match="as of which entry 6"):
        agencies.check_officer(approval(), "release", 5, AT)
    agencies.check_officer(
        approval(approved_at=TIME.format(9)), "release", 5, datetime(2026, 9, 9, tzinfo=UTC)
    )


def test_an_officers_key_is_replaced_for_the_same_duties() -> None:
    """By the operator's or the old key's signature, and never with other duties or for another person."""
    rotate = replace(LAN_COMES, action="rotate", key=LAN_2.public, replaces=LAN.public.keyid)
    for signer in (LAN, OPERATOR):
        agencies = city()
        agencies.add(3, signed(rotate, signer))
        assert agencies.check_officer(approval(LAN_2), "act", 4, AT).key == LAN_2.public
        with pytest.raises(RevokedKey):
            agencies.check_officer(approval(LAN), "act", 4, AT)
        assert agencies.rests_on([LAN_2.public.keyid]) == {0, 2, 3}
    changes: list[dict[str, Any]] = [
        {"duties": ("act", "incident", "release")},
        {"duties": ("act",)},
        {"person": "Someone"},
    ]
    for change in changes:
        for signer in (LAN, OPERATOR):
            with pytest.raises(EnrolmentRejected, match="as enrolled"):
                city().add(3, signed(replace(rotate, **change), signer))


REFUSED = {
    "an agency brings one": (replace(LAN_COMES, agency="officer/minh", key=MINH.public), AGENCY),
    "an officer brings one": (replace(LAN_COMES, agency="officer/minh", key=MINH.public), LAN),
    "an officer revokes": (replace(LAN_COMES, action="revoke"), LAN),
    "an agency revokes": (replace(LAN_COMES, action="revoke"), AGENCY),
    "an agency replaces": (
        replace(LAN_COMES, action="rotate", key=MINH.public, replaces=LAN.public.keyid),
        AGENCY,
    ),
    "of a name that another person has": (replace(LAN_COMES, key=MINH.public, person="Minh"), OPERATOR),
    "an agency's key": (replace(LAN_COMES, agency="officer/minh", key=AGENCY.public), OPERATOR),
    "revoked with other duties": (replace(LAN_COMES, action="revoke", duties=("act",)), OPERATOR),
    "an agency by an officer": (Enrol("enrol", "new", "agency", MINH.public), LAN),
    "a device by an officer": (Enrol("enrol", "hydromet/g1", "device", MINH.public), LAN),
    "an agency of an officer's name": (Enrol("enrol", NAME, "agency", MINH.public), OPERATOR),
}


@pytest.mark.parametrize("name", REFUSED)
def test_changes_that_may_not_be(name: str) -> None:
    """Officers come and go by the operator alone, and bring nobody."""
    enrol, signer = REFUSED[name]
    agencies = city()
    before = agencies.enrolled()
    with pytest.raises(EnrolmentRejected):
        agencies.add(5, signed(enrol, signer))
    assert agencies.enrolled() == before


def test_a_person_may_come_back_with_other_duties() -> None:
    """After the old key was revoked, the same person gets another, for what the operator says."""
    agencies = city()
    agencies.add(3, signed(replace(LAN_COMES, action="revoke")))
    agencies.add(4, signed(replace(LAN_COMES, key=LAN_2.public, duties=("incident",))))
    assert agencies.active(NAME)[0].duties == ("incident",)


def test_only_officers_have_a_person_and_duties() -> None:
    """Both, always, of an officer; neither of anybody else; and old statements are what they were."""
    good = LAN_COMES.to_statement()
    assert typed(parse_statement(format_statement(good))) == LAN_COMES
    changes: list[dict[str, Any]] = [
        {"role": "agency"},
        {"person": None},
        {"person": " "},
        {"person": "two\nlines"},
        {"person": "x" * 201},
        {"duties": []},
        {"duties": ["release", "act"]},
        {"duties": ["act", "act"]},
        {"duties": ["act", "rule"]},
        {"duties": "act"},
        {"agency": "lan"},
        {"agency": "officer/"},
        {"agency": "officer/lan.nguyen"},
        {"agency": "officer/a/b"},
    ]
    for change in changes:
        with pytest.raises(MalformedStatement):
            typed(replace(good, predicate={**good.predicate, **change}))
    for name in ("person", "duties"):
        with pytest.raises(MalformedStatement):
            typed(replace(good, predicate={k: v for k, v in good.predicate.items() if k != name}))
    plain = Enrol("enrol", "hydromet", "agency", AGENCY.public).to_statement()
    assert {"person", "duties", "expires"}.isdisjoint(plain.predicate)
    with pytest.raises(MalformedStatement):
        typed(replace(plain, predicate={**plain.predicate, "duties": ["act"], "person": "An"}))


ASKED = asked_release("air", "release", "22" * 32, "act", "33" * 32, (), None, simulated=True)


def test_a_request_is_written_and_read() -> None:
    """What is asked reads back equal, and its digest is the one that the release will be held against."""
    request = Request("release", "air", ASKED)
    assert read_request(request.format()) == request
    assert request.subject_sha256 == release_sha256(ASKED)
    assert request.duty == "act"
    for action, stage, duty in (
        ("stop", "act", "release"),
        ("release", "advise", "release"),
        ("roll-back", "act", "act"),
    ):
        assert Request("release", "air", {**ASKED, "action": action, "stage": stage}).duty == duty
    assert Request("override", "air", {"system": "air"}).duty == "override"
    with pytest.raises(MalformedApproval):
        _ = Request("release", "air", {"system": "air"}).duty


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "x"},
        {"action": "decide"},
        {"system": "Air"},
        {"system": "water"},
        {"asked": []},
        {"asked": {}},
        {"asked": {**ASKED, "stage": "shadow"}},
        {"sha256": "00" * 32},
        {"more": 1},
    ],
    ids=str,
)
def test_malformed_requests(change: dict[str, Any]) -> None:
    """A request that says one thing and asks to sign another is refused."""
    document = json.loads(Request("release", "air", ASKED).format())
    with pytest.raises(MalformedApproval):
        read_request(json.dumps({**document, **change}).encode())


def test_approvals_are_read_back() -> None:
    """An approval's file holds one approval; anything else is refused."""
    assert read_approval(approval().format()) == approval()
    for data in (b"", b"{}", seal(b"{}", [LAN]).format(), signed(LAN_COMES).format()):
        with pytest.raises(MalformedApproval):
            read_approval(data)
