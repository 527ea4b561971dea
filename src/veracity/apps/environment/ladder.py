"""The ladder of fallbacks: what a row stands on when inputs are missing.

A row of a target needs that target alone: a station whose NO2 sensor died still has its PM2.5 forecast by
the model. Within a rung a place or an hour of which nothing can be said falls to the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from veracity.apps.environment.baselines import CLIMATOLOGY, SEASONAL
from veracity.apps.environment.seen import microseconds
from veracity.apps.environment.words import BY_CLIMATE, BY_MODEL, BY_NEIGHBOURS, BY_SEASON, UNKNOWN
from veracity.models.app import Rung
from veracity.models.forecast import Forecast
from veracity.models.ladder import ages_s
from veracity.models.panel_array import PanelArray

TARGETS = {"pm25": "ug/m3", "pm10": "ug/m3", "no2": "ug/m3", "o3": "ug/m3"}
HOUR_S = 3600
MODEL, NOWCAST, NOTHING = "model", "nowcast", "nothing-known"
LADDER = (
    Rung(MODEL, tuple(TARGETS), 3 * HOUR_S, BY_MODEL),
    Rung(NOWCAST, tuple(TARGETS), 24 * HOUR_S, BY_NEIGHBOURS),
    Rung(SEASONAL, tuple(TARGETS), 26 * HOUR_S, BY_SEASON),
    Rung(CLIMATOLOGY, tuple(TARGETS), 28 * 24 * HOUR_S, BY_CLIMATE),
    Rung(NOTHING, (), 0, UNKNOWN),
)


@dataclass(frozen=True)
class Answer:
    """What is said of a target, and on which rung each place and horizon stands.

    Attributes
    ----------
    forecast
        From one origin; NaN where nothing is known.
    rungs
        (k, h) names.
    """

    forecast: Forecast
    rungs: npt.NDArray[np.str_]


def answer(
    panel: PanelArray, target: str, by_rung: Mapping[str, Forecast], empty: Forecast, now: datetime
) -> Answer:
    """Return for each place and horizon what the best rung says that can serve it.

    ``by_rung`` are forecasts of the rungs that can say something at all; ``empty`` says nothing.
    """
    age = ages_s(panel, target, microseconds(now))
    values = empty.values.copy()
    rungs = np.full(values.shape[1:3], NOTHING, dtype=object)
    for rung in reversed(LADDER):
        if rung.name not in by_rung:
            continue
        said = by_rung[rung.name].in_order().values
        able = (age <= rung.longest_age_s)[None, :, None] & np.isfinite(said).all(axis=-1)
        values[able] = said[able]
        rungs[able[0]] = rung.name
    return Answer(replace(empty, values=values), rungs.astype(np.str_))
