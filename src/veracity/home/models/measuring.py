"""A model measured on the tail of its panel that it did not learn from, baselines beside."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from veracity.models.bundle import Estimators
from veracity.models.decisions import OWN
from veracity.models.errors import BadPanel
from veracity.models.estimator import Forecaster
from veracity.models.estimators import ESTIMATORS
from veracity.models.evaluation import evaluate, summarise
from veracity.models.panel_array import Ints, PanelArray

BASELINES = ("last_value", "seasonal", "climatology")
MAX_ORIGINS = 200


def measure(panel: PanelArray, n_learned: int, estimators: Estimators) -> dict[str, Any]:
    """Return metrics by target and name: a row per horizon, on the times from number ``n_learned`` on.

    The baselines learn from what the model learned from. At most ``MAX_ORIGINS`` origins are taken, evenly.
    Empty where nothing was held out.
    """
    if n_learned >= panel.n_times:
        return {}
    head = panel.rows(slice(0, n_learned))
    return {target: _of_target(panel, head, one) for target, one in sorted(estimators.items())}


def held_out_origins(panel: PanelArray, n_learned: int, horizons: tuple[int, ...]) -> Ints:
    """Return the origins that look from the head's end on at times held out, spread evenly."""
    first, last = n_learned - 1, panel.n_times - 1 - min(horizons)
    n = max(0, last - first + 1)
    steps = np.linspace(first, last, min(n, MAX_ORIGINS)) if n else np.zeros(0)
    return np.unique(np.floor(steps).astype(np.int64))


def _of_target(panel: PanelArray, head: PanelArray, own: Forecaster) -> dict[str, Any]:
    origins = held_out_origins(panel, head.n_times, own.horizons)
    found = {OWN: _rows(panel, own, origins)}
    for name in BASELINES:
        if (kind := ESTIMATORS.get(name)) is None or not len(origins):
            continue
        try:
            make: Callable[..., Forecaster] = kind
            found[name] = _rows(panel, make(target=own.target, horizons=own.horizons).fit(head), origins)
        except BadPanel:  # too short for this one: it has nothing to say
            found[name] = []
    return found


def _rows(panel: PanelArray, one: Forecaster, origins: Ints) -> list[dict[str, Any]]:
    if not len(origins):
        return []
    scored = evaluate(one.predict(panel, one.horizons, origins), panel)
    rows = summarise(scored, by=["horizon"]).sort("horizon")
    return [{name: _plain(value) for name, value in row.items()} for row in rows.iter_rows(named=True)]


def _plain(value: Any) -> Any:
    """Return a number as JSON has it: to nine digits, none where there is none."""
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return value
