"""A city of rain whose app is trained, assured, described and released: each step a call (simulated)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rain_app import MeanRain, RainCity, rain_app
from small_city import NOW, key
from veracity.canonical import canonical_json
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.models import gate
from veracity.home.models.gate_checks import card_path, policy_path, report_path
from veracity.home.models.training import Trained, train
from veracity.home.officers import add_officer, approve
from veracity.models.app import App
from veracity.models.estimators import ESTIMATORS
from veracity.provenance.approvals import Request
from veracity.provenance.dsse import Envelope
from veracity.provenance.statements import Assure, Duty, Stage

APP = rain_app(stage="act")
SYSTEM = APP.name
LAN, MINH = "Nguyễn Thị Lan", "Trần Văn Minh"
POLICY = b"name: tests\nstages: {act: {days: 2, decisions: 10}}\n"
TESTS: tuple[dict[str, Any], ...] = (
    {"name": "skill", "verdict": "passed", "required": ["advise"]},
    {"name": "faults", "verdict": "passed", "required": ["act"]},
    {"name": "privacy", "verdict": "untested", "required": []},
)


def use_mean_rain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files name the estimator of the app of rain."""
    monkeypatch.setitem(ESTIMATORS, MeanRain.name, MeanRain)


def new_released_city(folder: Path) -> RainCity:
    """A city with rain and two officers: Lan may release and act, Minh may only handle incidents."""
    city = RainCity.new(folder)
    with city.at() as home:
        add_officer(home, "lan", key("lan").public, ["release", "act"], person=LAN)
        add_officer(home, "minh", key("minh").public, ["incident"], person=MINH)
    return city


def assure(home: Writer, trained: Trained, tests: Sequence[dict[str, Any]] = TESTS, policy: bytes = POLICY) -> str:
    """Say that a model was put through some tests; return the report's digest."""
    said = trained.train
    verdicts = [t["verdict"] for t in tests]
    failed = verdicts.count("failed")
    text = canonical_json({"model": said.model_sha256, "tests": list(tests)})
    statement = Assure(
        name=said.name,
        model_sha256=said.model_sha256,
        report_sha256=hashlib.sha256(text).hexdigest(),
        policy_sha256=hashlib.sha256(policy).hexdigest(),
        definition_sha256=said.definition_sha256,
        inputs=said.inputs,
        rows=said.rows,
        passed=verdicts.count("passed"),
        failed=failed,
        untested=verdicts.count("untested"),
        verdict="failed" if failed else "passed",
        seed=0,
        engine="tests",
        assured_at=format_time(home.clock()),
        simulated=said.simulated,
    )
    home.objects.put(report_path(statement.report_sha256), text)
    home.objects.put(policy_path(statement.policy_sha256), policy)
    home.say(statement.to_statement())
    return statement.report_sha256


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


DUTIES: tuple[Duty, ...] = ("release", "act")
