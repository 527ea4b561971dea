"""Robustness: what becomes of skill and of honesty when sensors fail, and that no input makes it crash.

A forecast from bad input may be worse; it must then say so itself: its interval still holds the outcomes, or
it says nothing. ``crps-rise`` is the loss, ``coverage80`` the honesty, ``silent`` the share unsaid.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from veracity.models.assurance.cases import LEAST_ORIGINS, ForecastCase
from veracity.models.assurance.faults import (
    Fault,
    at_limits,
    constant,
    delayed,
    drifting,
    dropout,
    inject,
    offline,
    places_offline,
    silence,
    stuck,
)
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.assurance.scored import Scored, ask, score
from veracity.models.panel_array import Bools, Floats

ABSURD = {"1e9": 1e9, "-1e9": -1e9, "zero": 0.0, "infinity": float("inf")}
FEW = "the period is too short: too few origins lie further apart than faults reach"


def under(case: ForecastCase, fault: Fault) -> Scored:
    """Return forecasts from a panel in which a fault happened before each origin, against the truth."""
    broken = inject(case.panel, case.apart, case.reach, fault, case.rng(fault.name))
    return score(ask(case.model, broken, case.apart), case.panel, case.apart)


def told(case: ForecastCase, faults: Sequence[Fault], kept: Bools | None = None) -> Found:
    """Return what several faults do; ``kept``: (k,) keys to look at, by default all."""
    if len(case.apart) < LEAST_ORIGINS:
        return Found(untested=FEW)
    before = case.scored_apart
    numbers = [
        n for fault in faults for n in _effect(case, before, under(case, fault), fault, len(faults), kept)
    ]
    notes = (*case.reach_note, *(f"{f.name}: {f.words}" for f in faults))
    return Found(tuple(numbers), notes=notes)


def _effect(
    case: ForecastCase, before: Scored, after: Scored, fault: Fault, n_cells: int, kept: Bools | None
) -> tuple[Number, ...]:
    b, labels = case.bootstrap_apart, [{"fault": fault.name}]
    both = before.counts & after.counts
    if kept is not None:
        both = both & kept[None, :, None]
    n = both.sum(axis=(1, 2))[:, None].astype(np.float64)
    counts = n.sum(axis=0)

    def summed(values: Floats) -> Floats:
        out: Floats = np.where(both, values, 0).sum(axis=(1, 2))[:, None]
        return out

    rise = b.ratio(summed(after.crps), summed(before.crps)) - 1
    wider = b.ratio(summed(after.width(0.8)), summed(before.width(0.8)))
    held = b.ratio(summed(after.covered(0.8).astype(np.float64)), n)
    least = case.policy.n_least
    asked = np.isfinite(before.forecast.median)
    silent = float(after.silent[asked].mean()) if asked.any() else 1.0
    return (
        *b.numbers("crps-rise", rise, counts, labels, least, n_cells),
        *b.numbers("coverage80", held, counts, labels, least, n_cells),
        *b.numbers("widening", wider, counts, labels, least, n_cells),
        Number("silent", silent, n=int(asked.sum()), of=labels[0]),
    )


def by_dropout(case: ForecastCase) -> Found:
    """Return what the loss of a tenth, a third and a half of the sensors does."""
    return told(case, [dropout(0.1), dropout(0.3), dropout(0.5)])


def by_stuck(case: ForecastCase) -> Found:
    """Return what sensors that repeat one value do."""
    return told(case, [stuck()])


def by_drifting(case: ForecastCase) -> Found:
    """Return what sensors that move away from the truth do."""
    deviation = np.nan_to_num(np.nanstd(_training_or_panel(case), axis=(0, 1)))
    return told(case, [drifting(deviation)])


def by_delay(case: ForecastCase) -> Found:
    """Return what data that come one, three and six steps late do."""
    return told(case, [delayed(1), delayed(3), delayed(6)])


def by_agency(case: ForecastCase) -> Found:
    """Return what happens when an agency is gone, or half of the places are."""
    named = {a: [case.panel.index(c) for c in cs] for a, cs in sorted(case.context.agencies.items())}
    faults = [offline(agency, columns) for agency, columns in named.items()]
    note = () if named else ("the app names no agencies: half of the places are taken offline instead",)
    if not named and len(case.panel.keys) > 1:
        faults = [places_offline(np.arange(len(case.panel.keys)) % 2 == 1)]
    if not faults:
        return Found(untested="there is one place and the app names no agencies")
    found = told(case, faults)
    return Found(found.numbers, found.untested, notes=(*note, *found.notes))


def by_extremes(case: ForecastCase) -> Found:
    """Return what the worst values that contracts let through do, and absurd ones that none does."""
    limits = dict(_limits(case))
    faults = [at_limits(limits), silence(), *(constant(name, v) for name, v in ABSURD.items())]
    if len(case.apart) < LEAST_ORIGINS:
        return Found(untested=FEW)
    low, high = limits[case.panel.index(case.target)]
    numbers = []
    for fault in faults:
        values = under(case, fault).forecast.values
        known = np.isfinite(values)
        whole, none = known.all(axis=-1), np.isnan(values).all(axis=-1)
        crossed = whole & (np.diff(np.where(known, values, 0), axis=-1) < 0).any(axis=-1)
        beyond = known & ((values < low - (high - low)) | (values > high + (high - low)))
        of, n = {"input": fault.name}, int(whole.size)
        numbers.append(Number("broken", float((~whole & ~none | crossed).mean()), n=n, of=of))
        judged = fault.name == "at the limits"
        share = float(beyond.any(axis=-1).mean())
        numbers.append(Number("beyond", share, n=n, of=of, judged=judged))
        numbers.append(Number("silent", float(none.mean()), n=n, of=of))
    notes = [*case.reach_note, *(f"{f.name}: {f.words}" for f in faults)]
    if not case.context.limits:
        notes.append(
            "the app gives no limits: what was seen, and as much again on either side, stands for them"
        )
    return Found(tuple(numbers), notes=tuple(notes))


def _limits(case: ForecastCase) -> Mapping[int, tuple[float, float]]:
    found = {}
    seen = _training_or_panel(case)
    for i, column in enumerate(case.panel.columns):
        if column in case.context.limits:
            found[i] = case.context.limits[column]
        elif np.isfinite(seen[:, :, i]).any():
            low, high = float(np.nanmin(seen[:, :, i])), float(np.nanmax(seen[:, :, i]))
            found[i] = (low - (high - low), high + (high - low))
    return found


def _training_or_panel(case: ForecastCase) -> Floats:
    return (case.training or case.panel).values


_MARKS = {
    "crps-rise": "CRPS with the fault over that without, less 1",
    "coverage80": "coverage of the 80 % interval with the fault",
    "widening": "width of the 80 % interval with the fault over that without",
    "silent": "share of forecasts that say nothing with the fault, of those that did without",
}

TESTS = (
    AssuranceTest(
        "sensor-dropout",
        "robustness",
        "What is lost when 10, 30 and 50 % of the sensors say nothing?",
        "Sensors fail every day; a city's forecast must not fail with them.",
        _MARKS,
        by_dropout,
    ),
    AssuranceTest(
        "sensor-stuck",
        "robustness",
        "What is lost when sensors repeat one value?",
        "A stuck sensor looks alive, and is among the faults that people notice last.",
        _MARKS,
        by_stuck,
    ),
    AssuranceTest(
        "sensor-drifting",
        "robustness",
        "What is lost when sensors drift away from the truth?",
        "Low-cost sensors drift with age and humidity, and no contract notices a slow drift.",
        _MARKS,
        by_drifting,
    ),
    AssuranceTest(
        "data-delayed",
        "robustness",
        "What is lost when the newest data have not come in yet?",
        "Networks are slowest in the storm that the forecast is for.",
        _MARKS,
        by_delay,
    ),
    AssuranceTest(
        "agency-offline",
        "robustness",
        "What is lost when a whole agency is offline?",
        "Agencies have outages, disputes and holidays, and all of their sensors go at once.",
        _MARKS,
        by_agency,
    ),
    AssuranceTest(
        "extreme-inputs",
        "robustness",
        "Does any input make it crash, say infinity, cross its quantiles, or leave all that is possible?",
        "The one reading in a million comes; a screen that shows it as a forecast is remembered for years.",
        {
            "broken": "share of forecasts that are infinite, partly missing or cross",
            "beyond": "share of forecasts further outside of the limits than these are apart",
            "silent": "share of forecasts that say nothing",
        },
        by_extremes,
    ),
)
