"""The demonstration's model: trained on sealed weeks, tested, approved, run as hours pass, and scored.

Everything is simulated, the officer among it: her key is made from the seed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import polars as pl

from veracity.home.home import Home, Writer
from veracity.home.models import cards, gate
from veracity.home.models.assurance import assure
from veracity.home.models.decision_receipts import make_decision_receipt
from veracity.home.models.decisions import read_decisions
from veracity.home.models.outcomes import score
from veracity.home.models.running import run_app
from veracity.home.models.scoreboard import scoreboard
from veracity.home.models.training import train
from veracity.home.officers import add_officer, approve
from veracity.models.app import App
from veracity.models.decisions import OWN
from veracity.provenance.approvals import Request
from veracity.provenance.keys import SigningKey
from veracity.provenance.receipts import Receipt
from veracity.provenance.statements.words import Stage

OFFICER, PERSON = "lan-nguyen", "Lan Nguyen (simulated)"
HELD_OUT = timedelta(days=7)  # the last week that the model never sees, on which it is tested
EVERY = timedelta(hours=6)  # between runs: an hour in a real city

Find = Callable[[str], App]


@dataclass
class Learned:
    """What became of the model. All of it is simulated."""

    system: str = ""
    model: str = ""
    tests: dict[str, int] = field(default_factory=dict)
    verdict: str = ""
    failed: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    runs: int = 0
    decisions: int = 0
    scored: int = 0
    scores: list[dict[str, Any]] = field(default_factory=list)
    forecast: dict[str, Any] = field(default_factory=dict)


def teach(home: Writer, find: Find, system: str, key: SigningKey, seed: int) -> Learned:
    """Train the system's model on what was known a week ago, test it on the week since, and release it."""
    app = find(system)
    add_officer(home, OFFICER, key.public, ("release",), person=PERSON)
    learned = Learned(system)
    trained = train(home, app, seed=seed, as_of=home.clock() - HELD_OUT)
    learned.model = trained.files.sha256
    assured = assure(home, app, learned.model, short_policy(), seed=seed)
    said = assured.assure
    learned.tests = {"passed": said.passed, "failed": said.failed, "untested": said.untested}
    learned.verdict = said.verdict
    learned.failed = [r.name for r in assured.report.results if r.verdict == "failed"]
    for stage in ("shadow", "advise"):
        _release(home, find, app, learned, stage, key)
    return learned


def short_policy() -> bytes:
    """Return the default policy with fewer times to forecast from and fewer samples, to take seconds."""
    text = resources.files("veracity.models.assurance").joinpath("policy-default.yaml").read_text("utf-8")
    for name, few in (("repeats", 100), ("most_origins", 48)):
        text, n = re.subn(rf"(?m)^{name}: [0-9]+", f"{name}: {few}", text)
        assert n == 1, f"the default policy says {name}"
    return text.encode()


def _release(home: Writer, find: Find, app: App, learned: Learned, stage: Stage, key: SigningKey) -> None:
    card = cards.keep(home, cards.make(home, find, learned.model))
    request = gate.ask_release(home, app, learned.model, stage, card)
    why = f"Simulated: tests passed, to {stage}"
    approval = approve(key, Request("release", app.name, request.asked), PERSON, why, home.clock())
    gate.release(
        home, request.asked, approval, app=app, check_card=lambda held, text: cards.check(held, find, text)
    )
    learned.stages.append(stage)


def forecast(home: Writer, app: App, learned: Learned, now: datetime) -> None:
    """Run the system once: what it says is in the log before anybody can know how it comes out."""
    run = run_app(home, app, now)
    learned.runs += run.is_new
    learned.decisions += run.logged.decide.output.rows


def settle(home: Writer, app: App, learned: Learned) -> None:
    """Match what was said with what came, and read the scoreboard: the model beside the best baseline."""
    learned.scored = sum(done.outcome.counts.matched for done in score(home, app))
    board = scoreboard(home, app.name, ["target"])
    best = board.select("target", best="model", best_mae="mae")
    own = board.filter(pl.col("model") == OWN).join(best, on=["target", "best"], maintain_order="left")
    learned.scores = own.select("target", "n", "mae", "best", "best_mae", "coverage80").to_dicts()


def prove(home: Home, learned: Learned, due: datetime) -> Receipt:
    """Return the receipt of one forecast: the last for a time, where the highest median was."""
    for run in range(learned.runs - 1, -1, -1):
        rows = read_decisions(home, learned.system, run).with_row_index("record")
        ahead = rows.filter(pl.col("due") == due, pl.col("model") == OWN, pl.col("horizon_s") > 0)
        if not ahead.is_empty():
            row = ahead.sort("q50", descending=True, nulls_last=True).row(0, named=True)
            record = int(row.pop("record"))
            learned.forecast = {"run": run, "record": record, **row}
            return make_decision_receipt(home, learned.system, run, record)
    raise AssertionError(f"no run has a forecast for {due}")
