"""A city of rain whose app is trained, assured, described and released: each step a call (simulated)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import veracity.apps
from rain_app import MeanRain, RainCity, rain_app, stop_rule
from small_city import NOW, key
from veracity.canonical import canonical_json
from veracity.cli import model_release
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.models import gate
from veracity.home.models.gate_checks import card_path, policy_path, report_path
from veracity.home.models.recipe import Recipe
from veracity.home.models.training import Trained, train
from veracity.home.officers import add_officer, approve
from veracity.models.app import App
from veracity.models.assurance.battery import KNOWN
from veracity.models.assurance.judging import Result
from veracity.models.assurance.policy import Policy, parse_policy
from veracity.models.assurance.report import About, Report
from veracity.models.assurance.result import Number, Verdict
from veracity.models.estimators import ESTIMATORS
from veracity.provenance.approvals import Request
from veracity.provenance.dsse import Envelope
from veracity.provenance.statements import Assure, Stage

APP = rain_app(
    stage="act",
    stop_rules=(stop_rule(n_least=1_000_000),),
    pages=lambda _app, _view: {"index.html": b"Rain (simulated)."},
)
SYSTEM = APP.name
LAN, MINH = "Nguyễn Thị Lan", "Trần Văn Minh"
POLICY = b"""name: tests
version: 1.0.0
why: Marks for tests of the release gate (simulated).
n_least: 1
repeats: 50
block_s: 86400
confidence: 0.9
most_origins: 10
stages: {act: {days: 2, decisions: 10}}
tests:
  skill-by-horizon:
    {required: [advise], marks: {skill: {at_least: 0}}, why: So that a test can be required to advise.}
  agency-offline:
    {required: [act], marks: {coverage80: {at_least: 0.5}}, why: So that a test can be required to act.}
  membership-inference: {why: So that a test can be required by no stage.}
"""
_NUMBERS = {"skill-by-horizon": Number("skill", 0.5), "agency-offline": Number("coverage80", 0.8)}
TESTS: tuple[tuple[str, Verdict, tuple[str, ...]], ...] = (
    ("skill-by-horizon", "passed", ("advise",)),
    ("agency-offline", "passed", ("act",)),
    ("membership-inference", "untested", ()),
)


def use_mean_rain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files name the estimator of the app of rain."""
    monkeypatch.setitem(ESTIMATORS, MeanRain.name, MeanRain)


def use_rain_app(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app of rain be found as every app is, by a folder; its cards are small ones."""
    (folder / "rain_hours").mkdir(exist_ok=True)
    (folder / "rain_hours/app.py").write_text("from released_city import APP as APP\n", encoding="utf-8")
    monkeypatch.setattr(veracity.apps, "__path__", [*veracity.apps.__path__, str(folder)])
    monkeypatch.setattr(model_release, "_check_card", check_small_card)


def new_released_city(folder: Path) -> RainCity:
    """A city with rain and two officers: Lan may release and act, Minh may only handle incidents."""
    city = RainCity.new(folder)
    with city.at() as home:
        add_officer(home, "lan", key("lan").public, ["release", "act"], person=LAN)
        add_officer(home, "minh", key("minh").public, ["incident"], person=MINH)
    return city


def assure(
    home: Writer,
    trained: Trained,
    tests: Sequence[tuple[str, Verdict, tuple[str, ...]]] = TESTS,
    policy: bytes = POLICY,
) -> str:
    """Say that a model was put through some tests; return the report's digest."""
    said, marks = trained.train, parse_policy(policy, KNOWN)
    about = About(
        said.name,
        said.model_sha256,
        definition_sha256=said.definition_sha256,
        rows_sha256=said.rows.sha256,
        n_rows=said.rows.rows,
        inputs={i.feed: (i.up_to_batch, i.sha256) for i in said.inputs},
        engine="tests",
        simulated=said.simulated,
    )
    results = tuple(_result(marks, *one) for one in tests)
    report = Report("forecaster", about, {"name": "tests", "sha256": marks.sha256}, 0, results)
    text, failed = report.to_json(), report.tally["failed"]
    statement = Assure(
        name=said.name,
        model_sha256=said.model_sha256,
        report_sha256=hashlib.sha256(text).hexdigest(),
        policy_sha256=hashlib.sha256(policy).hexdigest(),
        definition_sha256=said.definition_sha256,
        inputs=said.inputs,
        rows=said.rows,
        passed=report.tally["passed"],
        failed=failed,
        untested=report.tally["untested"],
        verdict=report.verdict("act"),
        seed=0,
        engine="tests",
        assured_at=format_time(home.clock()),
        simulated=said.simulated,
    )
    home.objects.put(report_path(statement.report_sha256), text)
    home.objects.put(policy_path(statement.policy_sha256), policy)
    home.say(statement.to_statement())
    return statement.report_sha256


def _result(marks: Policy, name: str, verdict: Verdict, required: tuple[str, ...]) -> Result:
    numbers = (_NUMBERS[name],) if name in _NUMBERS else ()
    return Result(name, "skill", "?", "Tests.", "", marks.tests[name].marks, required, verdict, "", numbers)


def card(home: Writer, trained: Trained, **changes: Any) -> str:
    """Keep a small card of a model; return its digest."""
    said = {"model": trained.train.model_sha256, "rows": trained.train.rows.rows} | changes
    text = canonical_json(said)
    digest = hashlib.sha256(text).hexdigest()
    home.objects.put(card_path(digest), text)
    return digest


def check_small_card(home: Home, text: bytes) -> list[str]:
    """Say where such a card differs from what the log says."""
    said = json.loads(text)
    found = [p for _, p in home.index.predicates("train") if p["model"] == said["model"]]
    rows = found[0]["rows"]["rows"] if found else None
    return [] if rows == said["rows"] else [f"rows: want {rows}, got {said['rows']}"]


def signed(request: gate.ReleaseRequest, at: datetime = NOW, *, who: str = "lan", by: str = LAN) -> Envelope:
    """An officer's approval of a request."""
    asked = Request("release", request.system, request.asked)
    return approve(key(who), asked, by, "checked", at)


def release_it(
    home: Writer, trained: Trained, stage: Stage, app: App = APP, card_sha256: str | None = None
) -> gate.Changed:
    """Ask for a stage, approve it and release."""
    digest = card_sha256 or card(home, trained)
    request = gate.ask_release(home, app, trained.train.model_sha256, stage, digest)
    approval = signed(request, home.clock())
    return gate.release(home, request.asked, approval, app=app, check_card=check_small_card)


def serving_city(folder: Path, name: str) -> None:
    """Make a city whose app is served by a second model, with a third asked for and approved.

    ``asked.json`` and ``approval.json`` lie beside it; a model ``mine`` of a built-in estimator is there too.
    """
    (folder / "files").mkdir()
    city = new_released_city(folder / "files")
    with city.at() as home:
        for seed in (1, 2, 3):
            trained = train(home, APP, seed=seed)
            assure(home, trained)
            if seed < 3:
                release_it(home, trained, "shadow")
        recipe = Recipe.of_estimator("mine", APP.panel, "last_value", ("rain",), (1,))
        train(home, recipe, seed=0)
        request = gate.ask_release(home, APP, trained.train.model_sha256, "shadow", card(home, trained))
    (folder / "asked.json").write_bytes(request.format())
    (folder / "approval.json").write_bytes(signed(request).format())
    city.root.rename(folder / name)


@dataclass
class Released:
    """A city whose model serves at shadow."""

    city: RainCity
    trained: Trained

    @classmethod
    def new(cls, folder: Path) -> "Released":
        """Train, assure and release."""
        city = new_released_city(folder)
        with city.at() as home:
            trained = train(home, APP, seed=1)
            assure(home, trained)
            release_it(home, trained, "shadow")
        return cls(city, trained)


def later(hours: float) -> datetime:
    """A time so long after the small city's."""
    return NOW + timedelta(hours=hours)
