from datetime import UTC, datetime
from itertools import pairwise

import pytest

from veracity.errors import VeracityError
from veracity.provenance.agencies import Agencies
from veracity.provenance.dsse import Envelope, seal
from veracity.provenance.errors import (
    EnrolmentRejected,
    EnvelopeRejected,
    MalformedStatement,
    RevokedKey,
    UnknownKey,
)
from veracity.provenance.keys import SigningKey
from veracity.provenance.statements import Action, Enrol, Role, Statement, Subject, format_statement

OPERATOR, OPERATOR_2, AGENCY, AGENCY_2, OTHER, DEVICE = (SigningKey(bytes([n]) * 32) for n in range(6))


def say(
    signer: SigningKey,
    action: Action,
    agency: str,
    key: SigningKey,
    role: Role = "agency",
    replaces: SigningKey | None = None,
) -> Envelope:
    old = None if replaces is None else replaces.public.keyid
    enrol = Enrol(action, agency, role, key.public, replaces=old)
    return seal(format_statement(enrol.to_statement()), [signer])


def city() -> Agencies:
    """Return the operator at 0, two agencies at 2 and 4."""
    return Agencies.fold(
        [
            (0, say(OPERATOR, "enrol", "city", OPERATOR, "operator")),
            (2, say(OPERATOR, "enrol", "hydromet", AGENCY)),
            (4, say(OPERATOR, "enrol", "transport", OTHER)),
        ]
    )


def test_authority_begins_with_its_entry() -> None:
    """A key counts from the entry that enrols it on, and not before."""
    agencies = city()
    with pytest.raises(UnknownKey, match="before entry 1"):
        agencies.authority(AGENCY.public.keyid, 1)
    assert agencies.authority(AGENCY.public.keyid, 2).agency == "hydromet"
    assert agencies.authority(AGENCY.public.keyid, 10**9).role == "agency"
    assert agencies.operator == "city"


def test_revoked_key_keeps_its_past() -> None:
    """What a key signed before it was revoked stays valid; what comes after does not."""
    agencies = city()
    agencies.add(7, say(OPERATOR, "revoke", "hydromet", AGENCY))
    message = seal(b"{}", [AGENCY])
    assert agencies.signer(message, 6).agency == "hydromet"
    with pytest.raises(RevokedKey, match="revoked at 7"):
        agencies.signer(message, 8)
    assert agencies.active("hydromet") == []
    assert [a.ended_by for a in agencies.enrolled("hydromet")] == ["revoke"]


def test_rotation() -> None:
    """A rotation, by the old key or the operator, hands over at its entry."""
    for signer in (AGENCY, OPERATOR):
        agencies = city()
        agencies.add(5, say(signer, "rotate", "hydromet", AGENCY_2, replaces=AGENCY))
        assert agencies.signer(seal(b"{}", [AGENCY_2]), 6).agency == "hydromet"
        with pytest.raises(UnknownKey):
            agencies.authority(AGENCY_2.public.keyid, 4)
        with pytest.raises(RevokedKey, match="replaced at 5"):
            agencies.authority(AGENCY.public.keyid, 6)


def test_operator_may_rotate_and_go_on() -> None:
    """After the operator rotates its key, the new one enrols and the old one does not."""
    agencies = city()
    agencies.add(5, say(OPERATOR, "rotate", "city", OPERATOR_2, "operator", OPERATOR))
    agencies.add(6, say(OPERATOR_2, "enrol", "hydromet/gauge-1", DEVICE, "device"))
    with pytest.raises(RevokedKey):
        agencies.add(7, say(OPERATOR, "enrol", "hydromet", AGENCY_2))
    assert agencies.operator == "city"


def test_agency_revokes_its_own() -> None:
    """An agency may end a key of its own with another of its own."""
    agencies = city()
    agencies.add(5, say(OPERATOR, "enrol", "hydromet", AGENCY_2))
    agencies.add(6, say(AGENCY_2, "revoke", "hydromet", AGENCY))
    assert [a.key for a in agencies.active("hydromet")] == [AGENCY_2.public]


REFUSED: dict[str, tuple[int, Envelope, type[VeracityError]]] = {
    "the agency enrols": (5, say(AGENCY, "enrol", "hydromet", AGENCY_2), EnrolmentRejected),
    "a stranger enrols": (5, say(DEVICE, "enrol", "hydromet", AGENCY_2), UnknownKey),
    "itself": (5, say(AGENCY_2, "enrol", "hydromet", AGENCY_2), UnknownKey),
    "a key of another agency": (5, say(OPERATOR, "enrol", "hydromet", OTHER), EnrolmentRejected),
    "a key twice": (5, say(OPERATOR, "enrol", "hydromet", AGENCY), EnrolmentRejected),
    "a second operator": (5, say(OPERATOR, "enrol", "town", AGENCY_2, "operator"), EnrolmentRejected),
    "an agency of the operator's name": (5, say(OPERATOR, "enrol", "city", AGENCY_2), EnrolmentRejected),
    "another agency rotates": (
        5,
        say(OTHER, "rotate", "hydromet", AGENCY_2, replaces=AGENCY),
        EnrolmentRejected,
    ),
    "rotation to another agency": (
        5,
        say(AGENCY, "rotate", "transport", AGENCY_2, replaces=AGENCY),
        EnrolmentRejected,
    ),
    "rotation to another role": (
        5,
        say(AGENCY, "rotate", "hydromet", AGENCY_2, "operator", AGENCY),
        EnrolmentRejected,
    ),
    "rotation of no key": (5, say(OPERATOR, "rotate", "hydromet", AGENCY_2, replaces=DEVICE), UnknownKey),
    "rotation to a known key": (
        5,
        say(OPERATOR, "rotate", "hydromet", OTHER, replaces=AGENCY),
        EnrolmentRejected,
    ),
    "another agency revokes": (5, say(OTHER, "revoke", "hydromet", AGENCY), EnrolmentRejected),
    "the last operator key": (5, say(OPERATOR, "revoke", "city", OPERATOR, "operator"), EnrolmentRejected),
    "an index out of order": (4, say(OPERATOR, "enrol", "hydromet", AGENCY_2), EnrolmentRejected),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """What a signer may not do is refused and changes nothing."""
    index, envelope, error = REFUSED[name]
    agencies = city()
    before = agencies.enrolled()
    with pytest.raises(error) as caught:
        agencies.add(index, envelope)
    assert "\n" not in str(caught.value)
    assert agencies.enrolled() == before


def test_revoked_key_never_comes_back() -> None:
    """A key that was revoked is neither enrolled nor revoked again, nor rotated."""
    for again in (
        say(OPERATOR, "enrol", "hydromet", AGENCY),
        say(OPERATOR, "revoke", "hydromet", AGENCY),
        say(OPERATOR, "rotate", "hydromet", AGENCY_2, replaces=AGENCY),
    ):
        agencies = city()
        agencies.add(5, say(OPERATOR, "revoke", "hydromet", AGENCY))
        with pytest.raises((EnrolmentRejected, RevokedKey)):
            agencies.add(6, again)


@pytest.mark.parametrize(
    "envelope",
    [
        say(OPERATOR, "enrol", "city", OPERATOR, "agency"),
        say(OPERATOR_2, "enrol", "city", OPERATOR, "operator"),
        say(OPERATOR, "rotate", "city", OPERATOR, "operator", OTHER),
    ],
)
def test_entry_0_is_the_operator_enrolling_itself(envelope: Envelope) -> None:
    """A log that begins with anything but a self-signed operator has no authority at all."""
    agencies = Agencies()
    with pytest.raises((EnrolmentRejected, EnvelopeRejected)):
        agencies.add(0, envelope)
    with pytest.raises(UnknownKey):
        _ = agencies.operator


def test_first_entry_must_be_entry_0() -> None:
    """The state is not folded from the middle of a log."""
    with pytest.raises(EnrolmentRejected, match="at 0 first"):
        Agencies().add(1, say(OPERATOR, "enrol", "city", OPERATOR, "operator"))


def test_other_statements_are_no_enrolments() -> None:
    """Only enrol statements change keys."""
    payload = format_statement(Statement("erase", (Subject("sha256", "00" * 32),), {}))
    with pytest.raises(MalformedStatement):
        city().add(5, seal(payload, [OPERATOR]))


def test_forged_signature_is_rejected() -> None:
    """A known key's name on another's signature does not count."""
    good, forged = seal(b"{}", [AGENCY]), seal(b"{}", [OTHER])
    line = type(good.signatures[0])(AGENCY.public.keyid, forged.signatures[0].signature)
    with pytest.raises(EnvelopeRejected):
        city().signer(Envelope(b"{}", (line,)), 5)


def at(
    signer: SigningKey,
    action: Action,
    name: str,
    subject: SigningKey,
    time: str | None,
    role: Role = "device",
) -> Envelope:
    enrol = Enrol(action, name, role, subject.public, as_of=time)
    return seal(format_statement(enrol.to_statement()), [signer])


GAUGE = "hydromet/gauge-1"
DAY = "2026-09-{:02d}T00:00:00Z"


def test_a_device_belongs_to_its_agency() -> None:
    """A device has a name of its own and counts for its agency, which may change its keys."""
    for signer in (OPERATOR, AGENCY):
        agencies = city()
        agencies.add(5, at(signer, "enrol", GAUGE, DEVICE, None))
        found = agencies.signer(seal(b"{}", [DEVICE]), 6)
        assert (found.name, found.agency, found.role) == (GAUGE, "hydromet", "device")
        rotated = say(signer, "rotate", GAUGE, AGENCY_2, "device", DEVICE)
        agencies.add(7, rotated)
        agencies.add(8, at(signer, "revoke", GAUGE, AGENCY_2, None))
        assert agencies.active(GAUGE) == []
        assert agencies.rests_on([AGENCY_2.public.keyid]) == {0, 2, 5, 7}


@pytest.mark.parametrize(
    "name", ["hydromet", "gauge", "hydromet/a/b", "nobody/gauge", "city/gauge", "hydromet/"]
)
def test_no_device_of_another_name(name: str) -> None:
    """A device's name begins with an agency that is enrolled, and has one part more."""
    with pytest.raises((EnrolmentRejected, MalformedStatement)):
        city().add(5, at(OPERATOR, "enrol", name, DEVICE, None))


def test_a_revocation_as_of_a_time_narrows() -> None:
    """What was received before the time counts, the rest not; an earlier time may follow, a later not."""
    agencies = city()
    agencies.add(5, at(OPERATOR, "revoke", "hydromet", AGENCY, DAY.format(20), "agency"))
    keyid = AGENCY.public.keyid
    assert agencies.authority(keyid, 4, datetime(2026, 9, 19, tzinfo=UTC)).voided_at == 5
    assert agencies.authority(keyid, 4).ended_at == 5  # by the log's order alone it counts
    for day in (20, 21):
        with pytest.raises(RevokedKey, match="as of which entry 5 revoked it"):
            agencies.authority(keyid, 4, datetime(2026, 9, day, tzinfo=UTC))
    for later in (20, 25):
        with pytest.raises(EnrolmentRejected, match="want a time before"):
            agencies.add(6, at(OPERATOR, "revoke", "hydromet", AGENCY, DAY.format(later), "agency"))
    agencies.add(6, at(OPERATOR, "revoke", "hydromet", AGENCY, DAY.format(10), "agency"))
    with pytest.raises(RevokedKey, match="entry 6"):
        agencies.authority(keyid, 4, datetime(2026, 9, 19, tzinfo=UTC))


def test_a_long_chain_is_taken_back() -> None:
    """A stolen key that replaced itself a thousand times: all of them go with one revocation."""
    agencies = city()
    chain = [AGENCY, *(SigningKey(n.to_bytes(32, "big")) for n in range(100, 1_100))]
    for n, (old, new) in enumerate(pairwise(chain), 5):
        enrol = Enrol("rotate", "hydromet", "agency", new.public, old.public.keyid, DAY.format(10))
        agencies.add(n, seal(format_statement(enrol.to_statement()), [old]))
    agencies.add(2_000, at(OPERATOR, "revoke", "hydromet", AGENCY, DAY.format(9), "agency"))
    assert agencies.active("hydromet") == []
    assert all(a.void_from is not None for a in agencies.enrolled("hydromet"))
