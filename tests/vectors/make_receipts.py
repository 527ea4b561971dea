"""Write the receipt vectors: ``python tests/vectors/make_receipts.py``. Same keys, same bytes.

``receipts/index.json`` lists receipts that verify, receipts of logs that hold a lie, and edits
(JSON Patch, RFC 6902) of a good receipt, each with the error's code and, where it is
``receipt-rejected``, the step that must fail. ``time-stamps/`` holds what no script can make twice: an
answer of a throwaway authority (``openssl ts``) over the checkpoint of ``valid-ndjson.json``.
"""

import copy
import json
import sys
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "provenance"))

from access_world import BY_AN_AGENCY, AccessWorld  # noqa: E402
from decision_world import SystemLies, SystemWorld, changed_line  # noqa: E402
from live_world import AQ05, AQ06, DEVICE_6, LiveLies, LiveWorld, Sent  # noqa: E402
from model_world import NAME, OFFICER, OFFICER_COMES, at, released  # noqa: E402
from receipt_world import DEVICE, ENVIRONMENT, OPERATOR, POLICY, TRANSPORT, Lies, World  # noqa: E402

from veracity.log.policy import format_policy  # noqa: E402
from veracity.provenance.keys import SigningKey  # noqa: E402
from veracity.provenance.receipts import Receipt, format_receipt  # noqa: E402
from veracity.provenance.statements import Enrol  # noqa: E402

SCHEMA = "veracity.receipt-vectors/v1"
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


@dataclass(frozen=True)
class Edit:
    """One change to a valid receipt, and how it must fail."""

    name: str
    patch: list[dict[str, Any]]
    code: str = "receipt-rejected"
    step: str | None = None

    def to_object(self, base: str) -> dict[str, Any]:
        return {"name": self.name, "base": base, "patch": self.patch, "code": self.code, "step": self.step}


def put(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


def edits(world: World, receipt: Receipt) -> list[Edit]:
    """Return the edits of ``receipt``, the record 5 of part 1."""
    document = json.loads(format_receipt(receipt))
    proof: str = document["proof"]
    lines = proof.split("\n")
    swapped = [document["keys"][1], document["keys"][0], *document["keys"][2:]]
    page = document["record"]["pages"][0]
    older = world.prove(world.contract_index, size=len(world.entries) - 1)
    transform = world.prove(world.transform_index).to_object()

    def proof_line(number: int, text: str) -> str:
        return "\n".join([*lines[:number], text, *lines[number + 1 :]])

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, code="malformed-receipt")

    return [
        malformed("schema of another version", put("/schema", "veracity.receipt/v2")),
        malformed("a name nobody knows", [{"op": "add", "path": "/note", "value": "trust me"}]),
        malformed("no keys at all", [{"op": "remove", "path": "/keys"}]),
        malformed("entry is no envelope", put("/entry", "{}")),
        malformed("proof index with a leading zero", put("/proof", proof_line(1, "index 05"))),
        malformed("page path with stray bits", put("/parts/path/0", stray(document["parts"]["path"][0]))),
        malformed("length 0", put("/record/length", 0)),
        malformed("a negative offset", put("/record/offset", -1)),
        malformed("row without a record", put("/record", None)),
        malformed("a row of lists", put("/row/pm25", [1])),
        rejected("checkpoint of another size", "checkpoint", put("/proof", proof.replace("\n7\n", "\n8\n"))),
        rejected(
            "checkpoint of another origin", "checkpoint", put("/proof", proof.replace("city\n7", "town\n7"))
        ),
        rejected(
            "contract proven in an older tree", "checkpoint", put("/contract/proof", older.proof.format())
        ),
        rejected("entry with another batch", "entry", put("/entry", other_batch(document["entry"]))),
        rejected("entry of the log's other index", "entry", put("/proof", proof_line(1, "index 4"))),
        rejected("index beyond the tree", "entry", put("/proof", proof_line(1, "index 7"))),
        rejected("a hash of the proof", "entry", put("/proof", proof_line(2, flipped(lines[2])))),
        rejected("a hash too few", "entry", put("/proof", "\n".join([*lines[:2], *lines[3:]]))),
        rejected("operator's key left out", "keys", [{"op": "remove", "path": "/keys/0"}]),
        rejected("keys in another order", "keys", put("/keys", swapped)),
        rejected("another key's entry", "keys", put("/keys/1/entry", document["keys"][2]["entry"])),
        rejected("agency's key left out", "delivery", [{"op": "remove", "path": "/keys/1"}]),
        rejected("contract left out", "contract", put("/contract", None)),
        rejected(
            "contract with a comment more",
            "contract",
            put("/contract/text", document["contract"]["text"] + "# .\n"),
        ),
        rejected(
            "another statement as the contract's",
            "contract",
            [{"op": "replace", "path": f"/contract/{k}", "value": v} for k, v in transform.items()],
        ),
        rejected("parts left out", "parts", put("/parts", None)),
        rejected("part of another index", "parts", put("/parts/index", 0)),
        rejected("part of another number", "parts", put("/parts/n", 3)),
        rejected("a hash of the parts", "parts", put("/parts/path/0", flipped(document["parts"]["path"][0]))),
        rejected(
            "one letter of the page",
            "pages",
            put("/record/pages/0/text", page["text"].replace("AQ05", "AQ06", 1)),
        ),
        rejected("page of another index", "pages", put("/record/pages/0/index", 1)),
        rejected(
            "a hash too many for the page", "pages", put("/record/pages/0/path", document["parts"]["path"])
        ),
        rejected("a page twice", "pages", put("/record/pages", [page, page])),
        rejected("another batch", "pages", put("/record/batch", 0)),
        rejected("record beyond the batch", "pages", put("/record/record", 22)),
        rejected("no page", "record", put("/record/pages", [])),
        rejected("the record's neighbour", "record", put("/record/record", 6)),
        rejected(
            "bytes from within the record", "record", put("/record/offset", document["record"]["offset"] + 1)
        ),
        rejected("bytes beyond the page", "record", put("/record/length", 1_000_000)),
        rejected("two records as one", "record", put("/record/length", 2 * document["record"]["length"])),
        rejected("one value of the row", "row", put("/row/pm25", 11.25)),
        rejected("a column left out of the row", "row", [{"op": "remove", "path": "/row/pm25"}]),
        rejected("a column more in the row", "row", [{"op": "add", "path": "/row/pm10", "value": None}]),
        rejected("a number as text", "row", put("/row/pm25", str(document["row"]["pm25"]))),
    ]


def edits_of_second(receipt: Receipt) -> list[Edit]:
    """Return the edits of a receipt with one revocation and no time stamp."""
    document = json.loads(format_receipt(receipt))
    (revocation,) = document["revocations"]
    stamp = b64encode(b"not looked at without roots").decode()

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, code="malformed-receipt")

    return [
        malformed("version 2 with neither", put("/revocations", None)),
        malformed("version 2 with empty revocations", put("/revocations", [])),
        malformed("version 2 with empty time stamps", put("/time_stamps", [])),
        malformed("version 2 without the name time_stamps", [{"op": "remove", "path": "/time_stamps"}]),
        malformed("version 1 with revocations", put("/schema", "veracity.receipt/v1")),
        malformed("a time stamp that is no base64", put("/time_stamps", ["."])),
        malformed("an empty time stamp", put("/time_stamps", [""])),
        malformed("five time stamps", put("/time_stamps", [stamp] * 5)),
        malformed("a time stamp too long", put("/time_stamps", ["A" * 4 * 10_923])),
        rejected("a revocation among the keys", "keys", put("/keys", [*document["keys"], revocation])),
        rejected("a key among the revocations", "revocations", put("/revocations", [document["keys"][1]])),
        rejected("a revocation twice", "revocations", put("/revocations", [revocation] * 2)),
        rejected(
            "another entry as the revocation",
            "revocations",
            put("/revocations/0/entry", document["keys"][1]["entry"]),
        ),
        rejected(
            "a revocation proven in an older tree",
            "checkpoint",
            put("/revocations/0/proof", revocation["proof"].replace("\n8\n", "\n9\n")),
        ),
    ]


def edits_of_decision(world: SystemWorld, receipt: Receipt) -> list[Edit]:
    """Return the edits of a receipt of a decision, record 4 of the run."""
    document = json.loads(format_receipt(receipt))
    page, release = document["record"]["pages"][0], document["release"]
    decide = world.world.prove(world.decide_at).to_object()

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"decision: {name}", patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"decision: {name}", patch, code="malformed-receipt")

    contract = {"text": "a", **release}
    return [
        malformed("version 2 with a release", put("/schema", "veracity.receipt/v2")),
        malformed("version 1 with a release", put("/schema", "veracity.receipt/v1")),
        malformed("version 3 without the name release", [{"op": "remove", "path": "/release"}]),
        malformed("version 3 with a release of null", put("/release", None)),
        malformed("version 3 without the name revocations", [{"op": "remove", "path": "/revocations"}]),
        malformed("version 4", put("/schema", "veracity.receipt/v4")),
        malformed("a row without a record", [*put("/record", None), *put("/row", {})]),
        rejected("with a row", "statement", put("/row", {"q500": 20.5})),
        rejected("with a contract", "statement", put("/contract", contract)),
        rejected("with parts", "statement", put("/parts", {"index": 0, "n": 1, "path": []})),
        rejected("the run as its own release", "release", put("/release", decide)),
        rejected("a key as the release", "release", put("/release", document["keys"][0])),
        rejected("the release's entry changed", "release", put("/release/entry", decide["entry"])),
        rejected(
            "a release proven in another tree",
            "checkpoint",
            put("/release/proof", release["proof"].replace("city\n14\n", "city\n15\n")),
        ),
        rejected("the officer's key left out", "release", [{"op": "remove", "path": "/keys/1"}]),
        rejected("another run", "pages", put("/record/batch", 1)),
        rejected("a decision beyond the run", "pages", put("/record/record", 70)),
        rejected("another page", "pages", put("/record/pages/0/index", 1)),
        rejected(
            "one digit of the page",
            "pages",
            put("/record/pages/0/text", page["text"].replace("20.5", "20.6")),
        ),
        rejected("the decision's neighbour", "record", put("/record/record", 5)),
        rejected("two decisions as one", "record", put("/record/length", 2 * document["record"]["length"])),
        rejected("no page", "record", put("/record/pages", [])),
    ]


def edits_of_message(world: LiveWorld, receipt: Receipt) -> list[Edit]:
    """Return the edits of a receipt of the third of five records that a device signed."""
    document = json.loads(format_receipt(receipt))
    message = document["message"]
    other = json.loads(format_receipt(world.receipt(0)))["message"]
    less = [{"op": "remove", "path": f"/{name}"} for name in ("message", "revocations", "time_stamps")]
    device = next(i for i, key in enumerate(world.world.key_indices) if key == 8)

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"message: {name}", patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"message: {name}", patch, code="malformed-receipt")

    return [
        *(malformed(f"in version {n}", put("/schema", f"veracity.receipt/v{n}")) for n in (1, 2, 3, 5)),
        malformed("left out of version 4", [{"op": "remove", "path": "/message"}]),
        malformed("null in version 4", put("/message", None)),
        malformed("version 4 without the name revocations", [{"op": "remove", "path": "/revocations"}]),
        malformed("version 4 with empty time stamps", put("/time_stamps", [])),
        malformed("without a record", [*put("/record", None), *put("/row", None)]),
        malformed("of no records", put("/message/n", 0)),
        malformed("at a negative index", put("/message/index", -1)),
        malformed("a name more", [{"op": "add", "path": "/message/device", "value": AQ06}]),
        malformed("a key ID in capitals", put("/message/keyid", message["keyid"].upper())),
        malformed("a signature too short", put("/message/signature", message["signature"][:-4])),
        malformed("a path with stray bits", put("/message/path/0", stray(message["path"][0]))),
        rejected("left out, as version 1", "message", [*less, *put("/schema", "veracity.receipt/v1")]),
        rejected("of another index", "message", put("/message/index", 1)),
        rejected("of an index beyond it", "message", put("/message/index", 5)),
        rejected("of more records", "message", put("/message/n", 6)),
        rejected("a hash of the path", "message", put("/message/path/0", flipped(message["path"][0]))),
        rejected("a hash too few", "message", put("/message/path", message["path"][:-1])),
        rejected("a hash too many", "message", put("/message/path", [*message["path"], message["path"][0]])),
        rejected(
            "as if of this record alone",
            "message",
            [*put("/message/n", 1), *put("/message/index", 0), *put("/message/path", [])],
        ),
        rejected("the signature of another", "message", put("/message/signature", other["signature"])),
        rejected("the key of another", "message", put("/message/keyid", other["keyid"])),
        rejected("another message", "message", put("/message", other)),
        rejected("a key nobody enrolled", "message", put("/message/keyid", "ab" * 32)),
        rejected("the device's key left out", "message", [{"op": "remove", "path": f"/keys/{device}"}]),
        rejected("the record's neighbour", "record", put("/record/record", 4)),
        rejected(
            "one digit of the page",
            "pages",
            put("/record/pages/0/text", document["record"]["pages"][0]["text"].replace("AQ03", "AQ04", 1)),
        ),
        rejected("parts", "parts", put("/parts", {"index": 0, "n": 1, "path": []})),
    ]


def edits_with_message(message: Any) -> list[Edit]:
    """Return the edits of a good receipt of a file's record that put a message in it."""
    more = {"message": message, "revocations": None, "time_stamps": None}
    added = [{"op": "add", "path": f"/{name}", "value": value} for name, value in more.items()]
    return [
        Edit("message: of a file's record", [*put("/schema", "veracity.receipt/v4"), *added], step="message")
    ]


def flipped(text: str) -> str:
    """Return a base64 hash with its first bit flipped."""
    raw = b64decode(text)
    return b64encode(bytes([raw[0] ^ 0x80]) + raw[1:]).decode()


def stray(text: str) -> str:
    """Return a base64 hash written with bits that belong to no byte."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-2] + alphabet[alphabet.index(text[-2]) ^ 1] + "="


def other_batch(entry: str) -> str:
    """Return the envelope with another batch number and its old signature."""
    envelope = json.loads(entry)
    payload = b64decode(envelope["payload"]).replace(b'"batch":1,', b'"batch":9,')
    return json.dumps({**envelope, "payload": b64encode(payload).decode()}, separators=(",", ":"))


def apply_patch(document: Any, patch: list[dict[str, Any]]) -> Any:
    """Apply the three operations of RFC 6902 that the vectors use."""
    document = copy.deepcopy(document)
    for operation in patch:
        *parents, last = operation["path"].split("/")[1:]
        target = document
        for name in parents:
            target = target[int(name)] if isinstance(target, list) else target[name]
        at = int(last) if isinstance(target, list) else last
        if operation["op"] == "remove":
            del target[at]
        else:
            target[at] = operation["value"]
    return document


def vectors() -> dict[str, bytes]:
    """Return every file of the vectors by name."""
    ndjson, csv = World("ndjson"), World("csv")
    good = ndjson.receipt(1, 5)
    valid = {
        "valid-ndjson.json": good,
        "valid-ndjson-first-part.json": ndjson.receipt(0, 127),
        "valid-csv.json": csv.receipt(0, 3),
        "valid-csv-quoted.json": replace(csv.receipt(0, 70), row=None),
        "valid-quarantined.json": replace(ndjson.receipt(1, 0), row=None),
        "valid-enrol.json": ndjson.statement_receipt(0),
        "valid-transform.json": ndjson.statement_receipt(ndjson.transform_index),
    }
    valid |= {f"valid-{name}.json": World("ndjson", lies).receipt(1, 5) for name, lies in HONEST.items()}
    system = SystemWorld()
    valid |= {f"valid-{name}.json": SystemWorld(lies).receipt(4) for name, lies in DECISIONS.items()}
    valid |= {
        "valid-v3-decision-on-the-last-page.json": system.receipt(69),
        "valid-v3-run.json": replace(system.receipt(4), record=None),
        "valid-run.json": system.statement_receipt(system.decide_at),
        "valid-release.json": system.statement_receipt(system.release_at),
        "valid-officer.json": system.statement_receipt(system.officer_at),
    }
    valid |= {f"valid-{name}.json": system.statement_receipt(index) for name, index in system.others.items()}
    valid |= {f"valid-{name}.json": LiveWorld(lies).receipt(n) for name, (lies, n) in LIVE.items()}
    live, quiet = LiveWorld(), LiveWorld(LiveLies(sent=()))
    valid |= {
        "valid-live-batch.json": live.statement_receipt(live.ingest_at),
        "valid-live-batch-of-nothing.json": quiet.statement_receipt(quiet.ingest_at),
        "valid-account.json": live.statement_receipt(live.account_at),
    }
    valid |= {f"valid-access-{name}.json": receipt for name, receipt in AccessWorld().receipts().items()}
    second, fourth = "valid-v2-revoked-later.json", "valid-v4-live-array.json"
    lies = {
        f"lie-{name}.json": (World("ndjson", lies).receipt(1, 5), step) for name, (lies, step) in LIES.items()
    }
    lies |= {
        f"lie-{name}.json": (World("ndjson", lies).receipt(1, 5), step)
        for name, (lies, step) in KEY_LIES.items()
    }
    for name, (planted, step) in DECISION_LIES.items():
        lies[f"lie-{name}.json"] = SystemWorld(planted).receipt(4), step
    for name, (untrue, step) in LIVE_LIES.items():
        lies[f"lie-{name}.json"] = LiveWorld(untrue).receipt(0), step
    lies["lie-account-with-a-message.json"] = (
        replace(live.receipt(0), stated=live.world.prove(live.account_at)),
        "statement",
    )
    lies["lie-decision-shown-without-its-release.json"] = replace(system.receipt(4), release=None), "release"
    unreleased = SystemWorld(DECISIONS["decision-without-a-release"])
    more = replace(unreleased.receipt(4), release=unreleased.world.prove(unreleased.release_at))
    lies["lie-release-of-a-run-that-names-none.json"] = more, "release"
    lies["lie-release-of-a-release.json"] = (
        replace(system.statement_receipt(system.release_at), release=system.world.prove(system.release_at)),
        "statement",
    )
    for name, receipt in BY_AN_AGENCY.receipts().items():
        if name in ("grant", "writes"):
            lies[f"lie-access-{name}-by-an-agency.json"] = receipt, "signature"
    for name in ("override", "incident-closed"):
        bare = system.statement_receipt(system.others[name])
        lies[f"lie-{name}-without-the-officer.json"] = replace(bare, keys=bare.keys[:1]), "approval"
    taken_back = World("ndjson", KEY_LIES["v2-agency-revoked-before-its-device"][0])
    lies["lie-v2-enrolment-taken-back.json"] = taken_back.statement_receipt(3), "revocations"
    roots = (HERE / "time-stamps" / "tsa-roots.pem").read_bytes()
    stamp = (HERE / "time-stamps" / "valid-ndjson.tsr").read_bytes()
    valid["valid-v2-time-stamp.json"] = stamped = replace(good, time_stamps=(stamp,))
    elsewhere = replace(valid[second], time_stamps=(stamp,))
    index = {
        "schema": SCHEMA,
        "policy": "trust.policy",
        "valid": sorted(valid),
        "lies": [
            {"file": name, "code": "receipt-rejected", "step": step} for name, (_, step) in lies.items()
        ],
        "edits": [
            *(edit.to_object("valid-ndjson.json") for edit in edits(ndjson, good)),
            *(edit.to_object(second) for edit in edits_of_second(valid[second])),
            *(
                edit.to_object("valid-v3-decision.json")
                for edit in edits_of_decision(system, valid["valid-v3-decision.json"])
            ),
            *(edit.to_object(fourth) for edit in edits_of_message(live, valid[fourth])),
            *(
                edit.to_object("valid-ndjson.json")
                for edit in edits_with_message(json.loads(format_receipt(valid[fourth]))["message"])
            ),
        ],
        # For verifiers that look at time stamps, with these roots. Others see only that they are there.
        "time_stamps": {
            "roots": "tsa-roots.pem",
            "valid": ["valid-v2-time-stamp.json"],
            "lies": [
                {
                    "file": "stamp-of-another-checkpoint.json",
                    "code": "receipt-rejected",
                    "step": "time_stamps",
                },
                {"file": "stamp-of-nothing.json", "code": "receipt-rejected", "step": "time_stamps"},
            ],
        },
    }
    files = {name: format_receipt(receipt) for name, receipt in valid.items()}
    files |= {name: format_receipt(receipt) for name, (receipt, _) in lies.items()}
    files["stamp-of-another-checkpoint.json"] = format_receipt(elsewhere)
    files["stamp-of-nothing.json"] = format_receipt(replace(stamped, time_stamps=(b"0\x00",)))
    files["tsa-roots.pem"] = roots
    files["index.json"] = json.dumps(index, ensure_ascii=False, indent=1).encode() + b"\n"
    files["trust.policy"] = format_policy(POLICY).encode()
    return files


if __name__ == "__main__":
    for name, data in vectors().items():
        (HERE / "receipts" / name).write_bytes(data)
