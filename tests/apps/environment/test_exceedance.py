"""The chance of passing a threshold: right between quantiles, never rising, sensible beyond them."""

import numpy as np
import pytest
from scipy.stats import norm

from veracity.apps.environment.exceedance import exceedance
from veracity.models.forecast import LEVELS

NORMAL = norm.ppf(LEVELS, loc=50, scale=10)


def test_at_a_quantile_it_is_what_is_left() -> None:
    """At the quantile of a level, all above it is left."""
    for level, value in zip(LEVELS, NORMAL, strict=True):
        assert exceedance(NORMAL, LEVELS, value) == pytest.approx(1 - level)


def test_it_never_rises() -> None:
    """A higher threshold is never likelier to be passed; chances are from 0 to 1."""
    chances = [float(exceedance(NORMAL, LEVELS, t)) for t in np.linspace(-200, 300, 501)]
    assert np.all(np.diff(chances) <= 1e-12)
    assert 0 <= min(chances) < 1e-6
    assert 1 - 1e-6 < max(chances) <= 1


def test_it_is_near_the_truth() -> None:
    """Of a normal distribution it is within two points everywhere."""
    for t in np.linspace(10, 90, 81):
        assert float(exceedance(NORMAL, LEVELS, t)) == pytest.approx(norm.sf(t, 50, 10), abs=0.02)


def test_all_places_at_once() -> None:
    """Axes before the last are kept; what is not known stays unknown."""
    values = np.stack([NORMAL, np.full(7, np.nan), np.full(7, 5.0)])[None]
    chance = exceedance(values, LEVELS, 50.0)
    assert chance.shape == (1, 3)
    assert chance[0, 0] == pytest.approx(0.5)
    assert np.isnan(chance[0, 1])
    assert chance[0, 2] == 0.0


def test_quantiles_that_are_one() -> None:
    """Where all quantiles are one value, it is passed up to there and not beyond."""
    same = np.full(7, 5.0)
    assert float(exceedance(same, LEVELS, 4.9)) == 1.0
    assert float(exceedance(same, LEVELS, 5.1)) == 0.0


def test_many_at_once_are_as_one_by_one() -> None:
    """Plateaus, thresholds on a quantile, between and beyond: as row after row, by hand."""
    rng = np.random.default_rng(3)
    values = np.sort(np.round(rng.normal(50, 10, (400, 7)), 1), axis=-1)
    values[::7, 2:5] = values[::7, 2:3]
    values[5] = np.nan
    values[6, 3] = np.nan
    for threshold in (*values[10], -100.0, 30.0, 44.5, 50.0, 61.25, 200.0):
        want = [one_chance(row, float(threshold)) for row in values]
        np.testing.assert_allclose(exceedance(values, LEVELS, float(threshold)), want, rtol=0, atol=1e-15)


def one_chance(row: "np.typing.NDArray[np.float64]", threshold: float) -> float:
    """Return the chance by ``numpy.interp``, and by the exponential beyond it."""
    if np.isnan(row).any():
        return np.nan
    if row[0] <= threshold <= row[-1]:
        return float(1 - np.interp(threshold, row, LEVELS))
    above = threshold > row[-1]
    beyond, gap = (threshold - row[-1], row[-1] - row[-2]) if above else (row[0] - threshold, row[1] - row[0])
    outer, inner = (LEVELS[-1], LEVELS[-2]) if above else (1 - LEVELS[0], 1 - LEVELS[1])
    scale = gap / np.log((1 - inner) / (1 - outer))
    tail = (1 - outer) * np.exp(-beyond / scale) if scale > 0 else 0.0
    return float(tail if above else 1 - tail)
