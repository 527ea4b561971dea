"""Models assured in a home: on rows that they never saw, signed, audited, run again (simulated rain)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rain_app import NOW_HOUR, RainCity
from released_city import APP, use_mean_rain, use_rain_app
from run_cli import Here
from small_city import NOW, PANEL, START
from veracity.errors import VeracityError
from veracity.home.home import Home, Writer, open_writer
from veracity.home.models.assurance import Assured, assure, resources_path
from veracity.home.models.assurance_audit import audit_assurance, check_again, check_assurance
from veracity.home.models.gate_checks import policy_path, report_path
from veracity.home.models.recipe import Recipe
from veracity.home.models.training import train
from veracity.models.assurance.context import Context
from veracity.models.assurance.errors import SeenInTraining, TooLittleToTest
from veracity.models.assurance.policy import default_policy
from veracity.models.assurance.report import parse_report
from veracity.models.errors import BadParameter
from veracity.provenance.statements import Assure

HOURS = 700
SHORT = {
    "repeats: 400": "repeats: 60",
    "most_origins: 300": "most_origins: 60",
    "n_least: 100": "n_least: 20",
}
RIDGE = Recipe.of_estimator("rain-ridge", PANEL.encode(), "ridge", ("rain",), (1, 3))


def policy() -> bytes:
    """The default policy, of fewer samples."""
    text = default_policy().decode()
    for old, new in SHORT.items():
        text = text.replace(old, new)
    return text.encode()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with a month of rain and two models, one of an app: both learned from its first half."""
    folder = tmp_path_factory.mktemp("assured")
    with pytest.MonkeyPatch.context() as patch:
        use_mean_rain(patch)
        city = RainCity.new(folder)
        city.take(NOW_HOUR - HOURS, HOURS - 48)
        with city.at() as home:
            train(home, RIDGE, seed=1, hold_out=0.5)
            train(home, APP, seed=1, hold_out=0.5)
        with city.at() as home:
            assure(home, None, "rain-ridge", policy(), seed=3)
    return city.root


@contextmanager
def copy_of(root: Path, to: Path) -> Iterator[Writer]:
    """Open a copy of the city for writing."""
    import shutil

    shutil.copytree(root, to / "copy")
    with open_writer(to / "copy", lambda: NOW) as home:
        yield home


def said(home: Home) -> tuple[Assure, int]:
    ((idx, predicate), *_) = home.index.predicates("assure")
    assert predicate["name"] == "rain-ridge"
    from veracity.home.models.said import read_said

    return read_said(home, idx, Assure), idx


def test_a_report_is_kept_signed_and_comes_out_again(root: Path) -> None:
    """The statement says what the report does, the audit finds nothing, and a new run is the same."""
    home = Home.open(root, lambda: NOW)
    try:
        stated, idx = said(home)
        report = parse_report(home.objects.get(report_path(stated.report_sha256)))
        assert home.objects.get(policy_path(stated.policy_sha256)) == policy()
        took = json.loads(home.objects.get(resources_path(stated.report_sha256)))
        assert {n["name"] for n in took["tests"]["resource-use"]} == {
            "cpu-s-per-1000",
            "peak-bytes",
            "file-bytes",
        }
        assert report.about.trained_to < report.about.start
        assert report.about.simulated
        assert stated.simulated
        assert (stated.passed, stated.failed) == (report.tally["passed"], report.tally["failed"])
        assert report.result("skill-by-horizon").verdict == "passed", "rain that repeats is easy for ridge"
        assert report.result("agency-offline").numbers[0].of["fault"] == "rain-office offline"
        assert list(check_assurance(home, stated, idx)) == []
        assert list(check_again(home, None, stated)) == []
        assert audit_assurance(home) == (1, ())
        assert audit_assurance(home, ["another-feed"]) == (0, ())
    finally:
        home.close()


def test_the_same_test_again_is_the_same_entry(root: Path, tmp_path: Path) -> None:
    """Nothing is said twice; another seed is another report."""
    with copy_of(root, tmp_path) as home:
        again = assure(home, None, "rain-ridge", policy(), seed=3)
        assert not again.is_new
        assert again.idx == said(home)[1]
        assert assure(home, None, "rain-ridge", policy(), seed=4).is_new


def test_rows_that_it_learned_from_are_no_test(root: Path, tmp_path: Path) -> None:
    """A period that reaches into the training is refused, and so is one with nothing in it."""
    with copy_of(root, tmp_path) as home:
        with pytest.raises(SeenInTraining, match="the last time that the model learned from"):
            assure(home, None, "rain-ridge", policy(), start=START - timedelta(days=20))
        with pytest.raises(TooLittleToTest):
            assure(home, None, "rain-ridge", policy(), start=NOW + timedelta(days=30))
        with pytest.raises(TooLittleToTest):
            assure(home, None, "rain-ridge", policy(), start=NOW - timedelta(hours=3))
        with pytest.raises(BadParameter, match="app: want None"):
            assure(home, APP, "rain-ridge", policy())


def test_what_was_altered_is_not_tested(root: Path, tmp_path: Path) -> None:
    """A model file of another bit, or a table of other rows: refused before anything is said."""
    with copy_of(root, tmp_path) as home:
        stated, _ = said(home)
        folder = home.directory.store / "models" / stated.model_sha256
        file = next(p for p in folder.iterdir() if p.suffix == ".safetensors")
        body = bytearray(file.read_bytes())
        body[-1] ^= 1
        file.write_bytes(bytes(body))
        with pytest.raises(VeracityError) as caught:
            assure(home, None, "rain-ridge", policy(), seed=9)
        assert caught.value.code == "model-altered"
        assert len(home.index.predicates("assure")) == 1


@pytest.mark.parametrize("what", ["report edited", "report gone", "policy gone"])
def test_an_audit_finds_a_report_that_is_not_the_signed_one(root: Path, tmp_path: Path, what: str) -> None:
    """Edited or gone: found."""
    with copy_of(root, tmp_path) as home:
        stated, _ = said(home)
        path = report_path(stated.report_sha256) if "report" in what else policy_path(stated.policy_sha256)
        file = home.directory.store / path
        if "gone" in what:
            file.unlink()
        else:
            file.write_bytes(file.read_bytes().replace(b'"passed"', b'"failed"', 1))
        _, findings = audit_assurance(home)
        assert findings
        assert findings[0][0].startswith("report on rain-ridge")


def test_a_report_that_was_signed_and_is_not_true_is_found_by_a_new_run(root: Path, tmp_path: Path) -> None:
    """The operator signs a better number than the battery gives: only running it again tells."""
    with copy_of(root, tmp_path) as home:
        stated, _ = said(home)
        report = parse_report(home.objects.get(report_path(stated.report_sha256)))
        first = report.results[0]
        better = replace(first.numbers[0], value=0.99)
        lie = replace(
            report, results=(replace(first, numbers=(better, *first.numbers[1:])), *report.results[1:])
        )
        home.objects.put(report_path(lie.sha256), lie.to_json())
        idx = home.say(replace(stated, report_sha256=lie.sha256).to_statement())
        signed = replace(stated, report_sha256=lie.sha256)
        assert list(check_assurance(home, signed, idx)) == [], "the lie is whole"
        assert list(check_again(home, None, signed)) == [
            ("run again", f"{first.name}: want the numbers that were signed, got others")
        ]


def test_a_report_that_lets_a_test_off_is_found(root: Path, tmp_path: Path) -> None:
    """A test that the policy requires and the report does not, or leaves out, or passes by bad numbers."""
    with copy_of(root, tmp_path) as home:
        stated, _ = said(home)
        report = parse_report(home.objects.get(report_path(stated.report_sha256)))
        first, *others = report.results
        bad = replace(first, numbers=tuple(replace(n, high=-1.0) for n in first.numbers))
        for results, told in (
            ((replace(first, required=()), *others), "the stages that require it, got others"),
            (tuple(others), "want this test, which the policy names, got none"),
            ((bad, *others), "want failed by its own numbers"),
        ):
            lie = replace(report, results=results)
            home.objects.put(report_path(lie.sha256), lie.to_json())
            signed = replace(stated, report_sha256=lie.sha256, passed=lie.tally["passed"])
            idx = home.say(signed.to_statement())
            assert told in dict(check_assurance(home, signed, idx))["report"]


def test_an_apps_own_word_reaches_the_battery(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Districts, thresholds and decisions of the app are used; its fallbacks are tested with sensors cut."""
    use_mean_rain(monkeypatch)
    context = Context(
        APP.name, districts={"G00": "north", "G01": "north", "G02": "south"}, thresholds={"rain": 4.0}
    )
    app = replace(APP, assurance=context)
    with copy_of(root, tmp_path) as home:
        done: Assured = assure(home, app, APP.name, policy())
        assert done.report.about.stage == "act"
        districts = {n.of["district"] for n in done.report.result("skill-by-district").numbers}
        assert districts == {"north", "south"}
        flagged = done.report.result("fallbacks-flagged")
        assert flagged.verdict == "passed", flagged.reason
        fallen = {n.of["fault"]: n.value for n in flagged.numbers if n.name == "fallback"}
        assert fallen["none"] == 0
        assert fallen["silence"] == 1
        assert done.report.result("skill-by-horizon").verdict == "failed", (
            "a mean is no forecast of this rain"
        )
        assert done.assure.verdict == "failed"


def test_the_command(
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Table, JSON and page say the same; the answer no is exit code 1."""
    use_mean_rain(monkeypatch)
    use_rain_app(tmp_path, monkeypatch)
    with copy_of(root, tmp_path):
        pass
    here, home = Here(capsys, monkeypatch), tmp_path / "copy"
    marks = tmp_path / "marks.yaml"
    marks.write_bytes(policy())
    page = tmp_path / "report.html"
    told = here("model", "assure", APP.name, "--policy", marks, "--page", page, "--home", home)
    assert told.code == 1, told.err
    assert "failed to act" in told.out
    assert "[SIMULATED]" in told.out
    assert "SIMULATED DATA" in page.read_text(encoding="utf-8")
    again = here("model", "assure", APP.name, "--app", APP.name, "--policy", marks, "--home", home, "--json")
    document = json.loads(again.out)
    assert document["verdict"] == "failed"
    assert document["new"] is False
    assert document["report"] in told.out
    printed = here("model", "assure", "--print-policy", "--home", home)
    assert printed.out.encode() == default_policy()
    assert here("model", "assure", "--home", home).code == 2
    bad = tmp_path / "bad.yaml"
    bad.write_text("tests: {x: 1}", encoding="utf-8")
    refused = here("model", "assure", APP.name, "--policy", bad, "--home", home)
    assert refused.code == 3
    assert "want tests there are" in refused.err
