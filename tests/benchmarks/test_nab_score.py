"""The score of the Numenta Anomaly Benchmark: what its definition says of small corpora."""

import math

import numpy as np
import pytest

from nab_score import PROFILES, File, best_threshold, probation, row_worth, scaled_sigmoid, score_at, sweep

STANDARD, LOW_FP, LOW_FN = PROFILES
WINDOWS = ((40, 49), (80, 89))


def corpus(*rows: int, n: int = 100) -> dict[str, File]:
    score = np.zeros(n)
    score[list(rows)] = 1.0
    return {"a": File(score, WINDOWS)}


def test_the_sigmoid_has_the_published_values() -> None:
    """The left edge is worth 0.98661, the middle 0.84828, the right edge 0, far past -1."""
    assert round(scaled_sigmoid(-1), 5) == 0.98661
    assert round(scaled_sigmoid(-0.5), 5) == 0.84828
    assert scaled_sigmoid(0) == 0
    assert round(scaled_sigmoid(1), 5) == -0.98661
    assert scaled_sigmoid(3) == -1


def test_nothing_is_0_and_perfect_is_100() -> None:
    """No detection scores 0; the first row of each window, and no other, scores 100."""
    for p in PROFILES:
        assert score_at(corpus(), p, 0.5) == 0
        assert score_at(corpus(40, 80), p, 0.5) == pytest.approx(100)


def test_a_window_is_credited_once_by_its_earliest_detection() -> None:
    """More detections in a window change nothing; a later one alone is worth less."""
    once = score_at(corpus(42), STANDARD, 0.5)
    assert score_at(corpus(42, 45, 49), STANDARD, 0.5) == once
    assert 0 < score_at(corpus(48), STANDARD, 0.5) < once < 50


def test_false_detections_cost_by_profile_and_distance() -> None:
    """One far from any window costs its weight; one just past a window costs less."""
    span = 2 * 2
    assert score_at(corpus(30), STANDARD, 0.5) == pytest.approx(-100 * 0.11 / span)
    assert score_at(corpus(30), LOW_FP, 0.5) == pytest.approx(-100 * 0.22 / span)
    assert score_at(corpus(30), LOW_FN, 0.5) == pytest.approx(-100 * 0.11 / (2 * 3))
    near, far = score_at(corpus(50), STANDARD, 0.5), score_at(corpus(79), STANDARD, 0.5)
    assert -100 * 0.11 / span == pytest.approx(far)
    assert far < near < 0


def test_the_first_rows_are_on_probation() -> None:
    """Detections in the first 15 %, at most 750 rows, neither earn nor cost."""
    assert [probation(n) for n in (100, 1127, 10_000)] == [15, 169, 750]
    assert score_at(corpus(0, 14), STANDARD, 0.5) == 0
    assert score_at(corpus(15), STANDARD, 0.5) < 0


def test_the_worth_of_rows() -> None:
    """Each row knows its window; before the first window a detection is worth the least."""
    worth, inside = row_worth(100, WINDOWS)
    assert inside[39:41] + inside[49:51] + inside[89:91] == [-1, 0, 0, -1, 1, -1]
    assert worth[40] == pytest.approx(1)
    assert (worth[:40] == -1).all()
    assert (np.diff(worth[40:78]) <= 0).all()


def test_the_sweep_finds_the_best_threshold() -> None:
    """The best of all thresholds is found; equal scores are detected together."""
    score = np.zeros(100)
    score[[40, 80]] = [5.0, 3.0]
    score[[20, 30]] = [4.0, 1.0]
    files = {"a": File(score, WINDOWS)}
    assert [t for t, _ in sweep(files, STANDARD)] == [math.inf, 5.0, 4.0, 3.0, 1.0]
    threshold, best = best_threshold(files, STANDARD)
    assert threshold == 3
    assert best == pytest.approx(100 - 100 * 0.11 / 4)
    score[30] = 3.0
    assert best_threshold(files, STANDARD)[1] == pytest.approx(100 - 100 * 0.22 / 4)
