"""Quantiles of groups: what numpy says of each group alone, to the bit."""

import numpy as np
import pytest

from veracity.models.forecast import LEVELS
from veracity.models.group_quantiles import group_quantiles
from veracity.models.panel_array import Floats, Ints
from veracity.models.seasons import season_of


@pytest.mark.parametrize("seed", range(40))
def test_each_group_is_as_numpy_says(seed: int) -> None:
    """Any sizes, ties, values that are not known: the same as ``numpy.nanquantile`` of each, to the bit."""
    rng = np.random.default_rng(seed)
    n, n_groups = int(rng.integers(1, 300)), int(rng.integers(1, 30))
    values = rng.normal(10, 5, (n, int(rng.integers(1, 6))))
    values = np.round(values, 1) if seed % 3 == 0 else values
    values[rng.random(values.shape) < (0.0, 0.3, 0.97)[seed % 3]] = np.nan
    groups = rng.integers(0, n_groups, n)
    levels = (0.0, *LEVELS, 1 / 3, 1.0)
    found, n_known = group_quantiles(values, groups, n_groups, levels)
    assert np.array_equal(found, one_by_one(values, groups, n_groups, levels), equal_nan=True)
    assert n_known.tolist() == [np.isfinite(values[groups == g]).sum() for g in range(n_groups)]


def one_by_one(values: Floats, groups: Ints, n_groups: int, levels: tuple[float, ...]) -> Floats:
    """Return (g, q), group after group."""
    out = np.full((n_groups, len(levels)), np.nan)
    for g in range(n_groups):
        if np.isfinite(values[groups == g]).any():
            out[g] = np.nanquantile(values[groups == g], levels)
    return out


def test_the_infinite_is_left_out() -> None:
    """What is not finite is not known."""
    found, n_known = group_quantiles(np.array([1.0, np.inf, 3.0, -np.inf]), np.zeros(4, np.int64), 1, (0.5,))
    assert (found.tolist(), n_known.tolist()) == ([[2.0]], [2])


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_gives_nothing(shape: tuple[int, ...]) -> None:
    """Without any value every group is empty."""
    found, n_known = group_quantiles(np.zeros(shape), np.zeros(shape[0], np.int64), 2, LEVELS)
    assert np.isnan(found).all()
    assert found.shape == (2, len(LEVELS))
    assert n_known.tolist() == [0, 0]


def test_seasons_by_hours_of_a_year() -> None:
    """The cells that climatology learns: four seasons of 24 hours, over a year with a month unknown."""
    times = np.datetime64("2023-01-01", "us").astype(np.int64) + 3_600_000_000 * np.arange(24 * 365)
    values = np.random.default_rng(1).gamma(2, 10, len(times))
    values[:720] = np.nan
    cell = season_of(times) * 24 + np.arange(len(times)) % 24
    found, _ = group_quantiles(values, cell, 96, LEVELS)
    assert np.array_equal(found, one_by_one(values, cell, 96, LEVELS))
