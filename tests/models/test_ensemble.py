"""Weights of an ensemble: learned on what no member had seen."""

import numpy as np
import pytest

from estimating import HORIZONS, TARGET, simulated
from veracity.models.errors import BadPanel, BadParameter
from veracity.models.estimators import Ensemble
from veracity.models.estimators.ensemble import N_STEPS, PACE, learn_weights
from veracity.models.forecast import LEVELS


def test_the_better_member_counts_more() -> None:
    """Of one that knows and one that guesses, the first gets nearly all; of equals, both the same."""
    rng = np.random.default_rng(0)
    came = rng.normal(size=(200, 3))
    knows = came[..., None] + 0.1 * np.linspace(-1, 1, 7)
    guesses = rng.normal(0, 3, (200, 3, 7))
    weights = learn_weights(np.stack([knows, guesses]), came, LEVELS)
    assert weights[0] > 0.9
    assert weights.sum() == pytest.approx(1)
    assert learn_weights(np.stack([knows, knows]), came, LEVELS) == pytest.approx([0.5, 0.5])


def test_weights_are_those_of_the_plain_sums() -> None:
    """The steps written out, loss by loss and member by member, give the same weights."""
    from veracity.models.crps import level_weights, pinball

    rng = np.random.default_rng(5)
    came = rng.gamma(2, 10, (60, 4))
    said = np.sort(came[None, ..., None] + rng.normal(0, 8, (3, 60, 4, 7)), axis=-1)
    levels, share = np.array(LEVELS), level_weights(LEVELS)
    weights, unit, tried = np.full(3, 1 / 3), np.abs(said - came[None, ..., None]).mean(), []
    for _ in range(N_STEPS):
        mean = sum(w * one for w, one in zip(weights, said, strict=True))
        tried.append((float((pinball(mean, LEVELS, came) @ share).mean()), weights))
        slope = np.where(came[..., None] >= mean, -levels, 1 - levels) * share
        gradient = np.array([(slope * one).sum(axis=-1).mean() for one in said]) / unit
        weights = weights * np.exp(-PACE * (gradient - gradient.min()) / np.sqrt(3))
        weights = weights / weights.sum()
    want = min(tried, key=lambda one: one[0])[1]
    assert learn_weights(said, came, LEVELS) == pytest.approx(want, rel=1e-9)


def test_nothing_known_gives_equal_weights() -> None:
    """Where no outcome is known there is nothing to prefer one by."""
    said = np.zeros((3, 5, 2, 7))
    assert learn_weights(said, np.full((5, 2), np.nan), LEVELS).tolist() == pytest.approx([1 / 3] * 3)


def test_a_mean_scores_no_worse_than_its_members() -> None:
    """On what weights were learned on, the mean scores at least as well as with equal weights."""
    from veracity.models.crps import crps_of_quantiles

    rng = np.random.default_rng(1)
    came = rng.normal(size=(300, 2))
    said = np.sort(came[None, ..., None] + rng.normal(0, [[[[1.0]]], [[[2.0]]]], (2, 300, 2, 7)), axis=-1)
    weights = learn_weights(said, came, LEVELS)
    best = crps_of_quantiles(np.tensordot(weights, said, 1), LEVELS, came).mean()
    assert best <= crps_of_quantiles(said.mean(axis=0), LEVELS, came).mean() + 1e-12


def test_members_are_checked() -> None:
    """Members that there are not, or that say twice what is said once, are refused when made."""
    for members in ((), ({"name": "ridge"},), ({"name": "x", "parameters": {}},), ("ridge",)):
        with pytest.raises(BadParameter):
            Ensemble(TARGET, HORIZONS, members=members)  # type: ignore[arg-type]
    with pytest.raises(BadPanel):
        Ensemble(TARGET, HORIZONS, members=({"name": "last_value", "parameters": {}},)).fit(simulated(100))
