"""Fairness of service: whether every ward gets forecasts as good as the city's.

Each ward (a district), and each group of places, is held against all others together. Intervals are of the
block bootstrap, for all at once: the worst of many is bad by chance alone, and errors of one day hang
together; see ``bootstrap``.
"""

from collections.abc import Mapping

import numpy as np

from veracity.models.assurance.calibration import coverage_samples
from veracity.models.assurance.cases import ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found
from veracity.models.assurance.skill import skill_samples
from veracity.models.panel_array import Bools, Floats

_ONE = "all keys are of one district and one group: there is nobody to be fair between"
_OWN = "the app names no districts or groups: each place is one of its own"

Side = tuple[Mapping[str, str], Bools]  #: of whom, and their cells (o, k, h)


def sides_of(case: ForecastCase) -> list[Side]:
    """Return each district and each group with its cells; none where all keys are of one."""
    context, shape = case.context, case.scored.y.shape
    families = {"district": context.district} if context.districts else {}
    if context.groups or not families:
        families["group"] = context.group
    sides: list[Side] = []
    for kind, name_of in families.items():
        of_key = np.array([name_of(key) for key in case.panel.keys])
        names = sorted(set(of_key.tolist()))
        if len(names) > 1:
            sides += [({kind: n}, np.broadcast_to((of_key == n)[None, :, None], shape)) for n in names]
    return sides


def _cells(sides: list[Side]) -> list[Bools]:
    """Return the cells of each side, then for each those of all others."""
    return [*(own for _, own in sides), *(~own for _, own in sides)]


def _of_sides(case: ForecastCase, name: str, samples: Floats, counts: Floats, *, plain: str = "") -> Found:
    """Return how much worse each fares than all others; ``samples`` are of both sides."""
    labels = [of for of, _ in sides_of(case)]
    own, others = np.split(samples, 2, axis=1)
    n = np.split(counts, 2)[0]
    numbers = case.bootstrap.numbers(name, others - own, n, labels, case.policy.n_least)
    if plain:
        numbers += case.bootstrap.numbers(plain, own, n, labels, case.policy.n_least)
    return Found(numbers, notes=() if case.context.groups or case.context.districts else (_OWN,))


def skill(case: ForecastCase) -> Found:
    """Return how much less skill each district and group gets than the others."""
    sides = sides_of(case)
    if not sides:
        return Found(untested=_ONE)
    if not case.baselines:
        return Found(untested="no baselines were given")
    samples, counts, _ = skill_samples(case, _cells(sides))
    return _of_sides(case, "lacks", samples, counts, plain="skill")


def coverage(case: ForecastCase) -> Found:
    """Return how much less often the 80 % interval holds in each than in the others."""
    sides = sides_of(case)
    if not sides:
        return Found(untested=_ONE)
    samples, counts = coverage_samples(case, 0.8, _cells(sides))
    return _of_sides(case, "lacks", samples, counts, plain="coverage80")


def alarms(case: ForecastCase) -> Found:
    """Return how many more events are missed, and alarms are false, in each than in the others."""
    sides = sides_of(case)
    if not sides:
        return Found(untested=_ONE)
    threshold, given = case.threshold
    scored, warn_at = case.scored, case.context.warn_at
    with np.errstate(invalid="ignore"):
        event, warned = scored.y >= threshold, scored.forecast.quantile(1 - warn_at) >= threshold
    cells = _cells(sides)
    counts = scored.counts
    whole = "given by the app" if given else "the 90th percentile of the outcomes"
    note = (
        f"an event: {case.target} of at least {threshold:.4g}, {whole}; a warning: a chance of it of at"
        f" least {warn_at:.2g}"
    )
    parts = []
    for name, over, under in (
        ("misses-more", event & ~warned, event),
        ("false-alarms-more", warned & ~event, warned),
    ):
        top = np.stack([(over & counts & c).sum(axis=(1, 2)) for c in cells], axis=1).astype(np.float64)
        bottom = np.stack([(under & counts & c).sum(axis=(1, 2)) for c in cells], axis=1).astype(np.float64)
        samples = -case.bootstrap.ratio(top, bottom)  # less is better
        parts.append(_of_sides(case, name, samples, bottom.sum(axis=0)))
    notes = (note, *parts[0].notes)
    return Found(tuple(n for p in parts for n in p.numbers), notes=notes)


TESTS = (
    AssuranceTest(
        "fair-skill",
        "fairness",
        "Does every ward get as much skill as the rest of the city?",
        "People of a ward with fewer sensors pay the same taxes and breathe the same air.",
        {
            "lacks": "skill of all others less that of the ward or group",
            "skill": "skill of the ward or group",
        },
        skill,
    ),
    AssuranceTest(
        "fair-coverage",
        "fairness",
        "Is what it says of its own uncertainty as true in every ward?",
        "A ward that is told false certainty is worse off than one that is told nothing.",
        {
            "lacks": "coverage of the 80 % interval of all others less that of the ward or group",
            "coverage80": "coverage of the 80 % interval of the ward or group",
        },
        coverage,
    ),
    AssuranceTest(
        "fair-alarms",
        "fairness",
        "Are events missed, and alarms false, as seldom in every ward?",
        "Missed events harm those who rely on a warning; false ones teach a ward not to listen.",
        {
            "misses-more": "share of its events that were not warned of, less that of all others",
            "false-alarms-more": "share of its warnings that no event followed, less that of all others",
        },
        alarms,
    ),
)
