"""Calibration: whether it happens as often as a model says."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from veracity.models.assurance.cases import ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.assurance.skill import span
from veracity.models.panel_array import Bools, Floats
from veracity.models.seasons import SEASONS, season_of

SHARES = (0.8, 0.95)


def reliability(case: ForecastCase) -> Found:
    """Return the share of outcomes below each quantile, and its distance from the quantile's level."""
    scored = case.scored
    levels = scored.forecast.levels
    with np.errstate(invalid="ignore"):
        below = scored.y[..., None] <= scored.forecast.values
    hits = np.where(scored.counts[..., None], below, 0.0).sum(axis=1).sum(axis=1)
    n = np.where(scored.counts, 1.0, 0.0).sum(axis=(1, 2))[:, None]
    samples = case.bootstrap.ratio(hits, n)
    counts = np.full(len(levels), n.sum())
    labels: list[Mapping[str, str]] = [{"level": f"{q:g}"} for q in levels]
    least = case.policy.n_least
    observed = case.bootstrap.numbers("observed", samples, counts, labels, least)
    apart = _apart(observed)
    return Found((*observed, *apart, *_histogram(case, samples, n.sum())))


def _apart(observed: tuple[Number, ...]) -> list[Number]:
    """Return how far each share is from its level, without sign; an interval across 0 begins at 0."""
    out = []
    for o in observed:
        assert o.low is not None
        assert o.high is not None
        level = float(o.of["level"])
        ends = sorted((abs(o.low - level), abs(o.high - level)))
        low = 0.0 if o.low <= level <= o.high else ends[0]
        out.append(Number("distance", abs(o.value - level), low, ends[1], o.n, o.of, o.judged))
    return out


def _histogram(case: ForecastCase, below: Floats, n: float) -> tuple[Number, ...]:
    """Return the histogram of the probability integral transform: outcomes in a bin over those due."""
    levels = np.array([0.0, *case.scored.forecast.levels, 1.0])
    ones = np.ones((len(below), 1))
    shares = np.diff(np.concatenate([0 * ones, below, ones], axis=1), axis=1) / np.diff(levels)
    labels: list[Mapping[str, str]] = [{"bin": f"{a:g} to {b:g}"} for a, b in pairwise(levels)]
    return case.bootstrap.numbers("pit", shares, np.full(len(labels), n), labels, case.policy.n_least)


def coverage(case: ForecastCase) -> Found:
    """Return the coverage of the 80 % and the 95 % intervals, by horizon and by season."""
    y = case.scored.y
    cells: list[tuple[Mapping[str, str], Bools]] = []
    for i, h in enumerate(case.scored.forecast.horizons):
        which = np.zeros(y.shape, np.bool_)
        which[:, :, i] = True
        cells.append(({"horizon": span(case, int(h))}, which))
    season = season_of(case.panel.times_us[case.origins])
    for i, name in enumerate(SEASONS):
        if (season == i).any():
            cells.append(({"season": name}, np.broadcast_to((season == i)[:, None, None], y.shape)))
    return Found(
        tuple(
            n
            for share in SHARES
            for n in _covered(case, share, [c for _, c in cells], [of for of, _ in cells])
        )
    )


def _covered(
    case: ForecastCase, share: float, cells: list[Bools], labels: list[Mapping[str, str]]
) -> tuple[Number, ...]:
    samples, counts = coverage_samples(case, share, cells)
    return case.bootstrap.numbers(
        f"coverage{round(100 * share)}", samples, counts, labels, case.policy.n_least
    )


def coverage_samples(case: ForecastCase, share: float, cells: list[Bools]) -> tuple[Floats, Floats]:
    """Return (b + 1, g) samples of coverage in g cells of (o, k, h), and the cases in each."""
    hit, counts = case.scored.covered(share), case.scored.counts
    over = np.stack([(hit & counts & c).sum(axis=(1, 2)) for c in cells], axis=1).astype(np.float64)
    under = np.stack([(counts & c).sum(axis=(1, 2)) for c in cells], axis=1).astype(np.float64)
    return case.bootstrap.ratio(over, under), under.sum(axis=0)


def order(case: ForecastCase) -> Found:
    """Return how often quantiles cross, or only some of them are given."""
    values = case.scored.forecast.values
    known = np.isfinite(values)
    partly = known.any(axis=-1) & ~known.all(axis=-1)
    with np.errstate(invalid="ignore"):
        crossed = (np.diff(values, axis=-1) < 0).any(axis=-1)
    n = int(partly.size)
    return Found(
        (
            Number("crossed", float((crossed | partly).mean()), n=n),
            Number("silent", float(case.scored.silent.mean()), n=n),
        )
    )


TESTS = (
    AssuranceTest(
        "reliability",
        "calibration",
        "Do outcomes fall below each quantile as often as its level says?",
        "Someone who plans by a chance of one in ten is misled if it comes true one time in three.",
        {
            "distance": "distance between the share of outcomes at or below a quantile and its level",
            "observed": "share of outcomes at or below a quantile",
            "pit": "outcomes between two quantiles, over those that should be",
        },
        reliability,
    ),
    AssuranceTest(
        "coverage",
        "calibration",
        "Do its 80 % and 95 % intervals hold that many outcomes, at every horizon and in every season?",
        "Intervals that are too narrow are the commonest way in which a model lies about what it knows.",
        {
            "coverage80": "share of outcomes in the 80 % interval",
            "coverage95": "share of outcomes in the 95 % interval",
        },
        coverage,
    ),
    AssuranceTest(
        "quantiles-in-order",
        "calibration",
        "Do its quantiles never cross, and does it say all of them or none?",
        "A 10 % quantile above the median is no statement about chance at all.",
        {
            "crossed": "share of forecasts with quantiles that cross or are partly missing",
            "silent": "share of forecasts in which nothing is said",
        },
        order,
    ),
)
