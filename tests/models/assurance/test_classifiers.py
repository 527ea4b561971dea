"""The battery for classifiers, on simulated floods: an honest one passes, planted faults are caught."""

import numpy as np
import pytest

from assured_flood import ByHeart, Liar, Logistic, events, flood_case
from veracity.models.assurance.battery import CLASSIFIER_TESTS, run_classifier_battery
from veracity.models.assurance.classifiers import Cases, ClassifierCase
from veracity.models.assurance.report import About, Report
from veracity.models.errors import BadParameter
from veracity.models.panel_array import Floats


def run(case: ClassifierCase) -> Report:
    return run_classifier_battery(case, case.policy, 3, About(model="floods", simulated=True))


def failed(report: Report) -> set[str]:
    return {r.name for r in report.results if r.verdict == "failed"}


def test_an_honest_classifier_passes() -> None:
    """Nothing fails, and the sweep of thresholds trades misses for false alarms."""
    report = run(flood_case(Logistic(), personal=True))
    assert failed(report) == set()
    assert {r.name for r in report.results} == {t.name for t in CLASSIFIER_TESTS}
    assert report.verdict("act") == "passed"
    assert report.about.simulated
    swept = report.result("classifier-thresholds").numbers
    misses = [n.value for n in swept if n.name == "misses"]
    assert misses == sorted(misses)


def test_rates_by_group_are_fairlearns() -> None:
    """What MetricFrame says of each group is what the counts say."""
    case = flood_case(Logistic())
    told = {(n.name, n.of["group"]): n.value for n in run(case).result("classifier-fairness").numbers}
    own = case.cases.groups == "W2"
    missed = (case.p < 0.5) & case.cases.y & own
    assert told["misses", "W2"] == pytest.approx(missed.sum() / (case.cases.y & own).sum())


def test_planted_faults_are_caught() -> None:
    """Too sure, unfair to a ward without sensors, unfaithful, leaking: each by the test for it."""
    assert "classifier-calibration" in failed(run(flood_case(Logistic(sharpness=4))))
    unfair = run(flood_case(Logistic(), tested=events(3_000, 2, first=2_000, blind="W3")))
    assert "group W3: want misses-more" in unfair.result("classifier-fairness").reason
    assert "classifier-explanations" in failed(run(flood_case(Liar())))
    assert "classifier-membership" in failed(run(flood_case(ByHeart(), personal=True)))


class Jumpy(Logistic):
    """Says nothing of an empty case, and follows the last digit."""

    def probability(self, x: Floats) -> Floats:
        out = (np.clip(np.nan_to_num(x), -9, 9) * 1e3).sum(axis=1) % 1.0
        return np.where(np.isnan(x).all(axis=1), np.nan, out)


def test_a_brittle_classifier_is_caught() -> None:
    """Noise that turns answers, and silence that nobody flags, fail."""
    reason = run(flood_case(Jumpy())).result("classifier-robustness").reason
    assert "flips" in reason
    assert "unflagged" in reason


class Wild(Logistic):
    def probability(self, x: Floats) -> Floats:
        return super().probability(x) * 2


def test_what_is_no_chance_is_no_answer() -> None:
    """A chance above 1 fails the test in which it is said."""
    assert "want 3000 chances from 0 to 1" in run(flood_case(Wild())).result("classifier-accuracy").reason


def test_cases_must_fit() -> None:
    """Features without outcomes are refused."""
    good = events(10, 1)
    with pytest.raises(BadParameter, match="cases: want 10 of 2 features"):
        Cases(good.x, good.y, ("rain", "level"), good.groups, good.times_us)
