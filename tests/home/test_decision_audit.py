"""Audits decide and score again: what was changed, dated back, left out or decided otherwise is told."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rain_app import HOUR, NOW_HOUR, RainCity, decide, rain_app, stop_rule
from released_city import LAN, Released, use_mean_rain
from small_city import AGENCY, NOW, key
from veracity.home.audit import audit
from veracity.home.clock import format_time
from veracity.home.home import Writer
from veracity.home.models import gate
from veracity.home.models.decision_audit import DecisionAudit
from veracity.home.models.decisions import decisions_path
from veracity.home.models.gate_errors import ApprovalUsed
from veracity.home.models.kept_rows import put_rows
from veracity.home.models.matched import outcomes_path, past_scorings, scores_path
from veracity.home.models.outcomes import score
from veracity.home.models.overrides import Asked, ask_override, overrides_of, say_override
from veracity.home.models.running import run_app
from veracity.home.models.said import read_said
from veracity.home.models.stopping import check_stop_rules
from veracity.home.officers import add_officer, approve
from veracity.models.app import App
from veracity.models.bundle import Estimators
from veracity.models.decisions import OWN
from veracity.models.errors import BadDecisions, DecidedLate
from veracity.models.overriding import value_text
from veracity.models.panel_array import PanelArray
from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import DutyMissing, MalformedStatement, NotAnOfficer
from veracity.provenance.statements import Decide, Matched

APP = rain_app(stage="act")
SYSTEM = APP.name


@pytest.fixture(autouse=True)
def _mean_rain(monkeypatch: pytest.MonkeyPatch) -> None:
    use_mean_rain(monkeypatch)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> RainCity:
    """A city whose released model ran twice, was overridden once, and was scored twice."""
    with pytest.MonkeyPatch.context() as patch:
        use_mean_rain(patch)
        city = Released.new(tmp_path_factory.mktemp("told")).city
        with city.at() as home:
            add_officer(home, "hoa", key("hoa").public, ["override"], person="Hoa")
            run_app(home, APP, NOW)
            override(home, 0, first_own(home), {"value": 4.5})
        city.take(NOW_HOUR + 1, 2, at=2)
        with city.at(2) as home:
            score(home, APP)
            run_app(home, APP, NOW + 2 * HOUR)
        city.take(NOW_HOUR + 3, 2, at=4)
        city.take(NOW_HOUR + 2, 1, at=4.5, minutes=20, add=1.0)
        with city.at(5) as home:
            score(home, APP)
    return city


@pytest.fixture
def city(told: RainCity, tmp_path: Path) -> RainCity:
    shutil.copytree(told.root, tmp_path / "city")
    return RainCity(tmp_path / "city", tmp_path)


def first_own(home: Writer) -> int:
    """The first of the system's own decisions of run 0."""
    rows = home.directory.store / decisions_path(read_said(home, last(home, "decide"), Decide))
    return int(pl.read_parquet(rows).with_row_index().filter(pl.col("model") == OWN)["index"][0])


def last(home: Writer, kind: str) -> int:
    return home.index.predicates(kind)[-1][0]


def override(
    home: Writer, run: int, record: int, changes: dict[str, Any], who: str = "hoa", by: str = "Hoa"
) -> int:
    """Override a decision as an officer."""
    return say_override(home, *signed(home, run, record, changes, who, by))[1]


def signed(
    home: Writer, run: int, record: int, changes: dict[str, Any], who: str = "hoa", by: str = "Hoa"
) -> tuple[Asked, Envelope]:
    """Ask for an override and have an officer approve it now; nothing is said."""
    asked = ask_override(home, APP, run, record, value_text(changes))
    return asked, approve(key(who), asked.request, by, "I see rain coming", home.clock())


def found(city: RainCity, app: App | None = APP) -> tuple[list[str], DecisionAudit]:
    """What an audit of decisions finds, and the audit."""
    home = city.open(200)
    try:
        checked = DecisionAudit(home, lambda _: app)
        return [f"{where}: {what}: {detail}" for where, what, detail in checked.check()], checked
    finally:
        home.close()


def test_what_was_not_touched_is_decided_and_scored_the_same(city: RainCity) -> None:
    """Everything is made again to the digest, and the audit of the whole home is clean."""
    findings, checked = found(city)
    assert findings == []
    assert (checked.runs, checked.scorings, checked.overrides, checked.unchecked) == (2, 2, 1, [])
    home = city.open(200)
    report = audit(home, find=lambda _: APP)
    home.close()
    assert [f.detail for f in report.findings if SYSTEM in f.where] == []
    assert (report.runs, report.scorings, report.overrides) == (2, 2, 1)


@pytest.mark.parametrize("app", [None, replace(APP, code=lambda: "0d" * 32)])
def test_without_the_app_the_rest_is_checked_and_said(city: RainCity, app: App | None) -> None:
    """What cannot be decided again, for want of the app or its very code, is neither right nor wrong."""
    findings, checked = found(city, app)
    assert findings == []
    assert len(checked.unchecked) == 4


def test_an_app_that_decides_otherwise_is_told(city: RainCity) -> None:
    """The same code and other decisions: somebody's word was put in place of the model's."""
    app = replace(APP, decide=lambda *a: decide(*a).with_columns(action=pl.lit("calm")))
    findings, _ = found(city, app)
    assert [f for f in findings if "decided again: want 18 rows" in f]


def spoil_rows(path: Callable[[Writer], str], change: Callable[[pl.DataFrame], pl.DataFrame]) -> Any:
    """Return what changes a file of rows in the store."""

    def spoil(home: Writer) -> None:
        file = path(home)
        put_rows(home, file, change(pl.read_parquet(home.directory.store / file)))

    return spoil


def first_decisions(home: Writer) -> str:
    return decisions_path(read_said(home, home.index.predicates("decide")[0][0], Decide))


SPOILED = {
    "decision changed": (
        spoil_rows(first_decisions, lambda rows: rows.with_columns(pl.col("q50") + 1)),
        "run 0 (log entry",
        "decisions: ",
    ),
    "decision deleted": (
        spoil_rows(first_decisions, lambda rows: rows[1:]),
        "run 0 (log entry",
        "decisions: ",
    ),
    "bad forecast taken off": (
        spoil_rows(lambda h: scores_path(past_scorings(h, SYSTEM)[0][1]), lambda rows: rows[1:]),
        "scoring 0 (log entry",
        "scored again: ",
    ),
    "outcome changed": (
        spoil_rows(lambda h: outcomes_path(past_scorings(h, SYSTEM)[0][1]), lambda rows: rows.reverse()),
        "scoring 0 (log entry",
        "scored again: ",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_was_changed_in_the_store_is_told(city: RainCity, name: str) -> None:
    """Each file that a statement names is compared with it, with the app and without."""
    spoil, where, what = SPOILED[name]
    with city.at(200) as home:
        spoil(home)
    for app in (APP, None):
        findings, _ = found(city, app)
        assert [f for f in findings if where in f and what in f], findings


def test_better_decisions_under_a_new_statement_are_told(city: RainCity) -> None:
    """The operator logs a run that its model never made: it decides otherwise when it is made again."""
    with city.at(5) as home:
        decided = run_app(home, replace(APP, decide=better), NOW + 5 * HOUR).logged.decide
    assert decided.run == 2
    findings, _ = found(city)
    assert [f for f in findings if "run 2" in f and "decided again" in f]


def better(panel: PanelArray, estimators: Estimators, now: datetime) -> pl.DataFrame:
    return decide(panel, estimators, now).with_columns(q50=pl.col("q50") + 0.25)


def say_again(home: Writer, **changes: Any) -> None:
    """Say the last run again, otherwise."""
    said = read_said(home, last(home, "decide"), Decide)
    again = replace(said, run=said.run + 1, **changes)
    put_rows(home, decisions_path(again), pl.read_parquet(home.directory.store / decisions_path(said)))
    home.say(again.to_statement())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"made_at": "2026-09-03T13:59:00.000000Z"}, "time: want it after batch"),
        ({"made_at": "2026-09-03T11:00:00.000000Z"}, "time: want it not before the run before"),
        ({"made_at": "2026-09-03T17:00:00.000000Z"}, "want outcomes due after"),
        ({"inputs": ()}, "panel made again"),
        ({"made_at": "2026-09-03T17:00:00.000000Z"}, "want all that was known"),
        ({"stage": "act"}, "release: want that in force"),
        ({"rungs": {"last": 18}}, "rungs: want {'last': 18}"),
    ],
)
def test_a_run_said_otherwise_is_told(city: RainCity, changes: dict[str, Any], words: str) -> None:
    """Dated back or ahead, on less than was known, under another release, by other rungs."""
    with city.at(5) as home:
        say_again(home, **changes)
    findings, _ = found(city)
    assert [f for f in findings if "run 2" in f and words in f], findings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"number": 5}, "number: want 2, got 5"),
        ({"before": "ab" * 32}, "before: want"),
        ({"until": "2026-09-03T13:30:00.000000Z"}, "until: want it after"),
        ({"counts": Matched(12, 11, 1)}, "counts: want"),
        ({}, "settled once"),
    ],
)
def test_a_scoring_said_otherwise_is_told(city: RainCity, changes: dict[str, Any], words: str) -> None:
    """A scoring out of its place, a second one of the same decisions, one that counts otherwise."""
    with city.at(6) as home:
        first = past_scorings(home, SYSTEM)[0][1]
        second = past_scorings(home, SYSTEM)[1][1]
        again = replace(
            first,
            number=2,
            before=second.scores.sha256,
            until="2026-09-03T18:00:00.000000Z",
            scored_at="2026-09-03T18:00:00.000000Z",
            inputs=second.inputs,
        )
        again = replace(again, **changes)
        for path, old in ((outcomes_path, first), (scores_path, first)):
            put_rows(home, path(again), pl.read_parquet(home.directory.store / path(old)))
        home.say(again.to_statement())
    findings, _ = found(city)
    assert [f for f in findings if words in f], findings


def test_a_model_that_does_badly_is_stopped_by_its_rule(city: RainCity) -> None:
    """After a scoring the rules are looked at; what trips one serves no more, and the log says which."""
    with city.at(5) as home:
        assert check_stop_rules(home, APP) is None
        patient = replace(APP, stop_rules=(stop_rule(above=100.0),))
        assert check_stop_rules(home, patient) is None
        strict = replace(APP, stop_rules=(stop_rule(name="worse-than-last", above=0.01),))
        why = check_stop_rules(home, strict)
        assert why is not None
        assert "worse-than-last: mae" in why
        assert gate.in_force(home, SYSTEM) is None
        stop = home.index.predicates("release")[-1][1]
        assert (stop["action"], stop["approval"], stop["rule"]) == ("stop", None, why)
        assert check_stop_rules(home, strict) is None
        assert run_app(home, APP, NOW + 5 * HOUR).logged.decide.stage == "shadow"
    assert found(city)[0] == []


def test_a_persons_word_is_scored_beside_the_systems(city: RainCity) -> None:
    """What an officer said of a decision and what the system had said of it are lines of their own."""
    home = city.open()
    scores = pl.concat(
        [pl.read_parquet(home.directory.store / scores_path(s)) for _, s in past_scorings(home, SYSTEM)]
    )
    home.close()
    pair = scores.filter(pl.col("model").is_in(["override", "overridden"]))
    assert set(pair["model"]) == {"overridden", "override"}
    assert pair["n"].to_list() == [1, 1]
    assert pair["sum_abs"][0] != pair["sum_abs"][1]


def test_overrides_by_the_wrong_hand_late_or_of_nothing(city: RainCity) -> None:
    """Without the duty, of no decision, of what is due, or making no sense: refused, the log unchanged."""
    with city.at(2.5) as home:
        size = home.log.size
        with pytest.raises(DutyMissing):
            override(home, 1, 9, {"value": 1.0}, "lan", LAN)
        with pytest.raises(NotAnOfficer):
            override(home, 1, 9, {"value": 1.0}, AGENCY)
        with pytest.raises(DecidedLate, match="not due yet"):
            override(home, 0, 0, {"value": 1.0})
        with pytest.raises(BadDecisions, match="not falling"):
            override(home, 1, 9, {"q50": 99.0})
        asked = ask_override(home, APP, 1, 9, value_text({"value": 1.0}))
        other = ask_override(home, APP, 1, 10, value_text({"value": 1.0}))
        approval = approve(key("hoa"), other.request, "Hoa", "another one", home.clock())
        with pytest.raises(MalformedStatement, match="want one of override"):
            say_override(home, asked, approval)
        assert home.log.size == size


def test_the_last_word_before_the_outcome_counts(city: RainCity) -> None:
    """An officer may change their mind; an old approval is not used again, the last one says nothing new."""
    with city.at(6) as home:
        run_app(home, APP, NOW + 6 * HOUR)
        first, second = (signed(home, 2, 9, {"value": value}) for value in (1.0, 2.0))
        at = say_override(home, *first)[1]
    with city.at(6.1) as home:
        later = signed(home, 2, 9, {"value": 2.0})
        said = say_override(home, *later)
        assert said[1] > at
        size = home.log.size
        assert say_override(home, *later) == said
        for old in (first, second):
            with pytest.raises(ApprovalUsed, match="after the last word"):
                say_override(home, *old)
        assert home.log.size == size
        assert overrides_of(home, SYSTEM)[2][9] == value_text({"value": 2.0})
    assert found(city)[0] == []


def test_an_override_dated_back_behind_what_came_in_is_found(city: RainCity) -> None:
    """With a clock that is behind what came in none is said; one that was said all the same is told."""
    with city.at(6) as home:
        run_app(home, APP, NOW + 6 * HOUR)
        said, _ = say_override(home, *signed(home, 2, 9, {"value": 1.0}))
    city.take(NOW_HOUR + 5, 2, at=7)
    with city.at(6.9) as home:
        asked, approval = signed(home, 2, 10, {"value": 1.0})
        with pytest.raises(DecidedLate, match="after the last batch"):
            say_override(home, asked, approval)
        late = replace(
            said,
            record=10,
            decision_sha256=asked.decision_sha256,
            due=asked.due,
            approval=approval,
            overridden_at=format_time(home.clock()),
        )
        home.say(late.to_statement())
    findings, _ = found(city)
    assert [one.split(": ", 1)[1][:24] for one in findings] == ["time: want it after batch"[:24]]
