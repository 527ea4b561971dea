"""Whom the app serves, for its assurance: wards and kinds of place, weather apart, and what a warning is."""

import csv
import io
from importlib.resources import files

import numpy as np

from veracity.apps.environment.actions import EVENTS, warning_limit
from veracity.apps.environment.ladder import TARGETS
from veracity.models.assurance.context import Context, unrest
from veracity.models.features import mean_over_keys, rolling_mean
from veracity.models.panel_array import Bools, PanelArray

WET_PERCENT, WET_H = 90.0, 6


def context() -> Context:
    """Return what the battery is told: each ward and each kind of place, to be served as well as the others.

    Wards and kinds are those of the built-in city's stations. People are warned as ``actions`` says.
    """
    stations = list(csv.DictReader(io.StringIO((files(__package__) / "wards.csv").read_text("utf-8"))))
    return Context(
        "environment",
        districts={one["station"]: one["ward"] for one in stations},
        groups={one["station"]: one["kind"] for one in stations},
        regimes={"wet weather": wet_weather, "dirty air": unrest},
        thresholds={target: warning_limit(target) for target in TARGETS},
        warn_at=EVENTS.least,
    )


def wet_weather(panel: PanelArray, target: str) -> Bools:  # noqa: ARG001 - of all targets alike
    """Tell when the air was wet over the last hours: humidity is all that the panel knows of rain and storms.

    Returns (n,): the mean over all stations and ``WET_H`` hours is ``WET_PERCENT`` or more.
    """
    steps = max(1, round(WET_H * 3_600_000_000 / panel.every_us))
    mean = rolling_mean(mean_over_keys(panel.column("humidity")), steps)[:, 0]
    out: Bools = np.nan_to_num(mean, nan=0.0) >= WET_PERCENT
    return out
