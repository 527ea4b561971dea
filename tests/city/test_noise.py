"""Noise with a memory."""

import numpy as np

from veracity.city.noise import red_noise


def test_variance_memory_and_company() -> None:
    """Unit variance, correlation 1/e after the memory, and the asked correlation between series."""
    x = red_noise(np.random.default_rng(1), 20_000, 6, memory_h=1.0, together=0.5)
    assert x.shape == (20_000, 6)
    assert abs(x.std() - 1.0) < 0.05
    lagged = np.mean([np.corrcoef(x[12:, i], x[:-12, i])[0, 1] for i in range(6)])
    assert abs(lagged - np.exp(-1)) < 0.05
    between = np.asarray(np.corrcoef(x.T))[np.triu_indices(6, 1)]
    assert np.abs(between - 0.5).max() < 0.1


def test_it_begins_as_it_goes_on() -> None:
    """The first step has the variance of all others: no warming up, whatever ``together`` is."""
    rng = np.random.default_rng(2)
    first = np.array([red_noise(rng, 1, 1, memory_h=5.0, together=0.8)[0, 0] for _ in range(4_000)])
    assert abs(first.std() - 1.0) < 0.05
