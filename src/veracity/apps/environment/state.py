"""The air of each station as a run leaves it: this hour, and the worst to be ready for in the next day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from veracity.apps.environment.actions import UNKNOWN
from veracity.apps.environment.aqi import Index, us_hour, vn_hour
from veracity.apps.environment.ladder import MODEL, TARGETS
from veracity.apps.environment.limits import ACTIONS, place_of
from veracity.models.decisions import OWN
from veracity.models.panel_array import Floats, PanelArray

NEXT = timedelta(hours=24)


@dataclass(frozen=True)
class Reading:
    """One pollutant at one station in the present hour: a value, and the range it lies in with 80 %.

    ``is_measured``: made from readings of the hour, and the range is the value itself; else it was estimated.
    """

    target: str
    value: float
    low: float
    high: float
    is_measured: bool

    @property
    def category(self) -> int:
        """Place of its category of VN_AQI, from 0, were the hour to go on."""
        return place_of(self.target, self.value)

    @property
    def is_sure(self) -> bool:
        """Whether the whole range is of one category."""
        return place_of(self.target, self.low) == place_of(self.target, self.high)


@dataclass(frozen=True)
class Outlook:
    """What people at a station should be ready for in the next 24 hours.

    ``action`` is a code of ``actions``; ``probability`` is the highest chance of any hour and pollutant that
    the warning limit is passed, None where nothing is known; ``rungs`` are those that the rows stand on.
    """

    action: str
    target: str | None
    due: datetime | None
    probability: float | None
    rungs: tuple[str, ...]

    @property
    def place(self) -> int | None:
        """Place of the action's category, from 0; None where nothing is known."""
        return ACTIONS.index(self.action) if self.action in ACTIONS else None

    @property
    def is_fallback(self) -> bool:
        """Whether anything of it is not from the model."""
        return any(rung != MODEL for rung in self.rungs)


@dataclass(frozen=True)
class State:
    """One station: readings by pollutant (none where neither measured nor estimated), and the outlook.

    ``vn`` and ``us`` are the indices of the hour, from what was measured alone.
    """

    key: str
    readings: dict[str, Reading]
    outlook: Outlook
    vn: Index
    us: Index

    @property
    def worst(self) -> Reading | None:
        """The reading of the worst category now; the first pollutant of those that share it."""
        return max(self.readings.values(), key=lambda r: r.category, default=None)


def states(panel: PanelArray, rows: pl.DataFrame) -> list[State]:
    """Return every station of a panel, by name; ``rows`` are one run's decisions."""
    own = rows.filter(pl.col("model") == OWN)
    by_key = {str(key[0]): frame for key, frame in own.group_by("key", maintain_order=True)}
    return [_state(panel, i, by_key.get(key, own.clear())) for i, key in enumerate(panel.keys)]


def _state(panel: PanelArray, place: int, rows: pl.DataFrame) -> State:
    hours = {target: _measured(panel, place, target) for target in TARGETS}
    particles = {t: v[-12:] if t.startswith("pm") else v[-8:] for t, v in hours.items()}
    return State(
        panel.keys[place],
        _readings(panel, place, rows),
        _outlook(rows),
        vn_hour(particles),
        us_hour(particles),
    )


def _measured(panel: PanelArray, place: int, target: str) -> Floats:
    """Return (n,) what was measured of a pollutant, NaN for hours that were not; nothing below 0."""
    at = panel.index(target)
    values = np.where(panel.measured[:, place, at], panel.values[:, place, at], np.nan)
    return np.where(np.isfinite(values), np.maximum(values, 0.0), np.nan)


def _readings(panel: PanelArray, place: int, rows: pl.DataFrame) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for target in TARGETS:
        at = panel.index(target)
        value = float(panel.values[-1, place, at])
        if panel.measured[-1, place, at] and np.isfinite(value):
            found[target] = Reading(target, value, value, value, is_measured=True)
            continue
        guess = rows.filter(pl.col("target") == target, pl.col("horizon_s") == 0).select("q50", "q10", "q90")
        if guess.height and guess["q50"][0] is not None:
            middle, low, high = (float(v) for v in guess.row(0))
            found[target] = Reading(target, middle, low, high, is_measured=False)
    return found


def _outlook(rows: pl.DataFrame) -> Outlook:
    ahead = rows.filter(pl.col("horizon_s").is_between(1, NEXT.total_seconds()))
    known = ahead.filter(pl.col("action") != UNKNOWN)
    rungs = tuple(sorted(ahead["rung"].unique()))
    if known.is_empty():
        return Outlook(UNKNOWN, None, None, None, rungs)
    order = {name: i for i, name in enumerate(ACTIONS)}
    ranked = known.with_columns(at=pl.col("action").replace_strict(order, return_dtype=pl.Int64))
    worst = ranked.sort("at", "probability", "due", descending=[True, True, False]).row(0, named=True)
    highest = known["probability"].max()
    assert isinstance(highest, float)
    return Outlook(worst["action"], worst["target"], worst["due"], highest, rungs)
