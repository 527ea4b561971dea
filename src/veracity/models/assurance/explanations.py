"""Explanations of forecasters: which inputs matter, and whether that is true.

Trees are explained feature by feature (SHAP values, by LightGBM's own exact algorithm); any other model by
permutation of what it sees of the panel: each column now, over the last day, and before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from veracity.models.assurance.cases import LEAST_ORIGINS, ForecastCase
from veracity.models.assurance.deletion import agreement, deletion
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.assurance.robustness import FEW
from veracity.models.assurance.scored import ask
from veracity.models.panel_array import Floats, Ints, PanelArray

TOLD = 12  #: importances in a report, the greatest first
_ROWS = 600
_REPEATS = 12

Part = tuple[tuple[int, slice], ...]  #: columns of a panel, and which rows of the window before an origin


@runtime_checkable
class Claims(Protocol):
    """A forecaster that says itself which columns matter to it."""

    def importances(self, panel: PanelArray) -> Mapping[str, float]:
        """Return how much each column matters, by name."""


def trees_of(model: Any) -> Any | None:
    """Return the trees that a model's medians are of, itself or inside: ``boosters_`` and ``inputs_``.

    None for a mean of several members: what matters to one of them is not what matters to the mean.
    """
    if getattr(model, "boosters_", None) and getattr(model, "inputs_", None) is not None:
        return model
    inner: Any = [
        getattr(model, name, None) for name in ("base_", "base", "estimator_", "estimator", "inner")
    ]
    for name in ("members_", "members", "estimators_", "estimators"):
        several: Any = getattr(model, name, None) or ()
        if len(several) == 1:
            inner += list(several.values() if isinstance(several, Mapping) else several)
    found = (trees_of(one) for one in inner if one is not None and one is not model)
    return next((trees for trees in found if trees is not None), None)


def explained(case: ForecastCase) -> Found:
    """Return importances, the deletion test, and how well two samples agree on what matters."""
    if len(case.apart) < 2 * LEAST_ORIGINS:
        return Found(untested=FEW)  # it takes two samples
    trees = trees_of(case.model)
    return _by_trees(case, trees) if trees is not None else _by_permutation(case)


def _by_trees(case: ForecastCase, trees: Any) -> Found:
    features = trees.inputs_.features(case.panel)
    horizon = sorted({h for h, _ in trees.boosters_})[0]
    held = trees.boosters_[horizon, 0.5]
    booster = getattr(held, "model", held)
    at, rng = case.apart, case.rng("explanations")
    rows = features.values[at].reshape(-1, len(features.names))
    if len(rows) > _ROWS:
        rows = rows[rng.permutation(len(rows))[:_ROWS]]
    x = rows.astype(np.float64)

    def predict(cases: Floats) -> Floats:
        out: Floats = np.asarray(booster.predict(cases, num_threads=1))
        return out

    parts = np.asarray(booster.predict(x, pred_contrib=True, num_threads=1))[:, :-1]
    top, random = deletion(predict, x, parts, max(1, x.shape[1] // 10), rng)
    halves = [np.abs(parts[half]).mean(axis=0) for half in np.array_split(rng.permutation(len(x)), 2)]
    numbers = [
        _advantage(case, top, random),
        Number("stability", agreement(*halves), n=len(x)),
        *_importances(features.names, np.abs(parts).mean(axis=0), len(x)),
    ]
    note = f"SHAP values of the trees for the median {horizon} steps ahead; a tenth of the features taken out"
    return Found(tuple(numbers), notes=(note,))


def _advantage(case: ForecastCase, top: Floats, random: Floats) -> Number:
    """Return the ratio of the means of two paired samples of cases that lie apart, with its interval."""
    rng = case.rng("advantage")
    drawn = rng.integers(0, len(top), (case.policy.repeats, len(top)))
    floor = 1e-12 + random.mean() * 1e-9
    value = top.mean() / max(random.mean(), floor)
    ratios = top[drawn].mean(axis=1) / np.maximum(random[drawn].mean(axis=1), floor)
    tail = (1 - case.policy.confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return Number("advantage", float(value), float(low), float(high), len(top))


def _by_permutation(case: ForecastCase) -> Found:
    parts, names = blocks(case.panel, case.reach)
    halves, rng = (case.apart[::2], case.apart[1::2]), case.rng("explanations")
    importance = [np.array([_shift(case, h, one, rng).mean() for one in parts]) for h in halves]
    told, how = (
        importance[0] + importance[1],
        "explained by permutation of parts of the panel between origins",
    )
    ranked = importance[0]
    if isinstance(case.model, Claims):
        ranked, how = _claimed(case, case.model, parts), "by its own account of what matters"
        told = ranked
    n_out = max(1, len(parts) // 3)
    top = sum((parts[i] for i in np.argsort(-ranked, kind="stable")[:n_out]), start=())
    picks = [rng.permutation(len(parts))[:n_out] for _ in range(_REPEATS)]
    random = [_shift(case, halves[1], sum((parts[i] for i in at), start=()), rng) for at in picks]
    numbers = [
        _advantage(case, _shift(case, halves[1], top, rng), np.mean(random, axis=0)),
        Number("stability", agreement(*importance), n=len(case.apart)),
        *_importances(names, told, len(case.apart)),
    ]
    return Found(tuple(numbers), notes=(f"{how}; a third of the parts taken out, on other origins",))


def _claimed(case: ForecastCase, model: Claims, parts: Sequence[Part]) -> Floats:
    claims = model.importances(case.panel)
    return np.array([float(claims.get(case.panel.columns[part[0][0]], 0.0)) for part in parts])


def blocks(panel: PanelArray, lookback: int) -> tuple[list[Part], list[str]]:
    """Return parts of the window before an origin, by column and age, and their names."""
    a_day = max(2, round(86_400_000_000 / max(panel.every_us, 1)))
    ages = {"now": slice(-1, None), "last day": slice(-min(a_day, lookback), -1)}
    if lookback > a_day:
        ages["before"] = slice(-lookback, -a_day)
    named = {f"{c}, {age}": ((i, at),) for i, c in enumerate(panel.columns) for age, at in ages.items()}
    return list(named.values()), list(named)


def _without(case: ForecastCase, origins: Ints, out: Part, rng: np.random.Generator) -> PanelArray:
    """Return the panel with a part of the windows before some origins taken from those before others."""
    values, back = case.panel.values.copy(), case.reach
    order, others = rng.permutation(len(origins)), np.empty_like(origins)
    others[order] = origins[np.roll(order, 1)]  # none from itself
    for origin, other in zip(origins, others, strict=True):
        for column, at in out:
            into = values[int(origin) + 1 - back : int(origin) + 1, :, column]
            into[at] = case.panel.values[int(other) + 1 - back : int(other) + 1, :, column][at]
    return replace(case.panel, values=values)


def _shift(case: ForecastCase, origins: Ints, out: Part, rng: np.random.Generator) -> Floats:
    """Return (o,): how far each origin's medians move without a part."""
    before = ask(case.model, case.panel, origins).median
    after = ask(case.model, _without(case, origins, out, rng), origins).median
    moved = np.abs(after - before)
    known = np.isfinite(moved)
    shift: Floats = np.where(known, moved, 0).sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1)
    return shift


def _importances(names: Sequence[str], values: Floats, n: int) -> list[Number]:
    total = float(values.sum()) or 1.0
    order = np.argsort(-values, kind="stable")[:TOLD]
    return [Number("importance", float(values[i]) / total, n=n, of={"input": names[i]}) for i in order]


MARKS = {
    "advantage": "change without the inputs said to matter, over that without as many random ones",
    "stability": "rank correlation of the importances of two samples",
    "importance": "share of all importances",
}

TESTS = (
    AssuranceTest(
        "explanations",
        "explanations",
        "Is what is said to matter to it what does, and is the same said of another sample?",
        "People act on an explanation: a false one is worse than none.",
        MARKS,
        explained,
    ),
)
