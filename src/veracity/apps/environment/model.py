"""The model: which estimator learns from how much data, and its forecast of every hour up to 48.

The rule: with less than ``TREES_FROM_DAYS`` days of an hourly panel an ensemble of simple ones, ridge
regression over the lags of all stations, what is usual at the hour, the day before and the last value, with
weights by hours ahead; from there on trees, which then have seasons to learn. Either learns some hours ahead,
those between them follow from their neighbours (``between``), and is wrapped in conformal calibration, so
that the ranges hold what they promise when the air changes.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from veracity.apps.environment.baselines import FEWEST
from veracity.apps.environment.ladder import TARGETS
from veracity.models.errors import BadPanel, BadParameter, NotFitted
from veracity.models.estimator import Forecaster
from veracity.models.estimators import Climatology, Conformal, Ensemble, LightGbm
from veracity.models.forecast import Forecast
from veracity.models.panel_array import Floats, PanelArray

HORIZONS = tuple(range(1, 49))  #: hours ahead that are forecast
LINES_AT = (*range(1, 12), *range(12, 49, 3))  #: of these, those that a short panel's model learns
TREES_AT = (1, 3, 6, 12, 24, 36, 48)  #: and those that trees are grown for
TREES_FROM_DAYS = 180
WEATHER = ("temperature", "humidity")
DAY = 24
HELD_BACK = 0.3  #: of a short panel: the last days, on which weights and then ranges are learned
PENALTY = 1.0


def train(panel: PanelArray, *, seed: int) -> dict[str, Forecaster]:
    """Return a fitted estimator for each pollutant.

    Raises
    ------
    BadPanel
        If a pollutant is missing from the panel, or too little of it is known.
    """
    return {target: make(panel, target, seed).fit(panel) for target in TARGETS}


def make(panel: PanelArray, target: str, seed: int) -> Forecaster:
    """Return the estimator, not fitted, that a panel of this length asks for."""
    others = [c for c in (*TARGETS, *WEATHER) if c != target and c in panel.columns]
    if panel.n_times < TREES_FROM_DAYS * DAY:
        ridge = {"name": "ridge", "parameters": {"columns": others, "penalty": PENALTY}}
        climate = {"name": "climatology", "parameters": {"fewest": FEWEST}}
        members = (ridge, climate, *({"name": n, "parameters": {}} for n in ("last_value", "seasonal")))
        together = Ensemble(target, LINES_AT, seed=seed, members=members, held_back=HELD_BACK, stride=6)
        return Conformal.around(together, held_back=HELD_BACK)
    trees = LightGbm(target, TREES_AT, columns=tuple(others), seed=seed, n_trees=100, stride=3)
    return Conformal.around(trees)


def forecast(estimator: Forecaster, seen: PanelArray) -> Forecast | None:
    """Return what a model says of every hour ahead, from a panel's last time; None where it cannot."""
    try:
        said = estimator.predict(seen)
        return said if tuple(said.horizons) == HORIZONS else between(said, usual(seen, said.target))
    except (BadPanel, BadParameter, NotFitted):  # a column that the model needs is not there any more
        return None


def usual(seen: PanelArray, target: str) -> Floats:
    """Return (k, 24) what is usual at each hour of the day (UTC), from the last weeks."""
    climate = Climatology(target, tuple(range(1, DAY + 1)), fewest=FEWEST).fit(seen).predict(seen)
    shift = seen.times_us[-1] // 3_600_000_000 + climate.horizons
    out = np.empty((len(seen.keys), DAY))
    out[:, shift % DAY] = climate.median[0]
    return out


def between(said: Forecast, usual_by_hour: Floats, horizons: Sequence[int] = HORIZONS) -> Forecast:
    """Return a forecast of all ``horizons`` from one of some.

    What lies on a straight line between two forecast hours is not the value but how far it is from what is
    usual at its hour: so a rush hour between two of them is not cut off. All quantiles move alike, and ranges
    grow on straight lines.
    """
    first = said.origins_us[0] // said.every_us
    at = usual_by_hour[:, (first + said.horizons) % DAY]
    wanted = np.array(horizons, np.int64)
    apart = said.values[0] - at[:, :, None]
    straight = np.apply_along_axis(lambda y: np.interp(wanted, said.horizons, y), 1, apart)
    values = straight + usual_by_hour[:, (first + wanted) % DAY][:, :, None]
    return replace(said, horizons=wanted, values=values[None])
