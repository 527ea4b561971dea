"""Drift: whether inputs are still those that a model learned from, and whether its errors grow.

References
----------
Population stability index: Siddiqi (2006), "Credit Risk Scorecards", with customary bounds of 0.1 and
0.25; Kolmogorov and Smirnov's distance of two samples. Neither has an interval here: both compare whole
periods.
"""

import numpy as np

from veracity.models.assurance.cases import ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.panel_array import Floats
from veracity.models.seasons import SEASONS, season_of

_BINS = 10
_LEAST_SHARE = 1e-4
_PERIODS = 6
_LEAST_VALUES = 50


def psi(before: Floats, after: Floats, n_bins: int = _BINS) -> float:
    """Return the population stability index of a sample against an earlier one, over the latter's deciles.

    Examples
    --------
    >>> same = np.arange(1000.0)
    >>> psi(same, same), psi(same, same + 500) > 0.25
    (0.0, True)
    """
    edges = np.unique(np.quantile(before, np.linspace(0, 1, n_bins + 1)[1:-1]))
    old, new = (np.maximum(_shares(x, edges), _LEAST_SHARE) for x in (before, after))
    return float(((new - old) * np.log(new / old)).sum())


def _shares(values: Floats, edges: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    out: Floats = counts / len(values)
    return out


def ks(before: Floats, after: Floats) -> float:
    """Return the greatest distance between the distributions of two samples.

    Examples
    --------
    >>> ks(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    1.0
    """
    a, b = np.sort(before), np.sort(after)
    at = np.concatenate([a, b])
    shares = [np.searchsorted(x, at, side="right") / len(x) for x in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())


def covariates(case: ForecastCase) -> Found:
    """Return how far each column of the test period is from the same season of the training."""
    if case.training is None:
        return Found(untested="the rows that it learned from are not at hand")
    fresh = case.panel.rows(slice(int(case.origins[0]), None))
    then, now = season_of(case.training.times_us), season_of(fresh.times_us)
    numbers, unseen = [], set[str]()
    for column in case.panel.columns:
        old, new = case.training.column(column), fresh.column(column)
        for season, name in enumerate(SEASONS):
            before, after = _known(old[then == season]), _known(new[now == season])
            if len(after) >= _LEAST_VALUES and len(before) >= _LEAST_VALUES:
                of = {"column": column, "season": name}
                numbers += [
                    Number(what, by(before, after), n=len(after), of=of)
                    for what, by in (("psi", psi), ("ks", ks))
                ]
            elif len(after) >= _LEAST_VALUES:
                unseen.add(name)
    notes = ["season by season: summer against winter would be no drift"]
    if unseen:
        notes.append(f"the training has nothing of {', '.join(s for s in SEASONS if s in unseen)}")
    nothing = None if numbers else "no season is in both the training and the test period"
    return Found(tuple(numbers), nothing, notes=tuple(notes))


def _known(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def errors(case: ForecastCase) -> Found:
    """Return the trend of the model's skill over the test period, per year, and its skill in parts of it."""
    if not case.baselines:
        return Found(untested="no baselines were given")
    crps, b = case.scored.crps, case.bootstrap
    base = list(case.baseline_crps.values())
    known = np.isfinite(crps) & np.isfinite(np.stack(base)).all(axis=0)
    best = min(base, key=lambda one: float(np.where(known, one, 0).sum()))
    over, under = (np.where(known, x, 0).sum(axis=(1, 2)) for x in (crps, best))
    n = known.sum(axis=(1, 2))
    times = case.panel.times_us[case.origins]
    years = (times - times[0]) / (365.25 * 86_400e6)
    samples = np.array([_slope(years, over, under, w) for w in b.weights])[:, None]
    of = {"over": f"{years[-1] * 365.25:.0f} days"}
    trend = b.numbers("worsening", samples, np.array([float(n.sum())]), [of], case.policy.n_least)
    parts = np.array_split(np.arange(len(times)), min(_PERIODS, len(times)))
    told = [
        Number(
            "skill",
            float(1 - over[p].sum() / under[p].sum()),
            n=int(n[p].sum()),
            of={"from": _day(times[p[0]])},
        )
        for p in parts
        if under[p].sum() > 0
    ]
    note = "the trend of CRPS over that of the best baseline: a hard season is hard for both"
    return Found((*trend, *told), notes=(note,))


def _slope(years: Floats, over: Floats, under: Floats, weights: Floats) -> float:
    """Return the slope of ``over / under`` over the years, each origin weighing as ``under`` does."""
    w = weights * under
    if not w.sum() > 0:
        return float("nan")
    ratio = np.divide(over, under, out=np.zeros_like(over), where=under > 0)
    at = years - (w * years).sum() / w.sum()
    spread = (w * at * at).sum()
    return float((w * at * ratio).sum() / spread) if spread > 0 else float("nan")


def _day(time_us: int) -> str:
    return str(np.datetime64(int(time_us), "us").astype("datetime64[D]"))


TESTS = (
    AssuranceTest(
        "input-drift",
        "drift",
        "Are its inputs still like those that it learned from?",
        "A model knows what it saw; a new sensor or a new road makes a city that it never saw.",
        {
            "psi": "population stability index of a column, test period against training, same season",
            "ks": "Kolmogorov-Smirnov distance of a column, test period against training, same season",
        },
        covariates,
    ),
    AssuranceTest(
        "error-drift",
        "drift",
        "Does it get worse as its training lies further back?",
        "Skill that fades has an end date; whoever runs the model should know it.",
        {
            "worsening": "change of CRPS over the best baseline's, per year; above 0 it gets worse",
            "skill": "skill in a part of the test period",
        },
        errors,
    ),
)
