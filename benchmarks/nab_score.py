"""The score of the Numenta Anomaly Benchmark, written from its definition.

A detection inside a window earns, once a window and by the earliest, close to 1 at the window's
left edge and 0 at its right; a window without one costs 1. A detection outside costs by how far it
is past the window before it, at most 1 times the profile's weight of false positives. Rows of the
first 15 % of a file, at most 750, are not scored. The sum over a corpus is scaled so that a detector
that says nothing has 0 and a perfect one 100.

Source: Lavin and Ahmad, Evaluating Real-time Anomaly Detection Algorithms (2015), section II, and
the scorer of NAB 1.1 for what the paper leaves open (position within a window, ties, probation).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from veracity.data.rules.readings import Floats

PROBATION, PROBATION_ROWS = 0.15, 750


@dataclass(frozen=True)
class Profile:
    """What a user of a detector values: the weights of found, false and missed."""

    name: str
    found: float
    false: float
    missed: float


PROFILES = (
    Profile("standard", 1.0, 0.11, 1.0),
    Profile("reward low FP", 1.0, 0.22, 1.0),
    Profile("reward low FN", 1.0, 0.11, 2.0),
)


@dataclass(frozen=True)
class File:
    """A file's score of each row, (n,) float64, and its windows as first and last row."""

    score: Floats
    windows: tuple[tuple[int, int], ...]


def scaled_sigmoid(position: float) -> float:
    """Return the worth of a detection: -1 is a window's left edge, 0 its right, above 0 past it."""
    return -1.0 if position >= 3 else 2 / (1 + math.exp(5 * position)) - 1


def row_worth(n: int, windows: Sequence[tuple[int, int]]) -> tuple[Floats, list[int]]:
    """Return what a detection at each row is worth before weights, and in which window it is (-1: none)."""
    worth, inside = np.full(n, -1.0), [-1] * n
    for k, (first, last) in enumerate(windows):
        width = last - first + 1
        for i in range(first, last + 1):
            worth[i] = scaled_sigmoid(-(last - i + 1) / width) / scaled_sigmoid(-1.0)
            inside[i] = k
        until = windows[k + 1][0] if k + 1 < len(windows) else n
        for i in range(last + 1, until):
            worth[i] = scaled_sigmoid((i - last) / max(width - 1, 1))
    return worth, inside


def probation(n: int) -> int:
    """Return how many rows at a file's beginning are not scored."""
    return min(math.floor(PROBATION * n), PROBATION_ROWS)


def sweep(files: Mapping[str, File], profile: Profile) -> list[tuple[float, float]]:
    """Return (threshold, scaled score) for each threshold that changes a detection, highest first.

    A row is detected where its score is at or above the threshold. The first threshold is infinite
    and scores 0: nothing is detected.
    """
    n_windows = sum(len(f.windows) for f in files.values())
    points: list[tuple[float, float, tuple[str, int] | None]] = []
    for name, f in files.items():
        worth, inside = row_worth(len(f.score), f.windows)
        for i in np.flatnonzero(f.score > 0):
            if i >= probation(len(f.score)):
                window = (name, inside[i]) if inside[i] >= 0 else None
                points.append((float(f.score[i]), float(worth[i]), window))
    points.sort(key=lambda p: -p[0])
    best: dict[tuple[str, int], float] = {}
    raw = -profile.missed * n_windows
    out = [(math.inf, 0.0)]
    span = (profile.found + profile.missed) * n_windows
    for k, (score, value, window) in enumerate(points):
        if window is None:
            raw += profile.false * value
        else:
            old = best.get(window, -profile.missed)
            best[window] = max(old, profile.found * value)
            raw += best[window] - old
        if k + 1 == len(points) or points[k + 1][0] != score:
            out.append((score, 100 * (raw + profile.missed * n_windows) / span))
    return out


def best_threshold(files: Mapping[str, File], profile: Profile) -> tuple[float, float]:
    """Return the threshold with the highest score over a corpus, and that score."""
    return max(sweep(files, profile), key=lambda found: found[1])


def score_at(files: Mapping[str, File], profile: Profile, threshold: float) -> float:
    """Return the scaled score of a corpus at a threshold."""
    return [score for at, score in sweep(files, profile) if at >= threshold][-1]
