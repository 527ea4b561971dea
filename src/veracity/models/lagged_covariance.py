"""Covariances of series at lags, and the best linear estimate of one of them from what is known around it.

The series are centred. A gap has an edge before it and, in an archive, one after it; what the other series
said at those edges, and what they say now, tells how far this one has moved since.
"""

import numpy as np

from veracity.models.panel_array import Bools, Floats, Ints

BATCH = 2_000
LEAST_VARIANCE = 1e-6


def lagged_covariance(z: Floats, longest: int, weights: Floats | None = None) -> Floats:
    """Return (longest + 1, s, s): entry ``[lag, a, b]`` is of ``a`` at a time with ``b`` that much before.

    Parameters
    ----------
    z
        (n, s) centred series, NaN where unknown; each pair is of the times that both know.
    weights
        (n,) of each time, such as 0 for times that are held back; all 1 by default.
    """
    known = np.isfinite(z).astype(np.float64)
    if weights is not None:
        known *= weights[:, None]
    values = np.nan_to_num(z) * known
    n = len(z)
    out = np.zeros((longest + 1, z.shape[1], z.shape[1]))
    for lag in range(min(longest, n - 1) + 1):
        late, early = slice(lag, n), slice(0, n - lag)
        out[lag] = (values[late].T @ values[early]) / np.maximum(known[late].T @ known[early], 1.0)
    return out


def steps_since(known: Bools, longest: int) -> Ints:
    """Return (n, k): how many steps before each time the last known one is; ``longest + 1`` for none near.

    Examples
    --------
    >>> steps_since(np.array([[True], [False], [False], [True]]), 8).ravel().tolist()
    [9, 1, 2, 3]
    """
    n, k = known.shape
    out = np.empty((n, k), np.int64)
    since = np.full(k, longest + 1)
    for i in range(n):
        out[i] = since
        since = np.where(known[i], 1, np.minimum(since + 1, longest + 1))
    return out


def steps_until(known: Bools, longest: int) -> Ints:
    """Return (n, k): how many steps after each time the next known one is; ``longest + 1`` for none near."""
    return steps_since(known[::-1], longest)[::-1]


def best_linear(
    z: Floats, covariance: Floats, noise: Floats, times: Ints, edges: list[Ints], ridge: float
) -> tuple[Floats, Floats]:
    """Estimate the first series at some times, as if it were unknown there.

    Parameters
    ----------
    z
        (n, s) centred series, NaN where unknown.
    covariance
        (lags, s, s) of ``lagged_covariance``; lags beyond are taken as unrelated.
    noise
        (n, s) variance of each value's own error, on top of what ``covariance`` has.
    times
        (m,) places in ``z``.
    edges
        Up to two of (m,) int64: steps from each time to its gap's edges, negative before and positive
        after it; 0 for an edge that is too far to tell.
    ridge
        Share of its own variance that each known value's variance is raised by: what is learned from few
        times is trusted less.

    Returns
    -------
    mean, deviation
        (m,) each: of the first series; where nothing is known, 0 and its own deviation.
    """
    mean, deviation = np.zeros(len(times)), np.zeros(len(times))
    for start in range(0, len(times), BATCH):
        part = slice(start, start + BATCH)
        steps = np.stack([np.zeros(len(times[part]), np.int64), *(e[part] for e in edges)])
        mean[part], deviation[part] = _solve(z, covariance, noise, times[part], steps, ridge)
    return mean, deviation


def _solve(
    z: Floats, covariance: Floats, noise: Floats, times: Ints, steps: Ints, ridge: float
) -> tuple[Floats, Floats]:
    n, s = z.shape
    m, o = len(times), len(steps)
    at = np.clip(times[None, :] + steps, 0, n - 1)  # (o, m)
    x = np.moveaxis(z[at], 0, 1).copy()  # (m, o, s)
    x[:, 1:][np.moveaxis(steps[1:] == 0, 0, 1)] = np.nan
    x[:, 0, 0] = np.nan
    extra = np.nan_to_num(np.moveaxis(noise[at], 0, 1)).reshape(m, o * s)
    known = np.isfinite(x).reshape(m, o * s)
    both = np.empty((m, o, s, o, s))
    with_first = np.empty((m, o, s))
    for i in range(o):
        for j in range(o):
            both[:, i, :, j, :] = _between(covariance, steps[i] - steps[j])
        with_first[:, i] = _between(covariance, -steps[i])[:, 0]
    gram = both.reshape(m, o * s, o * s) * (known[:, :, None] & known[:, None, :])
    own = np.tile(np.diagonal(covariance[0]), o)[None, :] * (1 + ridge) + extra + LEAST_VARIANCE
    diagonal = np.arange(o * s)
    gram[:, diagonal, diagonal] = np.where(known, own, 1.0)
    target = with_first.reshape(m, o * s) * known
    weights = np.linalg.solve(gram, target[:, :, None])[:, :, 0]
    mean = np.einsum("mi,mi->m", weights, np.nan_to_num(x).reshape(m, o * s))
    variance = covariance[0, 0, 0] - np.einsum("mi,mi->m", weights, target)
    least = max(LEAST_VARIANCE, 1e-3 * float(covariance[0, 0, 0]))  # pairs of unlike times can fall below 0
    return mean, np.sqrt(np.maximum(variance, least))


def _between(covariance: Floats, lags: Ints) -> Floats:
    """Return (m, s, s) of pairs that many steps apart, the first one later; zero beyond what was learned."""
    far = np.abs(lags) >= len(covariance)
    found = covariance[np.minimum(np.abs(lags), len(covariance) - 1)]
    turned = np.where((lags >= 0)[:, None, None], found, np.swapaxes(found, 1, 2))
    out: Floats = np.where(far[:, None, None], 0.0, turned)
    return out
