"""The score of quantiles, against another implementation and its own limits."""

from importlib import import_module
from types import ModuleType

import numpy as np
import pytest

from veracity.models.crps import crps_of_quantiles, level_weights, pinball
from veracity.models.errors import BadParameter
from veracity.models.forecast import LEVELS


@pytest.fixture(scope="module")
def scoringrules() -> ModuleType:
    """The other implementation. It compiles itself for seconds when imported."""
    return import_module("scoringrules")


def test_evenly_spaced_levels_are_as_scoringrules(scoringrules: ModuleType) -> None:
    """For levels in the middles of equal parts the score is that of scoringrules, which weighs all alike."""
    rng = np.random.default_rng(0)
    for n in (1, 3, 9, 50):
        levels = tuple((np.arange(n) + 0.5) / n)
        values, y = np.sort(rng.normal(size=(40, n)), axis=1), rng.normal(size=40)
        want = scoringrules.crps_quantile(y, values, np.array(levels))
        assert np.allclose(crps_of_quantiles(values, levels, y), want)


def test_each_loss_is_as_scoringrules(scoringrules: ModuleType) -> None:
    """The loss of each quantile is the quantile score of scoringrules."""
    rng = np.random.default_rng(1)
    values, y = rng.normal(size=(30, len(LEVELS))), rng.normal(size=30)
    for i, level in enumerate(LEVELS):
        want = scoringrules.quantile_score(y, values[:, i], level)
        assert np.allclose(pinball(values, LEVELS, y)[:, i], want)


def test_many_quantiles_of_a_normal_give_its_score(scoringrules: ModuleType) -> None:
    """With a thousand quantiles of a normal distribution it is that distribution's CRPS."""
    from scipy.stats import norm

    levels = tuple((np.arange(1000) + 0.5) / 1000)
    y = np.linspace(-3, 3, 13)
    values = np.broadcast_to(norm.ppf(levels), (len(y), 1000))
    assert np.allclose(crps_of_quantiles(values, levels, y), scoringrules.crps_normal(y, 0.0, 1.0), atol=2e-3)


def test_logged_levels_come_close(scoringrules: ModuleType) -> None:
    """With the seven levels that are logged it is within 6 % of the normal distribution's, on average."""
    from scipy.stats import norm

    y = np.random.default_rng(2).normal(size=4000)
    values = np.broadcast_to(norm.ppf(LEVELS), (len(y), len(LEVELS)))
    ours, theirs = crps_of_quantiles(values, LEVELS, y).mean(), scoringrules.crps_normal(y, 0.0, 1.0).mean()
    assert abs(ours / theirs - 1) < 0.06


def test_what_is_not_known_has_no_score() -> None:
    """NaN stays NaN; wrong shapes and levels are refused."""
    values = np.zeros((2, len(LEVELS)))
    assert np.isnan(crps_of_quantiles(values, LEVELS, np.array([np.nan, 1.0]))).tolist() == [True, False]
    assert level_weights(LEVELS).sum() == pytest.approx(1)
    for levels, y in (((0.5,), np.zeros(2)), (LEVELS, np.zeros(3)), (LEVELS[::-1], np.zeros(2))):
        with pytest.raises(BadParameter):
            crps_of_quantiles(values, levels, y)
