"""Adversarial inputs: the worst that small changes of what sensors say can do, looked for by search.

Every value of the target before an origin may move by at most a given share of its standard deviation: less
than a cheap sensor's error. The search needs nothing but answers: it keeps a pattern of changes for each
origin, flips a part of it at random, and keeps the flip where the forecast moves further from where it was.
"""

from dataclasses import replace

import numpy as np

from veracity.models.assurance.cases import LEAST_ORIGINS, ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.assurance.robustness import FEW
from veracity.models.assurance.scored import ask, score
from veracity.models.panel_array import Floats, PanelArray

SHARE = 0.1
ROUNDS = 12
_STEPS = 24  # back from the origin


def worst_case(case: ForecastCase) -> Found:
    """Return how far a forecast moves, over how far its input did, and what that does to its score."""
    if len(case.apart) < LEAST_ORIGINS:
        return Found(untested=FEW)
    most = SHARE * float(np.nanstd(case.panel.column(case.target)))
    if not most > 0:
        return Found(untested=f"{case.target} never changes: there is nothing to move it by")
    before = case.scored_apart
    moved = _moved(case, _search(case, before.forecast.median, most) * most)
    after = score(ask(case.model, moved, case.apart), case.panel, case.apart)
    both = before.counts & after.counts
    n = np.where(both, 1.0, 0.0).sum(axis=(1, 2))[:, None]
    b, least, counts = case.bootstrap_apart, case.policy.n_least, n.sum(axis=0)

    def summed(values: Floats) -> Floats:
        out: Floats = np.where(both, values, 0).sum(axis=(1, 2))[:, None]
        return out

    shift = b.ratio(summed(np.abs(after.forecast.median - before.forecast.median)), n) / most
    rise = b.ratio(summed(after.crps), summed(before.crps)) - 1
    of = {"moved by": f"{SHARE:g} standard deviations"}
    numbers: tuple[Number, ...] = (
        *b.numbers("amplification", shift, counts, [of], least),
        *b.numbers("crps-rise", rise, counts, [of], least),
    )
    note = f"{ROUNDS} rounds of search over the last {_STEPS} values at every place: a bound from below"
    return Found(numbers, notes=(note,))


def _search(case: ForecastCase, before: Floats, most: float) -> Floats:
    """Return (a, w, k) signs, for each origin those that moved its medians furthest."""
    rng = case.rng("adversary")
    shape = (len(case.apart), min(_STEPS, case.reach), len(case.panel.keys))
    pattern = np.ones(shape)
    best = _distance(case, pattern * most, before)
    for i in range(ROUNDS):
        flipped = rng.random(shape) < (1.0 if i == 0 else 0.5 / i)  # first all of it, then ever less
        tried = np.where(flipped, -pattern, pattern)
        distance = _distance(case, tried * most, before)
        better = distance > best
        pattern[better], best[better] = tried[better], distance[better]
    return pattern


def _distance(case: ForecastCase, change: Floats, before: Floats) -> Floats:
    """Return (a,): how far the medians of each origin move."""
    after = ask(case.model, _moved(case, change), case.apart).median
    out: Floats = np.nan_to_num(np.abs(after - before)).mean(axis=(1, 2))
    return out


def _moved(case: ForecastCase, change: Floats) -> PanelArray:
    values = case.panel.values.copy()
    column, steps = case.panel.index(case.target), change.shape[1]
    for origin, of in zip(case.apart, change, strict=True):
        values[int(origin) + 1 - steps : int(origin) + 1, :, column] += of
    return replace(case.panel, values=values)


TESTS = (
    AssuranceTest(
        "adversarial-inputs",
        "robustness",
        "How far can small changes of the input, chosen by an adversary, move the forecast?",
        "Whoever profits from a false alarm can breathe on a sensor; that should do little, and be known.",
        {
            "amplification": "mean shift of the median over the input's, at the worst pattern found",
            "crps-rise": "CRPS at the worst pattern found over that without, less 1",
        },
        worst_case,
    ),
)
