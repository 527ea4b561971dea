"""Robust least squares that gives the same bits on every machine.

A sum of floats depends on its order, and the order in which BLAS or NumPy's reductions add depends
on the CPU. Here every sum folds an array in halves, number by number, so that only single IEEE 754
operations are left, and those are defined to the last bit.
"""

import numpy as np
import numpy.typing as npt

from veracity.data.calibration.errors import CannotCalibrate

Floats = npt.NDArray[np.float64]

HUBER = 1.345  # 95 % as good as least squares where errors are normal (Huber 1981, section 7.8)
NORMAL = 1.4826  # from the median absolute deviation to a standard deviation, for normal errors
ROUNDS = 100
SETTLED = 1e-11  # relative change of the fitted values that ends the rounds
DEPENDENT = 1e-5  # what is left of a column, of 1, that the others do not say already


def folded_sum(values: Floats) -> float:
    """Return the sum of ``values: (n,)``, folded in halves: the same bits everywhere, error O(log n)."""
    while values.size > 1:
        half = values.size // 2
        folded = values[:half] + values[half : 2 * half]
        values = np.append(folded, values[-1:]) if values.size % 2 else folded
    return float(values[0]) if values.size else 0.0


def solve(columns: Floats, y: Floats, names: tuple[str, ...]) -> Floats:
    """Return the least-squares coefficients of ``columns: (k, n)`` for ``y: (n,)``, ``n >= k``.

    Modified Gram-Schmidt with ``y`` as a last column (Björck 1967), as good as Householder's QR.

    Raises
    ------
    CannotCalibrate
        If a column is (nearly) a combination of those before it; ``names`` are for the message.
    """
    k = len(columns)
    q, rest = [c.copy() for c in columns], y.copy()
    r, right = np.zeros((k, k)), np.zeros(k)
    for j in range(k):
        whole = float(np.sqrt(folded_sum(columns[j] * columns[j])))
        r[j, j] = np.sqrt(folded_sum(q[j] * q[j]))
        if not r[j, j] > DEPENDENT * whole:
            raise CannotCalibrate(
                f"{names[j]}: want a column of its own, got one that the others give already"
            )
        q[j] = q[j] / r[j, j]
        for i in range(j + 1, k):
            r[j, i] = folded_sum(q[j] * q[i])
            q[i] = q[i] - r[j, i] * q[j]
        right[j] = folded_sum(q[j] * rest)
        rest = rest - right[j] * q[j]
    found = np.zeros(k)
    for j in reversed(range(k)):
        above = right[j]
        for i in range(j + 1, k):
            above = above - r[j, i] * found[i]
        found[j] = above / r[j, j]
    return found


def combine(columns: Floats, coefficients: Floats) -> Floats:
    """Return the sum of ``columns: (k, n)`` times ``coefficients: (k,)``, added in order."""
    made: Floats = columns[0] * coefficients[0]
    for column, coefficient in zip(columns[1:], coefficients[1:], strict=True):
        made = made + column * coefficient
    return made


def fit_robustly(columns: Floats, y: Floats, names: tuple[str, ...]) -> tuple[Floats, float]:
    """Fit ``y: (n,)`` by ``columns: (k, n)`` with Huber's weights; return coefficients and spread.

    Iteratively reweighted least squares from the ordinary fit: a residual beyond 1.345 spreads
    counts for less, the more so the larger it is. The spread is 1.4826 times the median absolute
    residual. A reading that is wrong in ``y`` hardly moves the fit; one that is far out in a
    column still can (Huber's weights do not see leverage): range rules should have caught it.

    Raises
    ------
    CannotCalibrate
        As ``solve``.
    """
    found = solve(columns, y, names)
    made = combine(columns, found)
    spread = 0.0
    for _ in range(ROUNDS):
        off = np.abs(y - made)
        spread = NORMAL * float(np.median(off))
        if not spread > 0:
            break  # more than half of the points lie on the line
        root = np.sqrt(HUBER * spread / np.maximum(off, HUBER * spread))
        found = solve(columns * root, y * root, names)
        last, made = made, combine(columns, found)
        if np.max(np.abs(made - last)) <= SETTLED * np.max(np.abs(made)):
            break
    return found, spread
