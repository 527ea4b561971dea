"""One system's life as a log says it, from fixed keys: trained, assured, released, run, scored, corrected.

Entries: 0 operator, 1 danang-environment, 2 the officer, 3 contract, 4 and 5 batches, then one of each kind
in the order of ``Life.said``. All of it is simulated.
"""

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from receipt_world import key

from veracity.log.merkle import leaf_hash, root_from_leaf_hashes
from veracity.provenance.approvals import sign_approval
from veracity.provenance.dsse import Envelope
from veracity.provenance.keys import SigningKey
from veracity.provenance.statements import (
    Approve,
    Assure,
    Decide,
    Enrol,
    Evidence,
    Incident,
    Input,
    Matched,
    Outcome,
    Override,
    Release,
    RowsDigest,
    Train,
)
from veracity.provenance.statements.approve import Approved
from veracity.provenance.statements.incident import closing_sha256
from veracity.provenance.statements.override import overridden_sha256
from veracity.provenance.statements.release import asked_release, release_sha256
from veracity.provenance.statements.words import Action, Stage

SYSTEM, NAME, PERSON = "air", "officer/lan-nguyen", "Nguyễn Thị Lan"
OFFICER = key(NAME)
N_DECISIONS, PER_PAGE = 70, 64


def digest(text: str) -> str:
    """Return a digest that follows from a word."""
    return sha256(text.encode()).hexdigest()


def at(hour: int, minute: int = 0) -> str:
    """Return a time on the day of the world."""
    return f"2026-09-02T{hour:02d}:{minute:02d}:00.000000Z"


OFFICER_COMES = Enrol(
    "enrol",
    NAME,
    "officer",
    OFFICER.public,
    as_of="2026-09-01T00:00:00Z",
    person=PERSON,
    duties=("act", "incident", "override", "release"),
)
INPUTS = (Input("air-quality", 1, digest("snapshot")),)
MODEL, REPORT, CARD = digest("model"), digest("report"), digest("card")
TRAIN = Train(
    name="air-forecast",
    model_sha256=MODEL,
    definition_sha256=digest("panel"),
    inputs=INPUTS,
    rows=RowsDigest(140, digest("training rows")),
    code_sha256=digest("code"),
    seed=7,
    engine="lightgbm 4.6.0, numpy 2.2.0",
    trained_at=at(4),
    simulated=True,
)
ASSURE = Assure(
    name="air-forecast",
    model_sha256=MODEL,
    report_sha256=REPORT,
    policy_sha256=digest("policy"),
    definition_sha256=digest("panel"),
    inputs=INPUTS,
    rows=RowsDigest(60, digest("test rows")),
    passed=20,
    failed=0,
    untested=1,
    verdict="passed",
    seed=7,
    engine="veracity 0.1.0",
    assured_at=at(5),
    simulated=True,
)


def approved(
    action: Approved,
    subject: str,
    time: str,
    *,
    system: str = SYSTEM,
    by: str = PERSON,
    signer: SigningKey = OFFICER,
) -> Envelope:
    """Return an officer's approval."""
    return sign_approval(signer, Approve(action, system, subject, by, "as the report says", time))


def released(
    action: Action = "release",
    stage: Stage = "advise",
    replaces: int | None = None,
    *,
    model: str = MODEL,
    reports: tuple[str, ...] = (REPORT,),
    time: str = at(6),
    rule: str | None = None,
    system: str = SYSTEM,
    simulated: bool = True,
    **approval: Any,
) -> Release:
    """Return a change of what serves, approved unless a rule asks for it."""
    asked = asked_release(system, action, model, stage, CARD, reports, replaces, simulated=simulated)
    signed = None if rule else approved("release", release_sha256(asked), time, system=system, **approval)
    return Release(
        system=system,
        action=action,
        model_sha256=model,
        stage=stage,
        card_sha256=CARD,
        reports=reports,
        released_at=time,
        simulated=simulated,
        replaces=replaces,
        rule=rule,
        approval=signed,
    )


def decision(run: int, record: int) -> bytes:
    """Return a decision as its page has it."""
    hour, ahead = 7 + run, 1 + record % 3
    line = {
        "action": None if record % 2 else "stay-inside",
        "due": f"2026-09-02T{hour + ahead:02d}:00:00Z",
        "horizon_s": 3600 * ahead,
        "issued": f"2026-09-02T{hour:02d}:00:00Z",
        "key": f"AQ{record % 10:02d}",
        "model": "model" if record % 5 else "last-value",
        "q500": 20 + record / 8,
        "target": "pm25",
    }
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def decision_pages(run: int) -> list[bytes]:
    """Return the pages of a run."""
    lines = [decision(run, n) for n in range(N_DECISIONS)]
    return [b"".join(lines[i : i + PER_PAGE]) for i in range(0, len(lines), PER_PAGE)]


def decided(release: int | None, run: int = 0, **change: Any) -> Decide:
    """Return a run under a release."""
    pages = decision_pages(run)
    said: dict[str, Any] = {
        "system": SYSTEM,
        "run": run,
        "release": release,
        "model_sha256": None if release is None else MODEL,
        "stage": "shadow" if release is None else "advise",
        "made_at": at(7 + run, 5),
        "inputs": INPUTS,
        "input": RowsDigest(12, digest("panel seen")),
        "output": RowsDigest(N_DECISIONS, digest(f"decisions {run}")),
        "evidence": Evidence(
            root_from_leaf_hashes([leaf_hash(p) for p in pages]).hex(), len(pages), PER_PAGE, "rendered"
        ),
        "code_sha256": digest("code"),
        "rungs": {"full": 60, "neighbours": 10},
        "engine": "veracity 0.1.0",
        "simulated": True,
    }
    return Decide(**said | change)


def overridden(
    run: int = 0,
    record: int = 4,
    value: str = '{"action":null}',
    *,
    time: str = at(8),
    due: str = at(9),
    line: str | None = None,
    **approval: Any,
) -> Override:
    """Return a person's word in place of a decision's."""
    line = line or sha256(decision(run, record)).hexdigest()
    subject = overridden_sha256(SYSTEM, run, record, line, value)
    signed = approved("override", subject, time, **approval)
    return Override(SYSTEM, run, record, line, due, value, time, signed, simulated=True)


def scored(number: int = 0, before: str | None = None, **change: Any) -> Outcome:
    """Return a scoring of the first run."""
    outcome = Outcome(
        system=SYSTEM,
        number=number,
        until=at(9 + number),
        runs=(0, 0),
        inputs=INPUTS,
        counts=Matched(70, 68, 2, 1, 1),
        outcomes=RowsDigest(70, digest(f"outcomes {number}")),
        scores=RowsDigest(5, digest(f"scores {number}")),
        before=before,
        scored_at=at(10 + number),
        code_sha256=digest("code"),
        engine="veracity 0.1.0",
        simulated=True,
    )
    return replace(outcome, **change)


def incident(step: Any = "opened", time: str = at(11), name: str = "low-skill", **approval: Any) -> Incident:
    """Return a step of an incident."""
    what = "the skill fell below that of the last value"
    signed = None
    if step == "closed":
        signed = approved("incident", closing_sha256(SYSTEM, name, what), time, **approval)
    return Incident(
        SYSTEM, name, step, "serious", "rule skill", what, at(23), time, simulated=True, approval=signed
    )


RELEASE_AT, DECIDE_AT = 8, 9


@dataclass
class Life:
    """What the log says, in typed form, from entry 6 on; entries 0 to 5 are the caller's."""

    said: list[tuple[int, Any]] = field(
        default_factory=lambda: [
            (6, TRAIN),
            (7, ASSURE),
            (RELEASE_AT, released()),
            (DECIDE_AT, decided(RELEASE_AT)),
            (10, decided(RELEASE_AT, 1)),
            (11, overridden()),
            (12, scored()),
            (13, scored(1, digest("scores 0"), runs=(1, 1))),
            (14, incident()),
            (15, incident("updated", at(12))),
            (16, incident("closed", at(13))),
            (17, released("stop", replaces=RELEASE_AT, time=at(14), rule="skill below 0")),
            (18, released("roll-back", replaces=17, time=at(15))),
            (19, decided(18, 2, made_at=at(16))),
        ]
    )


MODEL_STATEMENTS: dict[str, Any] = {
    "train": TRAIN,
    "train-as-of": replace(TRAIN, as_of=at(3), personal=True),
    "assure": ASSURE,
    "assure-failed": replace(ASSURE, failed=2, verdict="failed"),
    "approve": Approve("incident", SYSTEM, digest("incident"), PERSON, "solved", at(9)),
    "release": released(),
    "release-by-rule": released("stop", replaces=8, rule="skill below 0"),
    "decide": decided(RELEASE_AT),
    "decide-without-a-model": decided(None),
    "override": overridden(),
    "outcome": scored(),
    "outcome-second": scored(1, digest("scores 0"), runs=None),
    "incident": incident(),
    "incident-closed": incident("closed"),
    "enrol-officer": OFFICER_COMES,
}
