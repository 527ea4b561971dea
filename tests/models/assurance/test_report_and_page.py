"""The report as JSON and as a page."""

import json
from dataclasses import replace

import pytest

from assured_flood import Gate, Logistic, flood_case, gate_case
from assured_world import Fading, assured
from veracity.canonical import canonical_json
from veracity.models.assurance.battery import run_classifier_battery, run_controller_battery
from veracity.models.assurance.errors import MalformedReport
from veracity.models.assurance.judging import lacking
from veracity.models.assurance.report import About, Report, parse_report
from veracity.models.assured import read_tests
from veracity.pages.assurance import PAGE_BYTES, assurance_page

ABOUT = About(
    model="dust<script>",
    model_sha256="ab" * 32,
    system="dust-app",
    stage="advise",
    inputs={"air": (3, "cd" * 32)},
    n_rows=7,
    start="2025-05-01T00:00:00.000000Z",
    end="2025-09-01T00:00:00.000000Z",
    simulated=True,
)


@pytest.fixture(scope="module")
def report() -> Report:
    return assured(Fading(), about=ABOUT, meter=lambda work: (0.5, 1000))


def test_a_report_reads_back(report: Report) -> None:
    """What was written is what is read, to the byte, and cards read the same tests."""
    again = parse_report(report.to_json())
    assert again.to_json() == report.to_json()
    assert again.about == ABOUT
    tests = read_tests(report.to_json(), report.sha256)
    assert [(t.name, t.verdict) for t in tests] == [(r.name, r.verdict) for r in report.results]
    assert lacking(report.results, "advise") == report.to_document()["stages"]["advise"]["lacking"]


def test_an_edited_report_is_refused(report: Report) -> None:
    """A verdict or a sum that the tests do not give, a name nobody knows: no report."""
    for path, value in (
        (("tally", "passed"), 99),
        (("stages", "act", "verdict"), "passed"),
        (("tests", 0, "verdict"), "excellent"),
        (("about", "n_rows"), -1),
        (("extra",), 1),
    ):
        document = json.loads(report.to_json())
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        with pytest.raises(MalformedReport):
            parse_report(canonical_json(document))
    with pytest.raises(MalformedReport):
        parse_report(b"[]")


def test_the_page_is_whole_and_safe(report: Report) -> None:
    """One file, no scripts, outside text only as text, simulated said, each test and its reason there."""
    page = assurance_page(report)
    text = page.decode()
    assert len(page) < PAGE_BYTES
    assert "SIMULATED DATA" in text
    assert "dust&lt;script&gt;" in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "").replace("http_equiv", "")
    for result in report.results:
        assert f'id="{result.name}"' in text
    for title in ("Reliability of dust", "Skill of dust by horizon", "Coverage of dust, 80 % interval"):
        assert title in text
    assert "To advise: incomplete: fallbacks-flagged not passed." in text
    assert page == assurance_page(report)
    assert (
        "SIMULATED DATA"
        not in assurance_page(replace(report, about=replace(ABOUT, simulated=False))).decode()
    )


def test_pages_of_the_other_batteries() -> None:
    """Classifiers and controllers have their pages, with their pictures."""
    floods = flood_case(Logistic())
    page = assurance_page(run_classifier_battery(floods, floods.policy, 1, ABOUT)).decode()
    assert "Misses by threshold" in page
    gate = gate_case(Gate())
    assert (
        "Steps out of the safe set"
        in assurance_page(run_controller_battery(gate, gate.policy, 1, ABOUT)).decode()
    )
