"""Quantiles of the Beta distribution, against exact and closed forms."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.beta_interval import beta_interval, beta_quantile, incomplete_beta, log_gamma


def exact(x: Fraction, a: int, b: int) -> Fraction:
    """I_x(a, b) of whole numbers: the chance of at least ``a`` heads in ``a + b - 1`` throws."""
    n = a + b - 1
    return sum((math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1)), Fraction(0))


def series(x: float, a: float, b: float) -> float:
    """I_x(a, b) by its power series, for x below one half (DLMF 8.17.7)."""
    terms, term = [], 1.0
    for n in range(400):
        terms.append(term / (a + n))
        term *= (n + 1 - b) / (n + 1) * x
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.exp(a * math.log(x) - log_beta) * math.fsum(terms)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 999))
def test_whole_numbers_agree_with_exact_fractions(a: int, b: int, permille: int) -> None:
    """With whole a and b the function is a sum of binomials, which fractions give exactly."""
    x = Fraction(permille, 1000)
    got = incomplete_beta(np.array([float(x)]), np.array([float(a)]), np.array([float(b)]))[0]
    assert got == pytest.approx(float(exact(x, a, b)), abs=1e-11)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.1, 60), st.floats(0.1, 12), st.floats(0.01, 0.45))
def test_other_numbers_agree_with_the_power_series(a: float, b: float, x: float) -> None:
    """Between whole numbers a second method gives the same."""
    got = incomplete_beta(np.array([x]), np.array([a]), np.array([b]))[0]
    assert got == pytest.approx(series(x, a, b), abs=1e-10)


@pytest.mark.parametrize("p", [0.05, 0.5, 0.95])
def test_closed_forms(p: float) -> None:
    """Beta(a, 1), Beta(1, b) and the arcsine law have quantiles that can be written down."""
    a = np.array([0.3, 1.0, 2.0, 37.5, 5_000.0])
    assert beta_quantile(p, a, np.ones(5)) == pytest.approx(p ** (1 / a), abs=1e-9)
    assert beta_quantile(p, np.ones(5), a) == pytest.approx(1 - (1 - p) ** (1 / a), abs=1e-9)
    half = np.array([0.5])
    assert beta_quantile(p, half, half)[0] == pytest.approx(math.sin(math.pi * p / 2) ** 2, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.1, 4_000), st.floats(0.1, 4_000))
def test_a_quantile_is_turned_back(a: float, b: float) -> None:
    """The share below the quantile of p is p, and the mean lies where a skewed interval lets it."""
    low, high = beta_interval(np.array([a]), np.array([b]))
    assert 0 <= low[0] < high[0] <= 1
    for p, x in ((0.05, low), (0.95, high)):
        if 1e-9 < x[0] < 1 - 1e-9:
            around = [
                incomplete_beta(np.clip(x + d, 1e-15, 1 - 1e-15), np.array([a]), np.array([b]))[0]
                for d in (-1e-9, 1e-9)
            ]
            assert around[0] - 1e-9 <= p <= around[1] + 1e-9


def test_log_gamma_is_the_library_s() -> None:
    """Our vectorised ln gamma is Python's to 13 digits."""
    x = np.concatenate([np.linspace(0.05, 30, 500), np.geomspace(30, 1e6, 200)])
    want = np.array([math.lgamma(v) for v in x])
    assert log_gamma(x) == pytest.approx(want, rel=1e-13, abs=1e-12)


def test_the_largest_still_converge() -> None:
    """At the largest a and b that settings allow the interval is the normal one."""
    a, b = np.array([400_000.0]), np.array([100_000.0])
    low, high = beta_interval(a, b)
    sd = math.sqrt(0.8 * 0.2 / 500_001)
    assert low[0] == pytest.approx(0.8 - 1.6449 * sd, abs=1e-6)
    assert high[0] == pytest.approx(0.8 + 1.6449 * sd, abs=1e-6)
