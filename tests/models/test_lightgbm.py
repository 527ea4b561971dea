"""Trees on features: trust, scales, and files that depend on nothing but data, parameters and seed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimating import HORIZONS, TARGET, simulated
from veracity.models.errors import BadPanel, BadParameter
from veracity.models.estimators import LightGbm
from veracity.models.evaluation import evaluate, summarise


def test_sensors_that_are_not_trusted_count_for_less() -> None:
    """A place whose sensor reads three times too high, and is known for it, misleads the others less."""
    panel = simulated(600, n_keys=4)
    values, trust = panel.values.copy(), np.ones_like(panel.values)
    values[::2, 2:, 0] *= 3
    trust[:, 2:] = 0.02
    origins = np.arange(500, 570)
    errors = []
    for believed in (None, trust):
        wrong = replace(panel, values=values, trust=believed)
        one = LightGbm(TARGET, (6,), seed=1, n_trees=30, n_leaves=7).fit(wrong.rows(slice(0, 480)))
        good = panel.select(panel.keys[:2])
        errors.append(summarise(evaluate(one.predict(good, origins=origins), good))["mae"][0])
    assert errors[1] < errors[0]


def test_what_can_be_negative_is_learned_as_it_is() -> None:
    """A temperature below 0 is forecast below 0; a log scale is refused for it."""
    panel = simulated(400)
    cold = replace(panel, values=panel.values - np.array([0.0, 40.0]))
    one = LightGbm("temp", (1,), n_trees=20).fit(cold)
    assert (one.predict(cold).median < 0).all()
    with pytest.raises(BadPanel):
        LightGbm("temp", (1,), n_trees=2, scale="log").fit(cold)


def test_files_do_not_depend_on_cores() -> None:
    """Learned on one core or two, the files are the same to the byte; with another seed they are not."""
    panel = simulated(400)
    first = LightGbm(TARGET, (1,), n_trees=3, seed=1).fit(panel).to_files()
    assert LightGbm(TARGET, (1,), n_trees=3, seed=1, n_threads=2).fit(panel).to_files() == first
    assert LightGbm(TARGET, (1,), n_trees=3, seed=2).fit(panel).to_files() != first


def test_too_little_is_refused() -> None:
    """A target of which too little is known after an origin is refused; so are odd parameters."""
    panel = simulated(100)
    gone = replace(panel, values=np.full_like(panel.values, np.nan))
    for short in (gone, panel.rows(slice(0, 20))):
        with pytest.raises(BadPanel):
            LightGbm(TARGET, HORIZONS, n_trees=2).fit(short)
    odd: list[dict[str, Any]] = [
        {"scale": "root"},
        {"n_trees": 0},
        {"least_in_leaf": 0.7},
        {"learning_rate": 0},
    ]
    for wrong in odd:
        with pytest.raises(BadParameter):
            LightGbm(TARGET, HORIZONS, **wrong)
