"""Where a share lies, given how often a thing held and failed: quantiles of the Beta distribution.

The regularised incomplete beta function by its continued fraction (modified Lentz), the
quantile by Newton's steps inside a bracket that only shrinks.

References
----------
NIST Digital Library of Mathematical Functions, 8.17.22 (the fraction) and 5.11.1 (ln gamma).
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST = 1e6  # a + b: the fraction needs some multiple of its square root of terms
_TERMS = 4_000
_STEPS = 60  # halving alone comes below 1e-17
_TINY = 1e-300
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def beta_interval(a: Floats, b: Floats, mass: float = 0.9) -> tuple[Floats, Floats]:
    """Return the equal-tailed interval that holds ``mass`` of Beta(a, b).

    Parameters
    ----------
    a, b
        (n,) float64, positive, ``a + b`` at most 1e6.
    mass
        Between 0 and 1: a tail of ``(1 - mass) / 2`` lies on each side.

    Returns
    -------
    low, high
        (n,) float64, within 1e-9 of the exact quantiles for ``a`` and ``b`` of at least 0.1.
    """
    tail = (1 - mass) / 2
    return beta_quantile(tail, a, b), beta_quantile(1 - tail, a, b)


def beta_quantile(p: float, a: Floats, b: Floats) -> Floats:
    """Return x with ``I_x(a, b) = p``, for ``0 < p < 1``; each of (n,) float64."""
    low, high = np.zeros(len(a)), np.ones(len(a))
    x = np.clip(a / (a + b), 1e-6, 1 - 1e-6)
    log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    todo = np.arange(len(a))
    for _ in range(_STEPS):
        if not len(todo):
            break
        at, at_a, at_b = x[todo], a[todo], b[todo]
        over = incomplete_beta(at, at_a, at_b) - p
        high[todo] = np.where(over > 0, at, high[todo])
        low[todo] = np.where(over > 0, low[todo], at)
        log_density = (at_a - 1) * np.log(at) + (at_b - 1) * np.log1p(-at) - log_beta[todo]
        step = over / np.exp(np.clip(log_density, -700, 700))
        new = at - step
        inside = (new > low[todo]) & (new < high[todo])
        x[todo] = np.where(inside, new, (low[todo] + high[todo]) / 2)
        todo = todo[np.abs(x[todo] - at) > 1e-12]
    return x


def incomplete_beta(x: Floats, a: Floats, b: Floats) -> Floats:
    """Return ``I_x(a, b)``: the probability that Beta(a, b) is at most x. All (n,), ``0 < x < 1``.

    The error is below 1e-10 for ``a + b`` up to 10,000.
    """
    front = np.exp(a * np.log(x) + b * np.log1p(-x) - log_gamma(a) - log_gamma(b) + log_gamma(a + b))
    turned = x > (a + 1) / (a + b + 2)  # the fraction converges fast on one side of the mean
    fraction = _fraction(np.where(turned, 1 - x, x), np.where(turned, b, a), np.where(turned, a, b))
    part = front * fraction / np.where(turned, b, a)
    return np.where(turned, 1 - part, part)


def log_gamma(x: Floats) -> Floats:
    """Return ln gamma(x) for (n,) positive x: Stirling's series at ``x + 8``, stepped down."""
    product = np.ones_like(x)
    for k in range(8):
        product = product * (x + k)
    z = x + 8
    series: Floats = np.zeros_like(x)
    for k, c in enumerate(_STIRLING):
        series = series + c / z ** (2 * k + 1)
    out: Floats = (z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi) + series - np.log(product)
    return out


def _fraction(x: Floats, a: Floats, b: Floats) -> Floats:
    """Return DLMF 8.17.22's fraction over all (n,), until no term changes any by 1e-14 of it."""
    c = np.ones_like(x)
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    out = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away(1 + even * d)
        c = _away(1 + even / c)
        out = out * d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away(1 + odd * d)
        c = _away(1 + odd / c)
        out = out * d * c
        if np.all(np.abs(d * c - 1) < 1e-14):
            break
    return out


def _away(x: Floats) -> Floats:
    """Keep a divisor away from zero."""
    return np.where(np.abs(x) < _TINY, _TINY, x)
