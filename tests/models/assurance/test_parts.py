"""The parts that the battery is made of, against what is known of them."""

import warnings
from datetime import datetime
from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest

from assured_world import BASELINES, HOUR_US, START_US, TESTED, TRAINING, Fading, assured, policy, world
from veracity.models.assurance.baselines import fit_baselines
from veracity.models.assurance.battery import run_battery
from veracity.models.assurance.bootstrap import Bootstrap
from veracity.models.assurance.cases import spread_origins
from veracity.models.assurance.context import Context
from veracity.models.assurance.decided import Decided
from veracity.models.assurance.deletion import agreement, deletion, permutation_parts
from veracity.models.assurance.drift import ks, psi
from veracity.models.assurance.explanations import trees_of
from veracity.models.assurance.faults import (
    at_limits,
    constant,
    delayed,
    drifting,
    dropout,
    inject,
    offline,
    stuck,
)
from veracity.models.assurance.membership import auc
from veracity.models.decisions import OWN, SCHEMA
from veracity.models.estimators.lightgbm import LightGbm
from veracity.models.panel_array import Floats, PanelArray
from veracity.models.seasons import SEASONS, season_of

RNG = np.random.default_rng
FAULTS = [
    dropout(0.3),
    stuck(),
    drifting(np.ones(2)),
    delayed(3),
    offline("office", [0]),
    constant("1e9", 1e9),
    at_limits({0: (0.0, 500.0)}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_fault_happens_before_its_origin_and_nowhere_else(fault: object) -> None:
    """Rows outside of the windows are untouched, in them something is; the panel itself stays as it was."""
    panel = world(300)
    kept = panel.values.copy()
    origins = np.array([100, 250])
    broken = inject(panel, origins, 24, fault, RNG(0))  # type: ignore[arg-type]
    assert np.array_equal(panel.values, kept)
    changed = ~((broken.values == kept) | (np.isnan(broken.values) & np.isnan(kept))).all(axis=(1, 2))
    inside = np.zeros(300, np.bool_)
    for origin in origins:
        inside[origin - 23 : origin + 1] = True
    assert not changed[~inside].any()
    assert changed[inside].any()
    assert not broken.measured[np.isnan(broken.values)].any()


def test_decisions_are_made_once_for_all_targets() -> None:
    """However many targets are looked at, an app decides once by origin and fault, and each sees its own."""
    seen = []

    def decide(panel: PanelArray, estimators: object, now: datetime) -> pl.DataFrame:
        seen.append((panel.n_times, float(np.isnan(panel.values).mean())))
        own = {"target": ["a", "b"], "model": [OWN, OWN], "key": ["k", "k"]}
        return pl.DataFrame({name: own.get(name, [None, None]) for name in SCHEMA}, SCHEMA)

    decided = Decided(Context("app", decide=decide), world(100), {}, seed=1)
    for target in ("a", "b"):
        for origin, fault in ((50, None), (50, dropout(0.5)), (80, dropout(0.5))):
            assert decided.rows(origin, fault, target)["target"].to_list() == [target]
    assert [n for n, _ in seen] == [51, 51, 81]
    assert [gone >= 0.5 for _, gone in seen] == [False, True, True]


@pytest.mark.parametrize("seed", range(10))
def test_agreement_is_the_rank_correlation_of_scipy(seed: int) -> None:
    """Importances with ties, alike, unlike and opposite: Spearman's coefficient as scipy computes it."""
    from scipy.stats import spearmanr

    rng = np.random.default_rng(seed)
    a, noise = rng.integers(0, 8, 20).astype(np.float64), rng.normal(0, 3, 20)
    for b in (a, -a, a + noise, np.round(noise)):
        assert agreement(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_dropout_takes_its_share() -> None:
    """Half of the sensors gone is half of the values gone."""
    broken = inject(world(200), np.array([150]), 48, dropout(0.5), RNG(1))
    assert np.isnan(broken.values[150]).mean() == 0.5
    assert np.isnan(broken.values[103]).mean() == 0.5


def test_intervals_of_blocks_hold_where_those_of_single_errors_do_not() -> None:
    """Errors that hang together for a day: the block bootstrap holds the truth, the plain one seldom."""
    n, trials = 600, 60
    held = {48: 0, 1: 0}
    for trial in range(trials):
        rng = RNG(trial)
        noise = rng.normal(size=n)
        errors = np.zeros(n)
        errors[0] = noise[0]
        for i in range(1, n):
            errors[i] = 0.9 * errors[i - 1] + noise[i]
        times = START_US + np.arange(n) * HOUR_US
        for hours in held:
            b = Bootstrap.of(times, hours * HOUR_US, 200, 0.95, RNG(1000 + trial))
            found = b.interval(b.ratio(errors[:, None], np.ones((n, 1))), 1)
            held[hours] += bool(found.low[0] < 0 < found.high[0])
    assert held[48] / trials > 0.8
    assert held[1] / trials < 0.6


def test_several_cells_have_wider_intervals() -> None:
    """For many groups at once the level of each is higher."""
    b = Bootstrap.of(START_US + np.arange(50) * HOUR_US, HOUR_US, 200, 0.95, RNG(0))
    samples = b.ratio(RNG(1).normal(size=(50, 3)), np.ones((50, 3)))
    one, many = b.interval(samples, 1), b.interval(samples, 20)
    assert np.all(many.high - many.low > 1.5 * (one.high - one.low))


def test_origins_come_up_at_every_hour() -> None:
    """The step between origins has no divisor in common with a day."""
    origins = spread_origins(TESTED, 48, 24, 300)
    assert len(origins) <= 300
    assert len(set(origins % 24)) == 24
    assert origins[-1] + 24 < TESTED.n_times


def test_seasons() -> None:
    """December is winter, March is spring."""
    at = [
        np.datetime64(d).astype("datetime64[us]").astype(np.int64)
        for d in ("2024-12-01", "2025-02-28", "2025-03-01", "2025-11-30")
    ]
    assert [SEASONS[i] for i in season_of(np.array(at))] == ["Dec-Feb", "Dec-Feb", "Mar-May", "Sep-Nov"]


def test_distances_of_distributions() -> None:
    """Nothing moved is 0; PSI and KS grow with the shift; KS is scipy's."""
    from scipy.stats import ks_2samp

    a = RNG(0).normal(size=5000)
    b = RNG(1).normal(size=5000)
    assert psi(a, b) < 0.02
    assert psi(a, b + 0.5) < psi(a, b + 1.0)
    assert psi(a, b + 1.0) > 0.25
    assert ks(a, b + 0.3) == pytest.approx(ks_2samp(a, b + 0.3).statistic)


def test_auc_is_scikit_learns() -> None:
    """Weighted and with ties, the area is that of scikit-learn."""
    from sklearn.metrics import roc_auc_score

    rng = RNG(2)
    members, others = rng.integers(0, 20, 200) / 10, rng.integers(5, 25, 300) / 10
    weights = rng.integers(0, 4, (3, 200)).astype(float), rng.integers(0, 4, (3, 300)).astype(float)
    got = auc(members, others, weights)
    truth = np.r_[np.ones(200), np.zeros(300)]
    for i in range(3):
        want = roc_auc_score(
            truth, -np.r_[members, others], sample_weight=np.r_[weights[0][i], weights[1][i]]
        )
        assert got[i] == pytest.approx(want)


def test_deletion_tells_a_true_explanation_from_a_false_one() -> None:
    """Of a sum in which one feature counts, the true parts beat chance and the turned ones do not."""
    x = RNG(3).normal(size=(300, 6))

    def model(cases: Floats) -> Floats:
        out: Floats = 3 * cases[:, 0] + cases[:, 1]
        return out

    true = permutation_parts(model, x, RNG(4))
    top, random = deletion(model, x, true, 1, RNG(5))
    assert top.mean() > 2 * random.mean()
    top, random = deletion(model, x, -true[:, ::-1], 1, RNG(5))
    assert top.mean() < random.mean()


@pytest.fixture(scope="module")
def trees() -> LightGbm:
    return LightGbm("dust", (1, 6), n_trees=25, stride=2).fit(TRAINING)


def test_contributions_of_lightgbm_are_shaps(trees: LightGbm) -> None:
    """LightGBM's own contributions, which need no extra, are those of the library shap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library itself and of what it imports
        import shap

        assert trees.boosters_ is not None
        held: Any = trees.boosters_[1, 0.5]
        booster = getattr(held, "model", held)
        assert trees.inputs_ is not None
        x = trees.inputs_.features(TESTED).values[400:440].reshape(40 * 6, -1).astype(np.float64)
        want = shap.TreeExplainer(booster).shap_values(x)
    got = booster.predict(x, pred_contrib=True)
    assert isinstance(booster, lightgbm.Booster)
    assert np.allclose(got[:, :-1], want, atol=1e-6)


def test_trees_are_explained_by_their_features(trees: LightGbm) -> None:
    """A forecaster of trees, bare or wrapped, is explained feature by feature, and truly."""
    assert trees_of(Fading()) is None

    class Wrapped:
        base = trees

    assert trees_of(Wrapped()) is trees

    class Several:
        members_ = (trees, Fading())

    assert trees_of(Several()) is None, "what matters to one member is not what matters to the mean"
    report = assured(trees, baselines=fit_baselines({"dust": trees}, TRAINING))
    result = report.result("explanations")
    assert result.verdict == "passed", result.reason
    assert "SHAP" in result.notes[0]
    assert report.result("extreme-inputs").verdict == "passed", report.result("extreme-inputs").reason


def test_the_baselines_are_the_builtin_ones() -> None:
    """Each is fitted on the training for the model's target and horizons."""
    found = fit_baselines({"dust": Fading()}, TRAINING)
    assert set(found) == {"climatology", "last-value", "seasonal"}
    assert found["seasonal"]["dust"].horizons == Fading().horizons


def test_in_a_short_period_faults_reach_less_far() -> None:
    """Ten days are enough to cut sensors in, and the report says that the windows are short."""
    short = world(24 * 12, seed=4)
    report = run_battery({"dust": Fading()}, short, Context("dust-app"), policy(), 1, baselines=BASELINES)
    result = report.result("sensor-dropout")
    assert result.numbers, result.reason
    assert "faults reach" in result.notes[0]
    tiny = run_battery({"dust": Fading()}, world(100), Context("dust-app"), policy(), 1, baselines=BASELINES)
    assert "too short" in tiny.result("sensor-dropout").reason
