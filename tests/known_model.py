"""A model of which everything is known, made up for tests: statements, report, scores (simulated)."""

from typing import Any

from rain_app import rain_app, stop_rule
from small_city import key
from veracity.models.facts import (
    FeedKnown,
    Known,
    OfficerKnown,
    ReportKnown,
    RunsKnown,
    Said,
    ScoreKnown,
    TestKnown,
)
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.statements import (
    Approve,
    Assure,
    Incident,
    Input,
    Matched,
    Outcome,
    Override,
    Release,
    RowsDigest,
    Train,
    format_statement,
)
from veracity.provenance.statements.approve import Approved
from veracity.provenance.statements.incident import Step, closing_sha256
from veracity.provenance.statements.override import overridden_sha256
from veracity.provenance.statements.release import asked_release, release_sha256
from veracity.provenance.statements.words import Action

MODEL, BEFORE, CODE, CARD, REPORT, POLICY = (c * 64 for c in "abcdef")
AT = "2026-09-03T12:00:00.000000Z"
DUE = "2026-09-03T18:00:00.000000Z"
OFFICER = key("officer")
ENGINE = "numpy 2.2.0"


def approval(action: Approved, sha256: str, by: str = "Lan Nguyễn", why: str = "Tests passed.") -> Any:
    """An officer's signed approval."""
    said = Approve(action, "rain-hours", sha256, by, why, AT)
    return open_envelope(sign_envelope(format_statement(said.to_statement()), [OFFICER]))


def train(**changes: Any) -> Train:
    """The training run."""
    made: dict[str, Any] = {
        "name": "rain-hours",
        "model_sha256": MODEL,
        "definition_sha256": "1" * 64,
        "inputs": (Input("rain", 4, "2" * 64),),
        "rows": RowsDigest(8_760, "3" * 64),
        "code_sha256": CODE,
        "seed": 7,
        "engine": ENGINE,
        "trained_at": AT,
        "simulated": True,
    }
    return Train(**(made | changes))


def assure(passed: int = 2, failed: int = 0, untested: int = 1) -> Assure:
    """The report's statement."""
    return Assure(
        name="rain-hours",
        model_sha256=MODEL,
        report_sha256=REPORT,
        policy_sha256=POLICY,
        definition_sha256="1" * 64,
        inputs=(),
        rows=RowsDigest(2_190, "4" * 64),
        passed=passed,
        failed=failed,
        untested=untested,
        verdict="failed" if failed else "passed",
        seed=7,
        engine=ENGINE,
        assured_at=AT,
        simulated=True,
    )


TESTS = (
    TestKnown(
        "skill-by-horizon",
        "skill",
        "passed",
        "6 numbers within skill at least 0",
        "Is it better than the best baseline?",
        tuple(
            {
                "name": "skill",
                "value": 0.1 + h / 100,
                "low": 0.05,
                "high": 0.2,
                "n": 700,
                "of": {"horizon": str(h)},
            }
            for h in (1, 2, 3)
        ),
        ("advise",),
    ),
    TestKnown(
        "fair-skill",
        "fairness",
        "passed",
        "within marks",
        "Are all gauges served alike?",
        ({"name": "gap", "value": 0.04, "n": 3, "of": {}},),
    ),
    TestKnown("agency-offline", "robustness", "untested", "only one agency delivers", "", ()),
)


def release(action: Action = "release", model: str = MODEL, replaces: int | None = None) -> Release:
    """A change of what serves, approved."""
    asked = asked_release(
        "rain-hours",
        action,
        model,
        "advise",
        CARD,
        (REPORT,),
        replaces,
        simulated=True,
    )
    return Release(
        system="rain-hours",
        action=action,
        model_sha256=model,
        stage="advise",
        card_sha256=CARD,
        reports=(REPORT,),
        released_at=AT,
        simulated=True,
        replaces=replaces,
        approval=approval("release", release_sha256(asked)),
    )


def outcome(number: int = 0) -> Outcome:
    """A scoring."""
    return Outcome(
        system="rain-hours",
        number=number,
        until=AT,
        runs=(0, 11),
        inputs=(),
        counts=Matched(100, 98, 2, 0, 1),
        outcomes=RowsDigest(101, "5" * 64),
        scores=RowsDigest(12, "6" * 64),
        before=None if number == 0 else "7" * 64,
        scored_at=AT,
        code_sha256=CODE,
        engine=ENGINE,
        simulated=True,
    )


def override() -> Override:
    """An officer's word in place of a decision's."""
    value, why = '{"action":"warn"}', "Rivers are full."
    signed = approval("override", overridden_sha256("rain-hours", 3, 5, "8" * 64, value), why=why)
    return Override("rain-hours", 3, 5, "8" * 64, DUE, value, AT, signed, simulated=True)


def incident(step: Step = "opened", name: str = "late-warning") -> Incident:
    """A step of an incident."""
    what = "A warning came an hour late."
    signed = approval("incident", closing_sha256("rain-hours", name, what)) if step == "closed" else None
    return Incident(
        "rain-hours",
        name,
        step,
        "serious",
        "Lan Nguyễn",
        what,
        AT,
        AT,
        simulated=True,
        approval=signed,
    )


FEED = FeedKnown(
    feed="rain",
    contract_idx=2,
    contract_sha256="9" * 64,
    version="1.0.0",
    title="Rain at a few gauges (simulated)",
    agency="rain-office",
    description={"purpose": "Tests."},
    licence="",
    n_columns=3,
    n_rules=7,
    n_personal=0,
    simulated=True,
    batches=5,
    received=9_000,
    accepted=8_900,
    quarantined=90,
    refused=10,
    up_to_batch=4,
    snapshot_sha256="2" * 64,
    last_idx=8,
)
DESCRIPTION = {
    "estimators": {"rain": {"name": "mean-rain", "parameters": {"target": "rain"}, "files": ["mean.json"]}},
    "metrics": {
        "rain": {
            name: [{"horizon": h, "n": 700, "mae": mae * h, "crps": mae * h * 0.7} for h in (1, 2, 3)]
            for name, mae in (("model", 0.612345678), ("last-value", 0.8), ("climatology", 0.9))
        }
    },
}


def known(**changes: Any) -> Known:
    """Everything known of the model."""
    everything: dict[str, Any] = {
        "origin": "test.example/city",
        "size": 40,
        "app": rain_app(
            title={"en": "Rain of the next hours (simulated)", "vi": "Mưa trong những giờ tới (mô phỏng)"},
            purpose={"en": "Warn of rain.", "vi": "Cảnh báo mưa."},
            affected={"en": "People on the roads.", "vi": "Người đi đường."},
            appeal={"en": "Write to the rain office.", "vi": "Gửi thư đến trạm mưa."},
            risk=("medium", "People may follow the advice."),
            stop_rules=(stop_rule(),),
        ),
        "app_sha256": CODE,
        "train": Said(10, train()),
        "description": DESCRIPTION,
        "files": {"model.json": 900, "rain.mean.json": 20},
        "feeds": (FEED,),
        "reports": (ReportKnown(Said(11, assure()), TESTS),),
        "releases": (Said(12, release(model=BEFORE)), Said(14, release(replaces=12))),
        "runs": RunsKnown(12, 240, 15, 30, AT, {"model": 200, "last": 40}),
        "outcomes": (Said(31, outcome()),),
        "scores": (
            ScoreKnown("model", "rain", 3_600, 49, {"mae": 0.66, "crps": 0.41, "coverage80": 0.79}),
            ScoreKnown("last-value", "rain", 3_600, 49, {"mae": 0.81}),
        ),
        "overrides": (Said(32, override()),),
        "incidents": (Said(33, incident()),),
        "officers": (OfficerKnown(9, "Lan Nguyễn", ("release", "override", "incident")),),
    }
    return Known(**(everything | changes))


def bare() -> Known:
    """A model that was trained, and of which nothing else is known."""
    return known(
        description={},
        files={},
        reports=(),
        releases=(),
        runs=RunsKnown(),
        outcomes=(),
        scores=(),
        overrides=(),
        incidents=(),
        officers=(),
        size=11,
    )
