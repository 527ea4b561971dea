"""Whether explanations are true: taking away what is said to matter must hurt more than chance.

An explanation gives each feature of each case its part in the answer. The features with the largest parts are
replaced by those of other cases, and the answer must then move further than when as many features are picked
at random. An explanation that fails tells a story about a model, not the model's.

References
----------
Samek and others (2017), "Evaluating the visualization of what a deep neural network has learned"; Hooker and
others (2019), "A benchmark for interpretability methods in deep neural networks".
"""

from collections.abc import Callable

import numpy as np

from veracity.models.panel_array import Floats, Ints

Predict = Callable[[Floats], Floats]
_REPEATS = 8


def deletion(
    predict: Predict, x: Floats, parts: Floats, n_out: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return how far answers move without the features said to matter, and without random ones.

    Parameters
    ----------
    x
        (n, f) cases.
    parts
        (n, f): the part of each feature in each answer, by the explanation.
    n_out
        Features taken out of each case.

    Returns
    -------
    top, random
        (n,) mean absolute change of the answer.
    """
    whole = predict(x)
    ranked = np.argsort(-np.abs(np.nan_to_num(parts)), axis=1, kind="stable")
    top, random = np.zeros(len(x)), np.zeros(len(x))
    for _ in range(_REPEATS):
        other = x[rng.permutation(len(x))]
        picked = rng.permuted(np.tile(np.arange(x.shape[1]), (len(x), 1)), axis=1)
        top += np.abs(predict(_without(x, other, ranked[:, :n_out])) - whole)
        random += np.abs(predict(_without(x, other, picked[:, :n_out])) - whole)
    return top / _REPEATS, random / _REPEATS


def permutation_parts(predict: Predict, x: Floats, rng: np.random.Generator) -> Floats:
    """Return (n, f): how far each answer moves when one feature comes from other cases."""
    whole = predict(x)
    parts = np.zeros(x.shape)
    for _ in range(_REPEATS):
        other = x[rng.permutation(len(x))]
        for f in range(x.shape[1]):
            moved = x.copy()
            moved[:, f] = other[:, f]
            parts[:, f] += np.abs(predict(moved) - whole)
    out: Floats = parts / _REPEATS
    return out


def agreement(a: Floats, b: Floats) -> float:
    """Return the rank correlation of two sets of importances; 1 where neither tells features apart.

    Examples
    --------
    >>> agreement(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0]))
    1.0
    """
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 1.0 if np.ptp(a) == np.ptp(b) else 0.0
    return float(np.clip(np.corrcoef(_ranks(a), _ranks(b))[0, 1], -1.0, 1.0))


def _ranks(values: Floats) -> Floats:
    """Return the rank of each value from 1, equal ones sharing the mean of theirs."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[at]
    return ranks


def _without(x: Floats, other: Floats, which: Ints) -> Floats:
    out = x.copy()
    rows = np.arange(len(x))[:, None]
    out[rows, which] = other[rows, which]
    return out
