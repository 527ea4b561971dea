"""The release gate: a model serves when everything holds, and does not when any one thing fails."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rain_app import RainCity, rain_app
from released_city import (
    APP,
    MINH,
    SYSTEM,
    TESTS,
    Released,
    assure,
    card,
    check_small_card,
    later,
    release_it,
    signed,
    use_mean_rain,
)
from small_city import NOW, PANEL, key
from veracity.errors import VeracityError
from veracity.home.audit import audit
from veracity.home.clock import format_time
from veracity.home.enrolments import revoke_key
from veracity.home.home import Home, Writer
from veracity.home.models import gate, gate_errors
from veracity.home.models.gate_checks import check_reports
from veracity.home.models.outcomes import score
from veracity.home.models.registry import UnknownModel
from veracity.home.models.request import ReleaseRequest
from veracity.home.models.running import run_app
from veracity.home.models.said import read_said
from veracity.home.models.stages import changes, served_before
from veracity.home.models.training import Trained, train
from veracity.home.officers import add_officer
from veracity.models.errors import ModelAltered
from veracity.models.stage_rules import DEFAULTS, MalformedStageRules, parse_stage_rules
from veracity.provenance import errors as provenance_errors
from veracity.provenance.statements import Assure, Release


@pytest.fixture(autouse=True)
def _estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    use_mean_rain(monkeypatch)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A city whose model serves at shadow; not to be changed."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_mean_rain(monkeypatch)
        return Released.new(tmp_path_factory.mktemp("released"))


@pytest.fixture
def made(grown: Released, tmp_path: Path) -> Released:
    root = Path(shutil.copytree(grown.city.root, tmp_path / "city"))
    return replace(grown, city=RainCity(root, tmp_path))


@pytest.fixture
def home(made: Released) -> Iterator[Writer]:
    with made.city.at(1) as writer:
        yield writer


def test_a_released_model_serves(made: Released, home: Writer) -> None:
    """After ask, approval and release the door opens; the audit agrees, and says how many it looked at."""
    files, said, idx = gate.load_for_service(home, SYSTEM)
    assert (files.sha256, said.stage, said.action) == (made.trained.train.model_sha256, "shadow", "release")
    serving = gate.in_force(home, SYSTEM)
    assert serving is not None
    assert (serving.idx, serving.stage) == (idx, "shadow")
    report = audit(home)
    assert report.findings == []
    assert (report.models, report.releases) == (1, 1)


def test_nothing_unreleased_is_loaded(home: Writer) -> None:
    """A system without a release has no model, and a trained model is none that serves."""
    assert gate.in_force(home, "other") is None
    with pytest.raises(gate_errors.NotReleased):
        gate.load_for_service(home, "other")
    newer = train(home, APP, seed=2)
    assert gate.load_for_service(home, SYSTEM)[0].sha256 != newer.train.model_sha256


def test_a_bit_of_a_served_model_counts(made: Released, home: Writer) -> None:
    """A file of the released model altered by one bit: the door stays shut, a run falls back, audits tell."""
    folder = home.directory.store / "models" / made.trained.train.model_sha256
    for path in sorted(folder.iterdir()):
        body = path.read_bytes()
        path.write_bytes(bytes([body[0] ^ 1]) + body[1:])
        with pytest.raises(ModelAltered):
            gate.load_for_service(home, SYSTEM)
        assert {f.what for f in audit(home).findings} == {"model"}
        path.write_bytes(body)
    gate.load_for_service(home, SYSTEM)


def test_replaced_files_are_not_served(made: Released, home: Writer) -> None:
    """Another model's files, whole and signed, in the place of the released one's are not loaded."""
    other = train(home, APP, seed=2).train.model_sha256
    folder = home.directory.store / "models"
    shutil.rmtree(folder / made.trained.train.model_sha256)
    shutil.copytree(folder / other, folder / made.trained.train.model_sha256)
    with pytest.raises(ModelAltered):
        gate.load_for_service(home, SYSTEM)


def request_for(home: Writer, trained: Trained, stage: str = "advise", **changes: Any) -> ReleaseRequest:
    made = gate.ask_release(home, APP, trained.train.model_sha256, stage, card(home, trained))  # type: ignore[arg-type]
    return replace(made, **changes)


def refused(
    home: Writer, request: ReleaseRequest, error: type[VeracityError], *, app: Any = APP, **signing: Any
) -> str:
    """The message with which a release is refused; nothing is said in the log."""
    size = home.log.size
    approval = signed(request, home.clock(), **signing)
    with pytest.raises(error) as caught:
        gate.release(home, request.asked, approval, app=app, check_card=check_small_card)
    assert home.log.size == size
    return str(caught.value)


def test_only_an_officer_with_the_duty_approves(made: Released, home: Writer) -> None:
    """Not the operator, an agency, an officer without the duty, one in another's name, nor a stranger."""
    request = request_for(home, made.trained)
    refused(home, request, provenance_errors.NotAnOfficer, who="operator")
    refused(home, request, provenance_errors.NotAnOfficer, who="rain-office")
    refused(home, request, provenance_errors.DutyMissing, who="minh", by=MINH)
    refused(home, request, provenance_errors.ApproverDiffers, who="lan", by=MINH)
    refused(home, request, provenance_errors.UnknownKey, who="stranger")
    gate.release(home, request.asked, signed(request), app=APP, check_card=check_small_card)


def test_revoked_and_expired_officers_do_not_approve(made: Released) -> None:
    """A key that was revoked, or has expired, approves nothing any more; what it approved before stands."""
    with made.city.at(0.2) as home:
        add_officer(home, "an", key("an").public, ["release"], person="An", expires=later(0.5))
    with made.city.at(1) as home:
        request = request_for(home, made.trained)
        refused(home, request, provenance_errors.ExpiredKey, who="an", by="An")
        revoke_key(home, "officer/lan", "left the office")
        refused(home, request, provenance_errors.RevokedKey)
        gate.load_for_service(home, SYSTEM)
        assert audit(home).findings == []


def test_a_revocation_as_of_before_takes_the_release_back(made: Released) -> None:
    """Where an officer's key counts for nothing from before the approval on, the door shuts."""
    with made.city.at(2) as home:
        revoke_key(home, "officer/lan", "stolen", NOW)
        with pytest.raises(provenance_errors.RevokedKey):
            gate.load_for_service(home, SYSTEM)
        assert "approval" in {f.what for f in audit(home).findings}


def test_an_approval_is_of_one_thing(made: Released, home: Writer) -> None:
    """An approval of another model, stage, card or report is none; nor is one cut, or of another action."""
    other = train(home, APP, seed=2)
    assure(home, other)
    request, elsewhere = request_for(home, made.trained), request_for(home, other, "shadow")
    for asked in (
        elsewhere,
        replace(request, stage="shadow"),
        replace(request, card_sha256="00" * 32),
        replace(request, reports=()),
        replace(request, action="roll-back"),
    ):
        approval = signed(asked)
        with pytest.raises(gate_errors.WrongApproval):
            gate.release(home, request.asked, approval, app=APP, check_card=check_small_card)


def test_an_approval_is_for_once(made: Released, home: Writer) -> None:
    """The same approval does not release again, not even after a stop; a stale request is refused."""
    request = request_for(home, made.trained, "shadow")
    approval = signed(request)
    gate.release(home, request.asked, approval, app=APP, check_card=check_small_card)
    gate.stop_by_rule(home, SYSTEM, "too-wrong")
    with pytest.raises(gate_errors.StaleRequest):
        gate.release(home, request.asked, approval, app=APP, check_card=check_small_card)
    fresh = replace(request, replaces=home.log.size - 1)
    with pytest.raises(gate_errors.WrongApproval):
        gate.release(home, fresh.asked, approval, app=APP, check_card=check_small_card)


def test_only_assured_models_are_released(made: Released, home: Writer) -> None:
    """No report, another model's, a failed one, one that a later one denies, or without a required test."""
    other = train(home, APP, seed=2)
    none = request_for(home, other, "shadow")
    assert none.reports == ()
    refused(home, none, gate_errors.NotAssured)
    refused(home, replace(none, reports=request_for(home, made.trained).reports), gate_errors.NotAssured)
    refused(home, replace(none, reports=("ab" * 32,)), gate_errors.NotAssured)
    passed = assure(home, other)
    bad = assure(home, other, [("skill-by-horizon", "failed", ("advise",)), *TESTS[1:]])
    assert "denies" in refused(home, replace(none, reports=(passed,)), gate_errors.NotAssured)
    refused(home, replace(none, reports=(bad,)), gate_errors.NotAssured)


def test_a_statement_cannot_say_otherwise_than_its_report(made: Released, home: Writer) -> None:
    """More tests passed than the report has, or a report that is on another model: not assured by it."""
    mine = home.index.predicates("assure")[-1][0]
    said, other = read_said(home, mine, Assure), train(home, APP, seed=2)
    home.say(replace(said, passed=said.passed + 1, untested=0).to_statement())
    better = request_for(home, made.trained, "shadow")
    assert "as signed" in refused(home, better, gate_errors.NotAssured)
    home.say(replace(said, model_sha256=other.train.model_sha256).to_statement())
    another = request_for(home, other, "shadow")
    assert another.reports == (said.report_sha256,)
    assert "got one on" in refused(home, another, gate_errors.NotAssured)


def test_a_stage_takes_its_tests(made: Released, home: Writer) -> None:
    """What advise requires must have passed for advise; shadow requires none of it, but some test."""
    other = train(home, APP, seed=2)
    lacking = assure(home, other, [("skill-by-horizon", "untested", ("advise",)), *TESTS[1:]])
    release_it(home, other, "shadow")
    assert "skill" in refused(home, request_for(home, other), gate_errors.NotAssured)
    check_reports(home, other.train.model_sha256, [lacking], "shadow", home.log.size)
    path = home.directory.store / "assurance" / f"{lacking}.json"
    path.write_bytes(path.read_bytes().replace(b"untested", b"passed__"))
    with pytest.raises(gate_errors.NotAssured):
        check_reports(home, other.train.model_sha256, [lacking], "shadow", home.log.size)
    path.unlink()
    with pytest.raises(gate_errors.NotAssured):
        gate.load_for_service(home, SYSTEM)


def test_a_card_that_lies_stays_outside(made: Released, home: Writer) -> None:
    """A card with a number that the evidence denies is refused, as is one that is gone or another."""
    lie = card(home, made.trained, rows=9_999)
    told = refused(home, request_for(home, made.trained, card_sha256=lie), gate_errors.CardRejected)
    assert "want 144" in told
    assert "got 9999" in told
    refused(home, request_for(home, made.trained, card_sha256="ab" * 32), gate_errors.CardRejected)
    said = gate.load_for_service(home, SYSTEM)[1]
    (home.directory.store / "cards" / f"{said.card_sha256}.json").write_bytes(b"{}")
    with pytest.raises(gate_errors.CardRejected):
        gate.load_for_service(home, SYSTEM)


def test_stages_come_one_after_the_other(made: Released, home: Writer) -> None:
    """A model that never served at shadow does not advise, one that never advised does not act."""
    other = train(home, APP, seed=2)
    assure(home, other)
    refused(home, request_for(home, other), gate_errors.StageRefused)
    refused(home, request_for(home, made.trained, "act"), gate_errors.StageRefused)
    shy = rain_app(stage="shadow")
    refused(home, request_for(home, made.trained), gate_errors.StageRefused, app=shy)


def test_acting_takes_days_and_scored_decisions(made: Released) -> None:
    """Two days and ten scored decisions at advise, as the policy says, and the duty to let act."""
    with made.city.at(1) as home:
        release_it(home, made.trained, "advise")
        add_officer(home, "an", key("an").public, ["release"], person="An")
    with made.city.at(20) as home:
        assert "2 days" in refused(home, request_for(home, made.trained, "act"), gate_errors.StageRefused)
    with made.city.at(55) as home:
        told = refused(home, request_for(home, made.trained, "act"), gate_errors.StageRefused)
        assert "10 scored decisions" in told
        assert "got 0" in told
    made.city.take(61, 55, at=55)
    for hour in (56, 57):
        with made.city.at(hour) as home:
            run_app(home, APP, later(hour))
    made.city.take(116, 6, at=62)
    with made.city.at(63) as home:
        score(home, APP)
        request = request_for(home, made.trained, "act")
        refused(home, request, provenance_errors.DutyMissing, who="an", by="An")
        done = gate.release(
            home, request.asked, signed(request, home.clock()), app=APP, check_card=check_small_card
        )
        assert done.release.stage == "act"
        assert audit(home).findings == []


def test_feeds_and_panel_must_be_the_apps(made: Released, home: Writer) -> None:
    """A model of another panel than the app serves from is refused, as is a feed without a contract."""
    request = request_for(home, made.trained)
    other = rain_app(stage="act", panel=PANEL.replace("2h", "3h").encode())
    refused(home, request, gate_errors.WrongModel, app=other)
    named = rain_app(stage="act", name="other-app")
    refused(home, request, gate_errors.MalformedRequest, app=named)
    renamed = train(home, named, seed=1)
    assure(home, renamed)
    refused(home, request_for(home, renamed, "shadow"), gate_errors.WrongModel)
    with pytest.raises(UnknownModel):
        gate.ask_release(home, APP, "no-such", "shadow", "00" * 32)


def test_contracts_are_in_force_at_every_load(home: Writer) -> None:
    """A contract or a panel that is gone from the store, or another, shuts the door."""
    for folder in ("contracts", "panels"):
        (path,) = (home.directory.store / folder).glob("*.yaml")
        body = path.read_bytes()
        for other in (body + b"\n# more", b"x: ["):
            path.write_bytes(other)
            with pytest.raises((gate_errors.FeedNotInForce, gate_errors.WrongModel)):
                gate.load_for_service(home, SYSTEM)
        path.unlink()
        with pytest.raises((gate_errors.FeedNotInForce, gate_errors.WrongModel)):
            gate.load_for_service(home, SYSTEM)
        path.write_bytes(body)
    gate.load_for_service(home, SYSTEM)


def test_nothing_is_released_over_a_feed_without_a_contract(made: Released, home: Writer) -> None:
    """With the contract gone from the store the gate stays shut too, not only the door."""
    request = request_for(home, made.trained)
    (path,) = (home.directory.store / "contracts").glob("*.yaml")
    path.unlink()
    assert "rain" in refused(home, request, gate_errors.FeedNotInForce)


def test_a_model_that_nobody_trained_is_refused(home: Writer) -> None:
    """Files that lie in the store without a statement are no model."""
    request = ReleaseRequest(SYSTEM, "release", "ab" * 32, "shadow", "cd" * 32, (), home_last(home), True)
    refused(home, request, gate_errors.NotTrained)


def home_last(home: Home) -> int:
    return changes(home, SYSTEM)[-1][0]


def test_a_rule_stops_without_a_person(made: Released, home: Writer) -> None:
    """A stop by rule needs no approval; nothing serves after it, and it cannot be done twice."""
    done = gate.stop_by_rule(home, SYSTEM, "too-wrong")
    assert (done.release.rule, done.release.approval, done.release.action) == ("too-wrong", None, "stop")
    assert gate.in_force(home, SYSTEM) is None
    with pytest.raises(gate_errors.NotReleased, match=f"entry {done.idx}"):
        gate.load_for_service(home, SYSTEM)
    with pytest.raises(gate_errors.NotReleased):
        gate.stop_by_rule(home, SYSTEM, "too-wrong")
    release_it(home, made.trained, "shadow")  # a person may let it serve again
    assert gate.in_force(home, SYSTEM) is not None
    assert audit(home).findings == []


def test_an_officer_stops_even_a_broken_model(made: Released, home: Writer) -> None:
    """A stop asks for an approval and nothing of the model: its files may be gone."""
    request = gate.ask_stop(home, SYSTEM)
    with pytest.raises(provenance_errors.DutyMissing):
        gate.stop(home, request.asked, signed(request, who="minh", by=MINH))
    shutil.rmtree(home.directory.store / "models")
    other = replace(request, model_sha256="ab" * 32)
    with pytest.raises(gate_errors.MalformedRequest):
        gate.stop(home, other.asked, signed(other))
    assert gate.stop(home, request.asked, signed(request)).release.action == "stop"


def test_roll_back_goes_to_the_model_before(made: Released, home: Writer) -> None:
    """To the one before, at its stage; then there is none further back; the audit follows."""
    with pytest.raises(gate_errors.NothingToRollBack):
        gate.ask_roll_back(home, SYSTEM)
    release_it(home, made.trained, "advise")
    other = train(home, APP, seed=2)
    assure(home, other)
    release_it(home, other, "shadow")
    request = gate.ask_roll_back(home, SYSTEM)
    wrong = replace(request, stage="act")
    with pytest.raises((gate_errors.MalformedRequest, VeracityError)):
        gate.roll_back(home, wrong.asked, signed(wrong))
    done = gate.roll_back(home, request.asked, signed(request), app=APP)
    assert (done.release.model_sha256, done.release.stage) == (made.trained.train.model_sha256, "advise")
    assert gate.load_for_service(home, SYSTEM)[0].sha256 == made.trained.train.model_sha256
    with pytest.raises(gate_errors.NothingToRollBack):
        gate.ask_roll_back(home, SYSTEM)
    assert audit(home).findings == []


def test_a_broken_model_is_not_rolled_back_to(made: Released, home: Writer) -> None:
    """The model before must be whole: one that was altered since does not serve again."""
    other = train(home, APP, seed=2)
    assure(home, other)
    release_it(home, other, "shadow")
    (home.directory.store / "models" / made.trained.train.model_sha256 / "model.json").write_bytes(b"{}")
    request = gate.ask_roll_back(home, SYSTEM)
    with pytest.raises(ModelAltered):
        gate.roll_back(home, request.asked, signed(request))


@pytest.mark.parametrize(
    ("said", "back_to"),
    [
        ("A", None),
        ("A B", "A"),
        ("A A B", "A"),
        ("A B stop", "A"),
        ("A B A<", None),
        ("A B C B<", "A"),
        ("A B C B< D", "B"),
        ("A stop B", "A"),
        ("A B stop A", "B"),
    ],
)
def test_where_a_roll_back_goes(said: str, back_to: str | None) -> None:
    """To the last other model that served and was not itself rolled back from."""
    log: list[tuple[int, dict[str, str]]] = []
    for i, word in enumerate(said.split()):
        action = "stop" if word == "stop" else "roll-back" if word.endswith("<") else "release"
        log.append((i, {"action": action, "model": log[-1][1]["model"] if word == "stop" else word[0]}))
    found = served_before(log)
    assert (found and found[1]["model"]) == back_to


def test_releases_said_past_the_gate_are_found(made: Released, home: Writer) -> None:
    """An operator who writes a release into the log without the gate does not get past door and audit."""
    other = train(home, APP, seed=2)
    request = request_for(home, other, "act", replaces=home_last(home))
    approval = signed(request, who="minh", by=MINH)
    forged = Release(
        SYSTEM, "release", request.model_sha256, "act", request.card_sha256, (), format_time(NOW), True,
        request.replaces, None, approval,
    )  # fmt: skip
    home.say(forged.to_statement())
    with pytest.raises(provenance_errors.DutyMissing):
        gate.load_for_service(home, SYSTEM)
    told = {f.what for f in audit(home).findings}
    assert {"approval", "gate"} <= told


def test_requests_are_read_strictly(made: Released, home: Writer) -> None:
    """A request survives its file; anything else is no request."""
    request = request_for(home, made.trained)
    assert ReleaseRequest.parse(request.format()) == request
    for wrong in (b"", b"{}", request.format().replace(b"advise", b"rule it"), request.format()[:-1]):
        with pytest.raises(gate_errors.MalformedRequest):
            ReleaseRequest.parse(wrong)
    for name, value in (("model", "x"), ("reports", ["x"]), ("more", 1), ("replaces", -1)):
        with pytest.raises(gate_errors.MalformedRequest):
            ReleaseRequest.of(request.asked | {name: value})


def test_stage_rules_are_read_strictly() -> None:
    """What a policy leaves out is as by default; what is none is refused."""
    assert parse_stage_rules(b"name: x\n") == DEFAULTS
    rules = ("3", "{days: -1}", "{decisions: 1.5}", "{days: yes}", "{hours: 1}")
    for wrong in ("1", "{fly: {}}", *(f"{{act: {rule}}}" for rule in rules)):
        with pytest.raises(MalformedStageRules):
            parse_stage_rules(f"stages: {wrong}".encode())
