"""Least squares against NumPy's, and sums that do not depend on the machine."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.data.calibration import CannotCalibrate
from veracity.data.calibration.least_squares import fit_robustly, folded_sum, solve


@given(st.lists(st.floats(-1e9, 1e9), max_size=70))
def test_folded_sum_is_a_sum(values: list[float]) -> None:
    """A folded sum is the exact sum within the error of adding in pairs."""
    want = math.fsum(values)
    error = 8 * 2.0**-52 * math.fsum(map(abs, values))
    assert folded_sum(np.array(values)) == pytest.approx(want, rel=0, abs=error)


@pytest.mark.parametrize("seed", range(10))
def test_solve_agrees_with_numpy(seed: int) -> None:
    """Coefficients agree with LAPACK's to ten digits, badly scaled columns included."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(5, 200)) * 10.0 ** rng.integers(-3, 4, 5)[:, None]
    y = rng.normal(size=200)
    want = np.linalg.lstsq(columns.T, y, rcond=None)[0]
    assert solve(columns, y, tuple("abcde")) == pytest.approx(want, rel=1e-9)


def test_huber_is_between_mean_and_median() -> None:
    """Of the constant alone, Huber's estimate solves its own equation: clipped residuals sum to nothing."""
    y = np.random.default_rng(0).standard_t(2, 501)
    (found,), spread = fit_robustly(np.ones((1, 501)), y, ("offset",))
    clipped = np.clip(y - found, -1.345 * spread, 1.345 * spread)
    assert abs(clipped.sum()) < 1e-6
    assert abs(found) < 0.2


def test_columns_that_agree_are_named() -> None:
    """A column that is a combination of others raises, with its name."""
    x = np.arange(10.0)
    with pytest.raises(CannotCalibrate, match="b: want a column of its own"):
        solve(np.stack([np.ones(10), x, 3 * x - 2]), x, ("one", "a", "b"))


def test_an_exact_line_needs_no_rounds() -> None:
    """Where most points lie on the line exactly there is no spread to weigh by."""
    x = np.arange(100.0)
    y = np.where(x == 50, 1e6, 2 * x + 1)
    found, _ = fit_robustly(np.stack([np.ones(100), x]), y, ("offset", "gain"))
    assert found == pytest.approx([1, 2], abs=1e-6)
