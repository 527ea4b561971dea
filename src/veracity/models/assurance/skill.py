"""Skill: how much better than the simplest forecasts, by horizon, season, district and regime."""

from collections.abc import Callable, Mapping

import numpy as np

from veracity.models.assurance.cases import ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.panel_array import Bools, Floats
from veracity.models.seasons import SEASONS, season_of

_SKILL = "1 - CRPS / CRPS of the best baseline of that cell; 0 is no better, 1 perfect"


def skill_samples(case: ForecastCase, cells: list[Bools]) -> tuple[Floats, Floats, list[str]]:
    """Return (b + 1, g) samples of skill in g cells of (o, k, h), cases in each, the best baseline of each.

    The best baseline is picked by the outcome, in favour of the baselines: the skill is rather too low.
    """
    crps = case.scored.crps
    samples, counts, best = [], [], []
    for cell in cells:
        over = {}
        for name, base in case.baseline_crps.items():
            both = cell & np.isfinite(crps) & np.isfinite(base)
            sums = [np.where(both, c, 0).sum(axis=(1, 2))[:, None] for c in (crps, base)]
            over[name] = case.bootstrap.ratio(*sums)[:, 0], int(both.sum())
        name = min(over, key=lambda n: _worst(over[n][0][0]))
        samples.append(1 - over[name][0])
        counts.append(over[name][1])
        best.append(name)
    return np.stack(samples, axis=1), np.array(counts, np.float64), best


def _worst(ratio: float) -> float:
    return -ratio if np.isfinite(ratio) else np.inf


def _skill(case: ForecastCase, cells: Mapping[str, Bools], kind: str) -> Found:
    if not case.baselines:
        return Found(untested="no baselines were given")
    samples, counts, best = skill_samples(case, list(cells.values()))
    labels = [{kind: name, "against": b} for name, b in zip(cells, best, strict=True)]
    numbers = case.bootstrap.numbers("skill", samples, counts, labels, case.policy.n_least)
    return Found(numbers)


def by_horizon(case: ForecastCase) -> Found:
    """Return skill and errors at each horizon."""
    scored, b = case.scored, case.bootstrap
    cells = {span(case, int(h)): _only(scored.y, 2, i) for i, h in enumerate(scored.forecast.horizons)}
    found = _skill(case, cells, "horizon")
    counted = np.where(scored.counts, 1.0, 0.0)
    numbers: list[Number] = list(found.numbers)
    measures = {"mae": np.abs(scored.error), "crps": scored.crps, "bias": scored.error}
    for name, values in measures.items():
        over = np.where(scored.counts, values, 0).sum(axis=1)
        samples = b.ratio(over, counted.sum(axis=1))
        labels: list[Mapping[str, str]] = [{"horizon": c} for c in cells]
        numbers += b.numbers(name, samples, counted.sum(axis=(0, 1)), labels, case.policy.n_least)
    return Found(tuple(numbers), found.untested)


def by_season(case: ForecastCase) -> Found:
    """Return skill in each season, over all horizons."""
    season = season_of(case.panel.times_us[case.origins])
    cells = {name: _of(season == i, case.scored.y, 0) for i, name in enumerate(SEASONS)}
    present = {name: cell for name, cell in cells.items() if cell.any()}
    absent = [name for name in SEASONS if name not in present]
    note = (f"the test period has no origin in {', '.join(absent)}",) if absent else ()
    found = _skill(case, present, "season")
    return Found(found.numbers, found.untested, notes=note)


def by_district(case: ForecastCase) -> Found:
    """Return skill in each district."""
    of_key = np.array([case.context.district(key) for key in case.panel.keys])
    cells = {name: _of(of_key == name, case.scored.y, 1) for name in sorted(set(of_key))}
    note = () if case.context.districts else ("the app names no districts: each place is one of its own",)
    found = _skill(case, cells, "district")
    return Found(found.numbers, found.untested, notes=note)


def by_regime(case: ForecastCase) -> Found:
    """Return skill while each regime holds at the origin, and while it does not."""
    named = case.context.holds(case.panel, case.target)
    at = {name: holds[case.origins] for name, holds in named.items() if holds[case.origins].any()}
    absent = [f"no origin of the test period has {name}" for name in named if name not in at]
    if not at:
        return Found(untested="; ".join(absent))
    cells: dict[str, Bools] = {}
    for name, holds in at.items():
        cells |= {name: _of(holds, case.scored.y, 0), f"no {name}": _of(~holds, case.scored.y, 0)}
    what = "as the app tells it" if case.context.regimes else "the target's mean in its highest tenth"
    notes = (f"{', '.join(at)}: {what}, by what is known at the origin", *absent)
    found = _skill(case, {n: c for n, c in cells.items() if c.any()}, "regime")
    return Found(found.numbers, found.untested, notes=notes)


def span(case: ForecastCase, horizon: int) -> str:
    """Return a horizon as people say it.

    Hours where they are whole, minutes otherwise.
    """
    minutes = horizon * case.panel.every_us / 60e6
    return f"{minutes / 60:g} h" if minutes % 60 == 0 else f"{minutes:g} min"


def _only(like: Floats, axis: int, at: int) -> Bools:
    which = np.zeros(like.shape[axis], np.bool_)
    which[at] = True
    return _of(which, like, axis)


def _of(which: Bools, like: Floats, axis: int) -> Bools:
    shape = [1, 1, 1]
    shape[axis] = len(which)
    return np.broadcast_to(which.reshape(shape), like.shape)


def _declared(
    name: str, asks: str, why: str, run: Callable[[ForecastCase], Found]
) -> AssuranceTest[ForecastCase]:
    return AssuranceTest(name, "skill", asks, why, {"skill": _SKILL}, run)


TESTS = (
    AssuranceTest(
        "skill-by-horizon",
        "skill",
        "Is it better than the best simple forecast, at every horizon?",
        "A model that a copy of the last value beats is not worth its upkeep, or anyone's trust.",
        {
            "skill": _SKILL,
            "mae": "mean absolute error of the median, in the target's unit",
            "crps": "mean continuous ranked probability score, in the target's unit",
            "bias": "mean of the median less the measured value, in the target's unit",
        },
        by_horizon,
    ),
    _declared(
        "skill-by-season",
        "Does its skill hold in every season?",
        "A year's mean hides a season in which people would be better served without it.",
        by_season,
    ),
    _declared(
        "skill-by-district",
        "Does its skill hold in every district?",
        "A city's mean hides a district in which people would be better served without it.",
        by_district,
    ),
    _declared(
        "skill-by-regime",
        "Does its skill hold when it counts: in storms, in episodes?",
        "Quiet hours are many and easy; the rare ones are why the city wants a forecast.",
        by_regime,
    ),
)
