"""Lines in the plane, for tests: whether rings cross themselves or one another, by every pair of sides."""

from collections.abc import Sequence

import numpy as np

Ring = Sequence[tuple[float, float]] | Sequence[list[float]]


def crossings(rings: Sequence[Ring]) -> int:
    """Count pairs of sides, of one ring or of two, that have a point in common and are not neighbours."""
    starts = np.array([at for ring in rings for at in ring[:-1]])
    ends = np.array([at for ring in rings for at in ring[1:]])
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    found = 0
    for i, (a, b) in enumerate(zip(starts[:-1], ends[:-1], strict=True)):
        c, d = starts[i + 1 :], ends[i + 1 :]
        near = ((low[i + 1 :] <= high[i]) & (high[i + 1 :] >= low[i])).all(axis=1)
        c, d = c[near], d[near]
        meets = (_left(a, b, c) * _left(a, b, d) <= 0) & (_left(c, d, a) * _left(c, d, b) <= 0)
        is_next = (c == b).all(axis=1) | (d == a).all(axis=1)
        found += int((meets & ~is_next).sum())
    return found


def _left(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
    pq, pr = q - p, r - p
    return np.asarray(np.sign(pq[..., 0] * pr[..., 1] - pq[..., 1] * pr[..., 0]))
