"""The worlds of the receipt vectors: honest ones, and ones that hold a lie, with the step that must fail."""

from dataclasses import replace
from typing import Any

from decision_world import SystemLies, changed_line
from live_world import AQ05, DEVICE_6, LiveLies, Sent
from model_world import NAME, OFFICER, OFFICER_COMES, at, released
from receipt_world import DEVICE, ENVIRONMENT, OPERATOR, TRANSPORT, Lies

from veracity.provenance.keys import SigningKey
from veracity.provenance.statements import Enrol

ROOT = "11" * 32

LIES = {
    "operator-is-an-agency": (Lies(operator_role="agency"), "keys"),
    "ingest-signed-by-an-agency": (Lies(ingest_key=ENVIRONMENT), "signature"),
    "contract-signed-by-an-agency": (Lies(contract_key=ENVIRONMENT), "contract"),
    "contract-after-the-batch": (Lies(contract_last=True), "contract"),
    "contract-of-another-feed": (Lies(contract={"feed": "river-stage"}), "contract"),
    "contract-not-simulated": (Lies(contract={"simulated": False}), "contract"),
    "contract-of-other-bytes": (Lies(contract={"sha256": ROOT}), "contract"),
    "ingest-not-simulated": (Lies(ingest={"simulated": False}), "contract"),
    "ingest-of-another-feed": (Lies(ingest={"feed": "river-stage"}), "contract"),
    "delivery-missing": (Lies(delivery_key=None), "delivery"),
    "delivery-by-another-agency": (Lies(delivery_key=TRANSPORT), "delivery"),
    "delivery-by-a-revoked-key": (Lies(revoke_environment=True), "delivery"),
    "delivery-to-another-feed": (Lies(delivery={"feed": "river-stage"}), "delivery"),
    "delivery-cut-otherwise": (Lies(delivered={"records_per_page": 1}), "delivery"),
    "delivery-of-other-evidence": (Lies(delivered={"root": ROOT}), "parts"),
    "delivery-of-more-parts": (Lies(delivered={"n_parts": 3}), "parts"),
    "delivery-of-more-records": (Lies(delivered={"n_records": 151}), "parts"),
}


AIR, DEVICE_NAME = "danang-environment", "danang-environment/aq05"
RECEIVED = "2026-09-01T03:00:00.250000Z"  # by the world's batches
BEFORE, AFTER = "2026-09-01T03:00:00Z", "2026-09-01T03:00:01Z"


def revoked(
    as_of: str | None, key: SigningKey = ENVIRONMENT, by: SigningKey = OPERATOR
) -> tuple[Enrol, SigningKey]:
    """Return the revocation of a key of the environment agency, and who signs it."""
    name, role = (DEVICE_NAME, "device") if key is DEVICE else (AIR, "agency")
    return Enrol("revoke", name, role, key.public, as_of=as_of, reason="stolen"), by  # type: ignore[arg-type]


#: Worlds with devices, expiry and later revocations: what holds, and what does not at which step.
HONEST = {
    "device": Lies(device=DEVICE_NAME),
    "device-by-the-operator": Lies(device=DEVICE_NAME, device_by=OPERATOR),
    "key-that-expires-later": Lies(environment_expires=AFTER, operator_expires=AFTER),
    "v2-revoked-later": Lies(later=(revoked(AFTER),)),
    "v2-revoked-without-a-time": Lies(later=(revoked(None),)),
    "v2-revoked-by-itself": Lies(later=(revoked(AFTER, by=ENVIRONMENT),)),
    "v2-device-revoked-later": Lies(device=DEVICE_NAME, later=(revoked(AFTER, DEVICE, ENVIRONMENT),)),
    "v2-device-that-came-at-no-time": Lies(device=DEVICE_NAME, device_as_of=None, later=(revoked(AFTER),)),
    "v2-agency-revoked-after-its-device": Lies(device=DEVICE_NAME, later=(revoked("2026-09-01T02:00:00Z"),)),
}
KEY_LIES = {
    "device-of-another-agency": (Lies(device="danang-transport/cam1", device_by=TRANSPORT), "delivery"),
    "device-by-another-agency": (Lies(device=DEVICE_NAME, device_by=TRANSPORT), "keys"),
    "device-of-no-agency": (Lies(device="danang-ports/cam1", device_by=OPERATOR), "keys"),
    "device-without-a-name": (Lies(device=AIR, device_by=OPERATOR), "keys"),
    "delivery-by-an-expired-key": (Lies(environment_expires=RECEIVED), "delivery"),
    "ingest-by-an-expired-key": (Lies(operator_expires=RECEIVED), "signature"),
    "device-by-an-expired-key": (
        Lies(device=DEVICE_NAME, environment_expires="2026-09-01T01:00:00Z"),
        "keys",
    ),
    "device-at-no-time-by-a-key-that-expires": (
        Lies(device=DEVICE_NAME, device_as_of=None, environment_expires=AFTER),
        "keys",
    ),
    "v2-revoked-as-of-before": (Lies(later=(revoked(BEFORE),)), "delivery"),
    "v2-revoked-as-of-the-receipt": (Lies(later=(revoked(RECEIVED),)), "delivery"),
    "v2-revoked-again-as-of-before": (Lies(later=(revoked(AFTER), revoked(BEFORE))), "delivery"),
    "v2-revoked-again-as-of-later": (Lies(later=(revoked(BEFORE), revoked(AFTER))), "revocations"),
    "v2-device-revoked-as-of-before": (
        Lies(device=DEVICE_NAME, later=(revoked(BEFORE, DEVICE, ENVIRONMENT),)),
        "delivery",
    ),
    "v2-agency-revoked-before-its-device": (
        Lies(device=DEVICE_NAME, later=(revoked("2026-09-01T01:00:00Z"),)),
        "delivery",
    ),
    "v2-revoked-by-another-agency": (Lies(later=(revoked(AFTER, by=TRANSPORT),)), "revocations"),
    "v2-agency-revoked-by-its-device": (
        Lies(device=DEVICE_NAME, later=(revoked(AFTER, by=DEVICE),)),
        "revocations",
    ),
}


ACT = released(stage="act")
WITHOUT_ACT = replace(OFFICER_COMES, duties=("incident", "override", "release"))
STRANGER = SigningKey(b"\x01" * 32)


def gone(as_of: str | None, by: SigningKey = OPERATOR) -> tuple[Enrol, SigningKey]:
    """Return the revocation of the officer's key, and who signs it."""
    return replace(OFFICER_COMES, action="revoke", as_of=as_of, reason="left"), by


def renewed(by: SigningKey, **change: Any) -> tuple[Enrol, SigningKey]:
    """Return the replacement of the officer's key, and who signs it."""
    enrol = replace(
        OFFICER_COMES,
        action="rotate",
        key=STRANGER.public,
        replaces=OFFICER.public.keyid,
        as_of=at(1),
        **change,
    )
    return enrol, by


#: Decisions of an honest city, and of others: what holds, and what does not at which step.
DECISIONS = {
    "v3-decision": SystemLies(),
    "v3-decision-to-act": SystemLies(release=ACT, decide={"stage": "act"}),
    "v3-decision-of-a-nowcast": SystemLies(line=changed_line(due="2026-09-02T07:00:00Z", horizon_s=0)),
    "v3-decision-officer-revoked-later": SystemLies(later=(gone(at(6, 1)),)),
    "v3-decision-officer-renewed": SystemLies(keys=(renewed(OFFICER),), release=released(signer=STRANGER)),
    "v3-decision-officer-who-expires-later": SystemLies(officer=replace(OFFICER_COMES, expires=at(6, 1))),
    "decision-without-a-release": SystemLies(is_released=False),
}
DECISION_LIES = {
    "officer-by-an-agency": (SystemLies(officer_by=ENVIRONMENT), "keys"),
    "officer-by-itself": (SystemLies(officer_by=OFFICER), "keys"),
    "officer-of-an-agencys-name": (
        SystemLies(keys=((Enrol("enrol", NAME, "agency", STRANGER.public), OPERATOR),)),
        "keys",
    ),
    "officer-of-another-person": (
        SystemLies(keys=((replace(OFFICER_COMES, key=STRANGER.public, person="Minh"), OPERATOR),)),
        "keys",
    ),
    "officer-who-brings-another": (
        SystemLies(
            keys=((replace(OFFICER_COMES, agency="officer/minh", key=STRANGER.public), OFFICER),),
        ),
        "keys",
    ),
    "officer-renewed-with-more-duties": (
        SystemLies(officer=WITHOUT_ACT, keys=(renewed(OFFICER),)),
        "keys",
    ),
    "officer-renewed-for-another": (SystemLies(keys=(renewed(OFFICER, person="Minh"),)), "keys"),
    "officer-renewed-by-an-agency": (SystemLies(keys=(renewed(ENVIRONMENT),)), "keys"),
    "v3-officer-who-revokes-itself": (SystemLies(later=(gone(at(20), OFFICER),)), "revocations"),
    "run-signed-by-an-agency": (SystemLies(decide_key=ENVIRONMENT), "signature"),
    "run-signed-by-the-officer": (SystemLies(decide_key=OFFICER), "signature"),
    "release-signed-by-an-agency": (SystemLies(release_key=ENVIRONMENT), "release"),
    "release-by-a-stranger": (SystemLies(release=released(signer=STRANGER)), "release"),
    "release-by-an-agency": (SystemLies(release=released(signer=ENVIRONMENT)), "release"),
    "release-by-the-operator": (SystemLies(release=released(signer=OPERATOR)), "release"),
    "release-in-anothers-name": (SystemLies(release=released(by="Minh")), "release"),
    "release-to-act-without-the-duty": (
        SystemLies(officer=WITHOUT_ACT, release=ACT, decide={"stage": "act"}),
        "release",
    ),
    "release-approved-later": (
        SystemLies(release=replace(released(time=at(6, 6)), released_at=at(6))),
        "release",
    ),
    "release-by-an-officer-expired": (
        SystemLies(officer=replace(OFFICER_COMES, expires=at(6))),
        "release",
    ),
    "release-by-an-officer-revoked": (SystemLies(keys=(gone(None),)), "release"),
    "release-by-an-officer-revoked-as-of-before": (SystemLies(later=(gone(at(6)),)), "release"),
    "release-by-an-officer-renewed": (SystemLies(keys=(renewed(OPERATOR),)), "release"),
    "release-of-another-model": (SystemLies(release=released(model=ROOT)), "release"),
    "release-of-another-system": (SystemLies(release=released(system="rain")), "release"),
    "release-to-another-stage": (SystemLies(release=released(stage="shadow")), "release"),
    "release-that-stops": (
        SystemLies(release=released("stop", replaces=3, rule="skill below 0")),
        "release",
    ),
    "release-simulated-run-as-real": (SystemLies(decide={"simulated": False}), "release"),
    "release-after-the-run": (SystemLies(release_last=True), "release"),
    "release-later-than-the-run": (SystemLies(release=released(time=at(7, 6))), "release"),
    "decision-that-is-no-object": (SystemLies(line=lambda _: b"[1]\n"), "row"),
    "decision-that-is-no-json": (SystemLies(line=lambda _: b"{\n"), "row"),
    "decision-with-a-list": (SystemLies(line=changed_line(q500=[1])), "row"),
    "decision-with-a-name-twice": (SystemLies(line=lambda _: b'{"due":1,"due":2}\n'), "row"),
    "decision-too-many-to-a-page": (SystemLies(line=lambda _: b'{}\n{"due":null}\n'), "record"),
    "decision-without-a-time": (SystemLies(line=changed_line(due=...)), "due"),
    "decision-due-at-no-time": (SystemLies(line=changed_line(due=None)), "due"),
    "decision-due-in-another-zone": (SystemLies(line=changed_line(due="2026-09-02T23:00:00+07:00")), "due"),
    "decision-after-its-outcome": (SystemLies(line=changed_line(due="2026-09-02T07:04:00Z")), "due"),
    "decision-at-its-outcome": (SystemLies(line=changed_line(due="2026-09-02T07:05:00Z")), "due"),
    "decision-late-of-no-horizon": (
        SystemLies(line=changed_line(due="2026-09-02T07:00:00Z", horizon_s=...)),
        "due",
    ),
    "decision-late-of-horizon-0.0": (
        SystemLies(line=changed_line(due="2026-09-02T07:00:00Z", horizon_s=0.0)),
        "due",
    ),
    "decision-late-of-horizon-false": (
        SystemLies(line=changed_line(due="2026-09-02T07:00:00Z", horizon_s=False)),
        "due",
    ),
}


BARE = Sent("aq07", None, 1)
CAMERA = SigningKey(b"\x02" * 32)
CAMERA_COMES = Enrol("enrol", "danang-transport/cam1", "device", CAMERA.public, as_of="2026-09-01T01:00:00Z")


def alone(sent: Sent, **more: Any) -> LiveLies:
    """Return a batch of one message."""
    return LiveLies(sent=(sent,), **more)


#: Live batches of an honest city, and the record shown; and of others: what does not hold at which step.
LIVE = {
    "v4-live-single": (LiveLies(), 0),
    "v4-live-array": (LiveLies(), 3),
    "v4-live-by-the-agency": (LiveLies(), 6),
    "v4-live-on-the-last-page": (LiveLies(), 75),
    "v4-live-beside-a-bare-one": (LiveLies(sent=(Sent(AQ05, DEVICE, 2), BARE), signature="optional"), 1),
    "v4-live-csv": (LiveLies(kind="csv"), 4),
    "v4-live-csv-header": (LiveLies(kind="csv"), 0),
    "v4-live-csv-quoted": (LiveLies(kind="csv"), 71),
    "v4-live-revoked-later": (
        LiveLies(later=(revoked("2026-09-01T03:00:02Z", DEVICE, ENVIRONMENT),)),
        0,
    ),
    "live-bare": (LiveLies(sent=(Sent(AQ05, DEVICE, 2), BARE), signature="optional"), 2),
}
LIVE_LIES = {
    "live-bare-where-required": (LiveLies(sent=(BARE,)), "delivery"),
    "live-bare-said-to-be-signed": (LiveLies(sent=(BARE,), said={"signed": True}), "message"),
    "live-record-changed": (LiveLies(changed=0), "message"),
    "live-by-another-device": (alone(Sent(AQ05, DEVICE_6, 1)), "message"),
    "live-in-the-agencys-name": (alone(Sent(AIR, DEVICE, 1)), "message"),
    "live-to-another-feed": (alone(Sent(AQ05, DEVICE, 1, feed="air-quality")), "message"),
    "live-by-a-stranger": (alone(Sent(AQ05, STRANGER, 1)), "message"),
    "live-by-the-operator": (alone(Sent("city", OPERATOR, 1)), "message"),
    "live-by-an-officer": (
        alone(Sent(NAME, OFFICER, 1), keys=((OFFICER_COMES, OPERATOR),)),
        "message",
    ),
    "live-by-a-device-of-another-agency": (
        alone(Sent(CAMERA_COMES.agency, CAMERA, 1), keys=((CAMERA_COMES, TRANSPORT),)),
        "message",
    ),
    "live-by-an-expired-key": (LiveLies(device={"expires": "2026-09-01T03:00:01.500000Z"}), "message"),
    "live-by-a-revoked-key": (LiveLies(keys=(revoked(None, DEVICE, ENVIRONMENT),)), "message"),
    "v4-live-revoked-as-of-before": (
        LiveLies(later=(revoked("2026-09-01T03:00:01Z", DEVICE, ENVIRONMENT),)),
        "message",
    ),
}
