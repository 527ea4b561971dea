"""Fairness of service: whether every ward gets forecasts as good as the city's.

Each group is held against all others together. Intervals are of the block bootstrap, for all groups at once:
the worst of many groups is bad by chance alone, and errors of one day hang together; see ``bootstrap``.
"""

from collections.abc import Mapping

import numpy as np

from veracity.models.assurance.calibration import coverage_samples
from veracity.models.assurance.cases import ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found
from veracity.models.assurance.skill import skill_samples
from veracity.models.panel_array import Bools, Floats

_ONE = "all keys are of one group: there is nobody to be fair between"
_OWN = "the app names no groups: each place is one of its own"


def groups_of(case: ForecastCase) -> dict[str, Bools]:
    """Return the cells (o, k, h) of each group; with fewer than two groups nothing can be unfair."""
    shape = case.scored.y.shape
    of_key = np.array([case.context.group(key) for key in case.panel.keys])
    return {g: np.broadcast_to((of_key == g)[None, :, None], shape) for g in sorted(set(of_key))}


def both_sides(groups: Mapping[str, Bools]) -> list[Bools]:
    """Return the cells of each group, then for each those of all others."""
    return [*groups.values(), *(~one for one in groups.values())]


def _of_groups(case: ForecastCase, name: str, samples: Floats, counts: Floats, *, plain: str = "") -> Found:
    """Return how much worse each group fares than the others; ``samples`` are of both sides."""
    groups = groups_of(case)
    labels: list[Mapping[str, str]] = [{"group": g} for g in groups]
    own, others = np.split(samples, 2, axis=1)
    n = np.split(counts, 2)[0]
    numbers = case.bootstrap.numbers(name, others - own, n, labels, case.policy.n_least)
    if plain:
        numbers += case.bootstrap.numbers(plain, own, n, labels, case.policy.n_least)
    return Found(numbers, notes=() if case.context.groups else (_OWN,))


def skill(case: ForecastCase) -> Found:
    """Return how much less skill each group gets than the others."""
    groups = groups_of(case)
    if len(groups) < 2:
        return Found(untested=_ONE)
    if not case.baselines:
        return Found(untested="no baselines were given")
    samples, counts, _ = skill_samples(case, both_sides(groups))
    return _of_groups(case, "lacks", samples, counts, plain="skill")


def coverage(case: ForecastCase) -> Found:
    """Return how much less often the 80 % interval holds in each group than in the others."""
    groups = groups_of(case)
    if len(groups) < 2:
        return Found(untested=_ONE)
    samples, counts = coverage_samples(case, 0.8, both_sides(groups))
    return _of_groups(case, "lacks", samples, counts, plain="coverage80")


def alarms(case: ForecastCase) -> Found:
    """Return how many more events are missed, and alarms are false, in each group than in the others."""
    groups = groups_of(case)
    if len(groups) < 2:
        return Found(untested=_ONE)
    threshold, given = case.threshold
    scored = case.scored
    with np.errstate(invalid="ignore"):
        event, warned = scored.y >= threshold, scored.forecast.median >= threshold
    cells = both_sides(groups)
    counts = scored.counts
    whole = "given by the app" if given else "the 90th percentile of the outcomes"
    note = f"an event: {case.target} of at least {threshold:.4g}, {whole}; a warning: a median of that"
    parts = []
    for name, over, under in (
        ("misses-more", event & ~warned, event),
        ("false-alarms-more", warned & ~event, warned),
    ):
        top = np.stack([(over & counts & c).sum(axis=(1, 2)) for c in cells], axis=1).astype(np.float64)
        bottom = np.stack([(under & counts & c).sum(axis=(1, 2)) for c in cells], axis=1).astype(np.float64)
        samples = -case.bootstrap.ratio(top, bottom)  # less is better
        parts.append(_of_groups(case, name, samples, bottom.sum(axis=0)))
    notes = (note, *parts[0].notes)
    return Found(tuple(n for p in parts for n in p.numbers), notes=notes)


TESTS = (
    AssuranceTest(
        "fair-skill",
        "fairness",
        "Does every ward get as much skill as the rest of the city?",
        "People of a ward with fewer sensors pay the same taxes and breathe the same air.",
        {"lacks": "skill of all others less that of the group", "skill": "skill of the group"},
        skill,
    ),
    AssuranceTest(
        "fair-coverage",
        "fairness",
        "Is what it says of its own uncertainty as true in every ward?",
        "A ward that is told false certainty is worse off than one that is told nothing.",
        {
            "lacks": "coverage of the 80 % interval of all others less that of the group",
            "coverage80": "coverage of the 80 % interval of the group",
        },
        coverage,
    ),
    AssuranceTest(
        "fair-alarms",
        "fairness",
        "Are events missed, and alarms false, as seldom in every ward?",
        "Missed events harm those who rely on a warning; false ones teach a ward not to listen.",
        {
            "misses-more": "share of the group's events that were not warned of, less that of all others",
            "false-alarms-more": "share of its warnings that no event followed, less that of all others",
        },
        alarms,
    ),
)
