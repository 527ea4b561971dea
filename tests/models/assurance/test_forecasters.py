"""The battery for forecasters: an honest model passes, and each bad one is caught by the test made for it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from assured_world import BASELINES, TESTED, TRAINING, Fading, Memory, assured, policy, world
from veracity.models.assurance.battery import FORECASTER_TESTS, run_battery
from veracity.models.assurance.context import Context
from veracity.models.assurance.errors import TooLittleToTest
from veracity.models.assurance.report import Report
from veracity.models.forecast import Forecast
from veracity.models.panel_array import Bools, PanelArray

CONTEXT = Context(
    "dust-app", agencies={"air-office": ["dust"], "met-office": ["wind"]}, thresholds={"dust": 70.0}
)


@pytest.fixture(scope="module")
def good() -> Report:
    return assured(Fading(), CONTEXT)


def failed(report: Report) -> set[str]:
    return {r.name for r in report.results if r.verdict == "failed"}


def test_a_model_that_knows_the_world_passes(good: Report) -> None:
    """Nothing fails, every family is there, and what could not be asked says why."""
    assert failed(good) == set()
    assert {r.name for r in good.results} == {t.name for t in FORECASTER_TESTS}
    assert {r.family for r in good.results} >= {
        *("skill", "calibration", "fairness", "robustness", "drift", "explanations", "privacy", "resources")
    }
    untested = {r.name: r.reason for r in good.results if r.verdict == "untested"}
    assert "no personal data" in untested["membership-inference"]
    assert "decisions were not at hand" in untested["fallbacks-flagged"]
    assert good.verdict("shadow") == "passed"
    assert good.verdict("advise") == "incomplete", "the app's fallbacks were not tested"


def test_numbers_carry_intervals_that_hold_the_truth(good: Report) -> None:
    """The coverage of a model that is right lies within its interval at every horizon."""
    numbers = [n for n in good.result("coverage").numbers if n.name == "coverage80"]
    assert len(numbers) >= 3
    for n in numbers:
        assert n.low is not None
        assert n.high is not None
        assert n.low < 0.8 < n.high
        assert n.n is not None
        assert n.n > 100


@pytest.mark.parametrize(
    ("model", "caught"),
    [
        (Fading(width=0.4), {"reliability", "coverage"}),
        (Fading(unfair=15.0), {"fair-skill", "fair-coverage", "skill-by-district"}),
        (Fading(brittle=True), {"sensor-dropout", "data-delayed", "agency-offline"}),
        (Fading(fade=0.0), {"skill-by-horizon"}),
    ],
    ids=["overconfident", "unfair to one ward", "brittle", "without skill"],
)
def test_a_bad_model_is_caught_by_the_test_for_it(model: Fading, caught: set[str]) -> None:
    """Each planted fault fails the tests of its family."""
    baselines = BASELINES | {"better": {"dust": Fading()}} if model.fade == 0 else BASELINES
    report = assured(model, CONTEXT, baselines=baselines)
    assert caught <= failed(report)
    assert report.verdict("advise") == "failed"


def test_unfairness_names_the_ward_and_only_that(good: Report) -> None:
    """The one ward that is served badly is told; no other is."""
    reason = assured(Fading(unfair=15.0), CONTEXT).result("fair-skill").reason
    assert "group W6" in reason
    assert not any(f"group W{i}" in reason for i in range(1, 6))
    assert good.result("fair-skill").verdict == "passed"


def test_a_model_that_knows_its_members_by_heart_is_caught() -> None:
    """Membership inference runs where personal data were used, and tells a memory from a model."""
    personal = replace(CONTEXT, personal=True)
    (honest,) = assured(Fading(), personal).result("membership-inference").numbers
    assert honest.low is not None
    assert honest.low < 0.5 < (honest.high or 0)
    assert "membership-inference" in failed(assured(Memory(learned=(TRAINING,)), personal))


@dataclass(frozen=True)
class Liar(Fading):
    """Says that the wind makes its forecasts; it never looks at it."""

    def importances(self, panel: PanelArray) -> dict[str, float]:
        return {"wind": 1.0, "dust": 0.1}


@dataclass(frozen=True)
class Honest(Fading):
    def importances(self, panel: PanelArray) -> dict[str, float]:
        return {"wind": 0.0, "dust": 1.0}


def test_an_explanation_that_is_not_true_is_caught() -> None:
    """Taking away what is said to matter must hurt; by permutation or by the model's own account."""
    assert "explanations" in failed(assured(Liar(), CONTEXT))
    result = assured(Honest(), CONTEXT).result("explanations")
    assert result.verdict == "passed"
    assert "own account" in result.notes[0]
    top = next(n for n in assured(Fading(), CONTEXT).result("explanations").numbers if n.name == "importance")
    assert top.of["input"] == "dust, now"


@dataclass(frozen=True)
class Fragile(Fading):
    """Raises where a value is missing, as much research code does."""

    def predict(self, panel: PanelArray, horizons: Any = None, origins: Any = None) -> Forecast:
        if not np.isfinite(panel.values).all():
            raise IndexError("list index out of range\nat line 3")
        return super().predict(panel, None, origins)


@dataclass(frozen=True)
class Broken(Fading):
    """Says only some of its quantiles where a value is missing."""

    def predict(self, panel: PanelArray, horizons: Any = None, origins: Any = None) -> Forecast:
        said = super().predict(panel, None, origins)
        values = said.values.copy()
        values[~np.isfinite(panel.column("dust")[origins]).all(axis=1), :, :, 0] = np.nan
        return replace(said, values=values)


def test_a_crash_is_a_failed_test_and_not_the_end() -> None:
    """A model that raises fails the tests in which it does, with its error; the others go on."""
    report = assured(Fragile(), CONTEXT)
    reason = report.result("sensor-dropout").reason
    assert "did not answer" in reason
    assert "IndexError: list index out of range at line 3" in reason
    assert report.result("extreme-inputs").verdict == "failed"
    assert report.result("skill-by-horizon").verdict == "passed"


def test_half_an_answer_is_broken() -> None:
    """A forecast with some quantiles missing is neither an answer nor silence."""
    assert "want broken at most 0" in assured(Broken(), CONTEXT).result("extreme-inputs").reason


def test_the_same_seed_gives_the_same_report_and_another_does_not(good: Report) -> None:
    """A report is deterministic to the last byte; its samples are of its seed."""
    again = assured(Fading(), CONTEXT)
    assert again.to_json() == good.to_json()
    other = run_battery(
        {"dust": Fading()}, TESTED, CONTEXT, policy(), 2, training=TRAINING, baselines=BASELINES
    )
    assert other.sha256 != good.sha256


def test_resources_are_told_and_no_part_of_the_digest(good: Report) -> None:
    """Seconds and bytes stand beside the report; the digest does not know them."""
    took = [(1.5, 10), (9.0, 20)]
    reports = [assured(Fading(), CONTEXT, meter=lambda work, t=t: (work(), t)[1]) for t in took]
    assert reports[0].sha256 == reports[1].sha256
    told = {n.name: n.value for n in reports[0].resources["resource-use"]}
    assert told["peak-bytes"] == 10
    assert told["cpu-s-per-1000"] > 0
    assert b"cpu-s-per-1000" in reports[0].resources_json()
    assert b'"value"' not in reports[0].to_json().split(b'"resource-use"')[1][:300]


def test_a_bound_on_resources_judges_but_keeps_the_digits_out() -> None:
    """Where the policy bounds resource use, the verdict is in the report and the measurement is not."""
    bounded = policy(
        **{
            "  resource-use:\n": "  resource-use:\n    marks: {peak-bytes: {at_most: 100}}\n",
        }
    )
    for peak, verdict in ((50, "passed"), (500, "failed")):
        report = run_battery(
            {"dust": Fading()}, TESTED, CONTEXT, bounded, 1, meter=lambda work, p=peak: (0.1, p)
        )
        assert report.result("resource-use").verdict == verdict
        assert str(peak).encode() not in report.result("resource-use").reason.encode()


def test_only_what_was_measured_is_truth() -> None:
    """Where the panel's values were filled, nothing is scored."""
    filled = replace(TESTED, measured=np.zeros_like(TESTED.measured))
    with pytest.raises(TooLittleToTest, match="dust measured"):
        run_battery({"dust": Fading()}, filled, CONTEXT, policy(), 1)


def test_too_short_a_period_is_refused() -> None:
    """A period with a handful of times to forecast from is no test."""
    with pytest.raises(TooLittleToTest, match="want 8 times"):
        run_battery({"dust": Fading()}, world(60), CONTEXT, policy(), 1)


def test_storms_are_told_apart_by_what_is_known_at_the_origin() -> None:
    """The regime is the app's, and a forecast is put in it by its origin, never by its outcome."""
    seen: list[int] = []

    def windy(panel: PanelArray, target: str) -> Bools:
        seen.append(panel.n_times)
        out: Bools = panel.column("wind").mean(axis=1) > 0.5
        return out

    report = assured(Fading(), replace(CONTEXT, regimes={"storm": windy}))
    assert {n.of["regime"] for n in report.result("skill-by-regime").numbers} == {"storm", "no storm"}
    assert seen == [TESTED.n_times]


def test_each_ward_and_each_kind_of_place_is_held_against_all_others() -> None:
    """An app that names both has both judged; warnings are those that it would give, at its own chance."""
    keys = TESTED.keys
    wards = {key: f"ward {i // 2}" for i, key in enumerate(keys)}
    kinds = {key: "road" if i % 2 else "coast" for i, key in enumerate(keys)}
    told = replace(CONTEXT, districts=wards, groups=kinds)
    bold, shy = (assured(Fading(), replace(told, warn_at=chance)) for chance in (0.2, 0.8))
    for test in ("fair-skill", "fair-coverage", "fair-alarms"):
        of = {next((k, v) for k, v in n.of.items() if k != "target") for n in bold.result(test).numbers}
        want = {("district", w) for w in wards.values()} | {("group", k) for k in kinds.values()}
        assert of == want
    n_warned = [
        sum(n.n or 0 for n in r.result("fair-alarms").numbers if n.name == "false-alarms-more")
        for r in (bold, shy)
    ]
    assert n_warned[0] > n_warned[1] > 0
