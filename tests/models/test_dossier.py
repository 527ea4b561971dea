"""Dossiers: requirements as data, every answer from facts with its evidence, and what is left to people."""

import json
import re
import string
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from known_model import FEED, TESTS, assure, bare, known
from veracity.models.dossier.aiverify import format_result, result
from veracity.models.dossier.answer import LANGS, sentences
from veracity.models.dossier.answers import ANSWERS, CONDITIONS
from veracity.models.dossier.dossier import make_dossier
from veracity.models.dossier.errors import MalformedFramework, NothingToExport, UnknownFramework
from veracity.models.dossier.framework import FRAMEWORKS, load_framework, parse_framework
from veracity.models.facts import Known, ReportKnown, Said

COUNTS = {"vn": 33, "eu": 32, "iso42001": 38, "nist": 72, "aiverify": 12}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_has_all_that_it_is_known_to_have(name: str) -> None:
    """So many requirements, each once, in each language, with sources and what is not known of it."""
    framework = load_framework(name)
    assert len(framework.requirements) == COUNTS[name]
    assert framework.sources
    assert framework.unknown
    for r in framework.requirements:
        assert set(r.asks) == set(LANGS)
        assert r.asks["en"] != r.asks["vi"]


def test_the_standards_are_counted_as_they_count_themselves() -> None:
    """ISO/IEC 42001: 3, 2, 5, 4, 9, 5, 4, 3, 3 controls; NIST: 19, 18, 22, 13; AI Verify: 97 checks."""
    iso = Counter(r.id.rsplit(".", 1)[0].split(".")[1] for r in load_framework("iso42001").requirements)
    assert list(iso.values()) == [3, 2, 5, 4, 9, 5, 4, 3, 3]
    nist = Counter(r.id.split()[0] for r in load_framework("nist").requirements)
    assert nist == {"GOVERN": 19, "MAP": 18, "MEASURE": 22, "MANAGE": 13}
    checks = [r.checks or 0 for r in load_framework("aiverify").requirements]
    assert (sum(checks), sum(checks[:-1]), len(checks)) == (97, 90, 12)
    points = {r.id.split(".")[1][0] for r in load_framework("eu").requirements if r.id.startswith("IV")}
    assert points == set("123456789")


def test_sentences_say_the_same_in_each_language() -> None:
    """Both languages are filled from the same facts, and no sentence is left over."""
    for name, words in sentences().items():
        fields = [{f for _, f, _, _ in string.Formatter().parse(words[lang]) if f} for lang in LANGS]
        assert fields[0] == fields[1], name
    used = {
        p.sentence
        for name in FRAMEWORKS
        for k in CASES
        for a in make_dossier(load_framework(name), k()).answers
        for p in a.points
    }
    assert used == set(sentences())


def personal() -> Known:
    """A high-risk model of personal data whose report failed and that a rule stopped."""
    k = known(
        app=replace(known().app, risk=("high", "It decides on people."), stop_rules=()),
        feeds=(replace(FEED, n_personal=2),),
        reports=(ReportKnown(Said(11, assure(1, 1, 0)), (replace(TESTS[0], verdict="failed"),)),),
        incidents=(),
    )
    stopped = replace(k.releases[1].it, action="stop", approval=None, rule="too-wrong", replaces=14)
    return replace(k, releases=(*k.releases, Said(16, stopped)))


def all_passed() -> Known:
    """A low-risk model whose every test passed."""
    app = replace(known().app, risk=("low", ""))
    return known(app=app, reports=(ReportKnown(Said(11, assure(2, 0, 0)), TESTS[:2]),))


def adapting() -> Known:
    """A model whose ranges follow the outcomes in service."""
    one = {"name": "conformal", "parameters": {"base": "ridge", "rate": 0.1}}
    return known(description={"estimators": {"rain": one}})


CASES = (known, bare, personal, all_passed, adapting)


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("case", CASES)
def test_every_requirement_is_answered_left_to_a_person_or_not_asked(name: str, case: Any) -> None:
    """Evidence stands in the log or in the declaration; a person is named; a reason is given. It adds up."""
    k = case()
    dossier = make_dossier(load_framework(name), k)
    coverage = dossier.coverage
    assert coverage["requirements"] == sum(coverage[s] for s in ("evidence", "person", "not-applicable"))
    for a in dossier.answers:
        for lang in LANGS:
            texts = [p.text(lang) for p in a.points]
            assert all(texts)
            assert not [t for t in texts if re.search(r"[{}]|None", t)]
        if a.status == "evidence":
            assert all(p.evidence for p in a.points)
            assert any(p.answers for p in a.points)
            assert all(e.entry is None or e.entry < k.size for p in a.points for e in p.evidence)
        elif a.status == "person":
            assert a.person is not None
        else:
            assert len(a.points) == 1
            assert a.person is None


def test_what_is_not_in_the_log_is_not_answered() -> None:
    """Without a report, a release or a run, the answers that need one say what would bring it."""
    by_id = {a.requirement.id: a for a in make_dossier(load_framework("eu"), bare()).answers}
    assert by_id["IV.4"].status == "person"
    assert by_id["IV.4"].missing == ("veracity model assure",)
    assert by_id["IV.9"].missing[0].startswith("veracity ")
    assert by_id["IV.2(d)"].status == "evidence"


def test_a_test_that_was_not_done_answers_nothing() -> None:
    """It is shown with its reason, and counted as evidence that is not there yet."""
    skipped = tuple(replace(t, verdict="untested", numbers=()) for t in TESTS)
    k = known(reports=(ReportKnown(Said(11, assure(0, 0, 3)), skipped),))
    by_id = {a.requirement.id: a for a in make_dossier(load_framework("nist"), k).answers}
    fair = by_id["MEASURE 2.11"]
    assert (fair.status, fair.missing) == ("person", ("veracity model assure",))
    assert "fair-skill: untested" in fair.points[0].text("en")
    assert by_id["MEASURE 1.1"].status == "evidence"  # what was not measured is documented


def test_high_risk_requirements_are_asked_of_high_risk_systems_alone() -> None:
    """The owner's class decides, and the reason says so."""

    def status(k: Known) -> str:
        answers = make_dossier(load_framework("vn"), k).answers
        return next(a.status for a in answers if a.requirement.id == "Law 14(1)(b)")

    assert status(known()) == "not-applicable"
    assert status(personal()) == "evidence"


def test_what_the_evidence_cannot_show_is_not_ruled_out() -> None:
    """With an ONNX file, or with data of persons, the requirement is asked, and a person must answer."""
    onnx = known(files={"model.json": 900, "rain.onnx": 20})
    nist = {a.requirement.id: a for a in make_dossier(load_framework("nist"), onnx).answers}
    assert nist["MANAGE 3.2"].status == "person"
    eu = {a.requirement.id: a for a in make_dossier(load_framework("eu"), personal()).answers}
    assert eu["12(3)"].status == "person"


def test_a_model_that_calibrates_itself_does_not_say_that_it_stays_the_same() -> None:
    """Annex IV 2(f): ranges that follow outcomes are a change determined beforehand; others are not asked."""

    def answer(k: Known) -> Any:
        answers = make_dossier(load_framework("eu"), k).answers
        return next(a for a in answers if a.requirement.id == "IV.2(f)")

    assert answer(known()).status == "not-applicable"
    told = answer(adapting())
    assert told.status == "evidence"
    assert "ranges follows the outcomes" in told.points[0].text("en")
    assert "rate 0.1" in told.points[0].text("en")


def test_an_estimator_is_told_with_its_parts() -> None:
    """The design names an estimator and what it is made of; no list or table of parameters is poured out."""
    members = [{"name": "ridge", "parameters": {"penalty": 1}}, {"name": "seasonal", "parameters": {}}]
    own = {"base": "ensemble", "base_parameters": {"members": members}, "rate": 0.1, "horizons": [1, 6]}
    k = known(description={"estimators": {"rain": {"name": "conformal", "parameters": own}}})
    answers = make_dossier(load_framework("eu"), k).answers
    told = next(a for a in answers if a.requirement.id == "IV.2(b)").points[0].text("en")
    assert told == (
        "For rain: estimator conformal(ensemble(ridge, seasonal)), parameters base = ensemble, rate = 0.1."
    )


def test_numbers_in_answers_are_the_facts() -> None:
    """Another count in the log is another number in the text, written as each language writes it."""

    def told(accepted: int, lang: Any) -> str:
        k = known(feeds=(replace(FEED, accepted=accepted),))
        answers = make_dossier(load_framework("iso42001"), k).answers
        (point,) = next(a.points for a in answers if a.requirement.id == "A.7.4")
        return point.text(lang)

    assert "12,345 accepted" in told(12_345, "en")
    assert "12.345 chấp nhận" in told(12_345, "vi")


def test_every_answer_and_condition_is_asked_for() -> None:
    """No function answers what nobody asks."""
    asked = {n for name in FRAMEWORKS for r in load_framework(name).requirements for n in r.answers}
    applied = {r.applies for name in FRAMEWORKS for r in load_framework(name).requirements} - {None}
    assert asked == set(ANSWERS)
    assert applied == set(CONDITIONS)


def test_bad_frameworks_are_refused() -> None:
    """An answer there is not, a language missing, nobody to answer, a name unknown."""
    good = (
        b"name: eu\ntitle: {en: a, vi: b}\nabout: {en: a, vi: b}\nsources: [x]\nunknown: []\n"
        b"groups: [{title: {en: a, vi: b}, "
        b"requirements: [{id: '1', asks: {en: a, vi: b}, answers: [purpose]}]}]\n"
    )
    assert parse_framework(good).requirements[0].answers == ("purpose",)
    for was, becomes in (
        (b"[purpose]", b"[guesses]"),
        (b"answers: [purpose]", b"checks: 1"),
        (b"vi: b}, answers", b"vi: ''}, answers"),
        (b"name: eu", b"name: us"),
        (b"sources: [x]", b"sources: [x]\nmore: 1"),
        (b"answers: [purpose]", b"person: {who: nobody, what: {en: a, vi: b}}"),
    ):
        with pytest.raises(MalformedFramework):
            parse_framework(good.replace(was, becomes))
    with pytest.raises(UnknownFramework):
        load_framework("us")


# The published schema of AI Verify's test results, written out again as a strict check.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-._]*")
URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]+")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def check_result(document: dict[str, Any]) -> None:
    """Assert what ``aiverify.testresult.schema.json`` asks, and that nothing else is there."""
    assert set(document) == {
        "gid", "cid", "version", "startTime", "timeTaken", "testArguments", "output", "artifacts",
    }  # fmt: skip
    for name in ("gid", "cid"):
        assert NAME.fullmatch(document[name])
        assert 1 <= len(document[name]) <= 128
    assert isinstance(document["version"], str)
    assert STAMP.fullmatch(document["startTime"])
    assert isinstance(document["timeTaken"], (int, float))
    arguments = document["testArguments"]
    names = {
        "testDataset",
        "mode",
        "modelType",
        "groundTruthDataset",
        "groundTruth",
        "algorithmArgs",
        "modelFile",
    }
    assert set(arguments) <= names
    assert URI.fullmatch(arguments["testDataset"])
    assert arguments["mode"] in ("upload", "api")
    assert arguments["modelType"] in ("classification", "regression")
    assert "groundTruthDataset" not in arguments or "groundTruth" in arguments
    for name in ("groundTruthDataset", "modelFile"):
        assert URI.fullmatch(arguments[name])
    assert isinstance(arguments["groundTruth"], str)
    assert isinstance(document["output"], dict)
    assert all(isinstance(a, str) for a in document["artifacts"])


def test_the_result_for_ai_verify_keeps_to_its_schema() -> None:
    """Field by field; what the form wants and is not known is said in the output."""
    dossier = make_dossier(load_framework("aiverify"), known())
    document = json.loads(format_result(dossier))
    check_result(document)
    assert document["output"]["time_taken_known"] is False
    assert [t["verdict"] for t in document["output"]["tests"]] == ["passed", "passed", "untested"]
    assert sum(p["process_checks"] for p in document["output"]["principles"]) == 97
    timed = result(dossier, 12.5)
    check_result(timed)
    assert (timed["timeTaken"], timed["output"]["time_taken_known"]) == (12.5, True)


def test_without_a_report_there_is_no_result() -> None:
    """A form is not filled with anything but what was measured."""
    with pytest.raises(NothingToExport):
        result(make_dossier(load_framework("aiverify"), bare()))
