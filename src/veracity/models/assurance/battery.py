"""The batteries: every test of a kind, put to a model and judged by a policy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from veracity.models.assurance import (
    adversary,
    calibration,
    classifier_tests,
    controller_tests,
    drift,
    explanations,
    fairness,
    fallbacks,
    membership,
    metering,
    robustness,
    skill,
)
from veracity.models.assurance.cases import ForecastCase, Meter, spread_origins
from veracity.models.assurance.classifiers import ClassifierCase
from veracity.models.assurance.context import Context
from veracity.models.assurance.controllers import ControllerCase
from veracity.models.assurance.decided import Decided
from veracity.models.assurance.errors import ModelCrashed, TooLittleToTest
from veracity.models.assurance.judging import Result, judge
from veracity.models.assurance.policy import Policy
from veracity.models.assurance.report import About, Report
from veracity.models.assurance.result import AssuranceTest, Found, Kind, Number, merged
from veracity.models.bundle import Estimators
from veracity.models.panel_array import PanelArray

C = TypeVar("C")

FORECASTER_TESTS: tuple[AssuranceTest[ForecastCase], ...] = (
    *skill.TESTS,
    *calibration.TESTS,
    *fairness.TESTS,
    *robustness.TESTS,
    *adversary.TESTS,
    *fallbacks.TESTS,
    *drift.TESTS,
    *explanations.TESTS,
    *membership.TESTS,
    *metering.TESTS,
)
CLASSIFIER_TESTS: tuple[AssuranceTest[ClassifierCase], ...] = classifier_tests.TESTS
CONTROLLER_TESTS: tuple[AssuranceTest[ControllerCase], ...] = controller_tests.TESTS
BATTERIES: Mapping[Kind, tuple[AssuranceTest[Any], ...]] = {
    "forecaster": FORECASTER_TESTS,
    "classifier": CLASSIFIER_TESTS,
    "controller": CONTROLLER_TESTS,
}
KNOWN: Mapping[str, AssuranceTest[Any]] = {t.name: t for tests in BATTERIES.values() for t in tests}


def run_battery(
    estimators: Estimators,
    panel: PanelArray,
    context: Context,
    policy: Policy,
    seed: int,
    *,
    start_us: int | None = None,
    training: PanelArray | None = None,
    baselines: Mapping[str, Estimators] | None = None,
    meter: Meter | None = None,
    about: About | None = None,
) -> Report:
    """Put a model of one or several targets through the battery for forecasters.

    Parameters
    ----------
    panel
        The period to test on and, before ``start_us``, what the model looks back at.
    start_us
        The first time to forecast from; by default after one ``lookback``.
    training
        The rows that the model learned from: for drift and members.
    baselines
        By name and target, fitted on the training's rows.

    Raises
    ------
    TooLittleToTest
        If the period is too short, or nothing in it was measured.
    """
    longest = max(h for one in estimators.values() for h in one.horizons)
    lookback = min(context.lookback, panel.n_times)
    first = lookback if start_us is None else int(np.searchsorted(panel.times_us, start_us))
    origins = spread_origins(panel, first, longest, policy.most_origins)
    decided = Decided(context, panel, estimators, seed) if context.decide else None
    cases = {
        target: ForecastCase(
            context,
            policy,
            target,
            one,
            {name: by[target] for name, by in sorted((baselines or {}).items()) if target in by},
            panel,
            origins,
            seed,
            training,
            meter,
            decided,
        )
        for target, one in sorted(estimators.items())
    }
    for target, case in cases.items():
        if not case.panel.measured[first:, :, panel.index(target)].any():
            raise TooLittleToTest(f"test period: want {target} measured in it, got nothing")
    return _report("forecaster", FORECASTER_TESTS, cases, policy, seed, about)


def run_classifier_battery(
    case: ClassifierCase, policy: Policy, seed: int, about: About | None = None
) -> Report:
    """Put a classifier through its battery."""
    return _report("classifier", CLASSIFIER_TESTS, {"": case}, policy, seed, about)


def run_controller_battery(
    case: ControllerCase, policy: Policy, seed: int, about: About | None = None
) -> Report:
    """Put a controller through its battery."""
    return _report("controller", CONTROLLER_TESTS, {"": case}, policy, seed, about)


def _report(
    kind: Kind,
    tests: Sequence[AssuranceTest[C]],
    cases: Mapping[str, C],
    policy: Policy,
    seed: int,
    about: About | None,
) -> Report:
    results: list[Result] = []
    resources: dict[str, tuple[Number, ...]] = {}
    for test in tests:
        founds = [_labelled(_put(test.run, case), target) for target, case in cases.items()]
        result = judge(test, merged(founds), policy.tests.get(test.name))
        results.append(result)
        if test.measured:
            resources[test.name] = result.numbers
    named = {"name": policy.name, "version": policy.version, "sha256": policy.sha256, "why": policy.why}
    return Report(kind, about or About(), named, seed, tuple(results), resources)


def _put(run: Callable[[C], Found], case: C) -> Found:
    """Run a test; a model that does not answer has failed it."""
    try:
        return run(case)
    except ModelCrashed as exc:
        return Found(crashed=str(exc))


def _labelled(found: Found, target: str) -> Found:
    return found.labelled(target=target) if target else found
