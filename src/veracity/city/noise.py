"""Noise with a memory: what makes a simulated sensor wander like a real one."""

import numpy as np

from veracity.city.clock import STEPS_PER_HOUR, Floats


def red_noise(rng: np.random.Generator, n: int, k: int, memory_h: float, together: float = 0.0) -> Floats:
    """Return (n, k) float64: k series of unit variance that forget in ``memory_h`` hours.

    A first-order autoregression in five-minute steps. ``together`` in [0, 1] is the
    correlation between any two of the series.
    """
    keep = np.exp(-1.0 / (memory_h * STEPS_PER_HOUR))
    fresh = np.sqrt(1.0 - keep**2)
    shocks = np.sqrt(together) * rng.standard_normal((n, 1)) + np.sqrt(1.0 - together) * rng.standard_normal(
        (n, k)
    )
    out = np.empty((n, k))
    state = shocks[0]
    for i in range(n):
        state = keep * state + fresh * shocks[i] if i else state
        out[i] = state
    return out
