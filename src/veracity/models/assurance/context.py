"""What an app tells the battery of itself: where districts lie, what a storm is, who runs which sensors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
import polars as pl

from veracity.models.bundle import Estimators
from veracity.models.panel_array import Bools, PanelArray

Regime = Callable[[PanelArray, str], Bools]


class Decides(Protocol):
    """An app's ``decide``: decisions with the rung of the ladder of fallbacks that each comes from."""

    def __call__(self, panel: PanelArray, estimators: Estimators, now: datetime) -> pl.DataFrame:
        """Return rows of ``decisions.SCHEMA``."""


@dataclass(frozen=True)
class Context:
    """An app as the battery sees it. All but the name may be left to defaults, and the report says so.

    Attributes
    ----------
    name
        Of the app.
    districts, groups
        By key: the district that skill is told by, and a group, such as places of one kind. Service must be
        fair to each district and to each group. By default each key is one of its own.
    regimes
        By name, such as "storm": (n,) bool per time of a panel, for a target: when the regime holds, as known
        then. By default ``unrest`` alone.
    thresholds
        By target: at or above it the outcome is an event. By default the 90th percentile of the outcomes.
    warn_at
        The least chance of an event at which people are warned.
    agencies
        By agency the columns that come from it, for the test that takes one offline.
    limits
        By column the least and the greatest value that its contract lets through.
    lookback
        Steps back that faults reach: as far as the model looks for most of what it says. In a short period
        they reach less far, and the report says so.
    personal
        Whether it learned from personal data; the test for members is then run.
    decide, first_rung
        The app's own decisions, to see that what rests on a fallback says so; and the name of the rung
        that is none.
    """

    name: str
    districts: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    warn_at: float = 0.5
    agencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lookback: int = 48
    personal: bool = False
    decide: Decides | None = None
    first_rung: str = ""

    def district(self, key: str) -> str:
        """Return the district of a key."""
        return self.districts.get(key, key)

    def group(self, key: str) -> str:
        """Return the group of a key."""
        return self.groups.get(key, key)

    def holds(self, panel: PanelArray, target: str) -> Mapping[str, Bools]:
        """Return (n,) by name of a regime: when it holds."""
        named: Mapping[str, Regime] = self.regimes or {"unrest": unrest}
        return {name: regime(panel, target) for name, regime in named.items()}


def unrest(panel: PanelArray, target: str) -> Bools:
    """Tell when the mean of a target over all keys is in the highest tenth of the panel's.

    The regime is told by what is known at the origin and never by the outcome: a score over cases picked by
    their outcome is won by whoever always cries wolf (Lerch and others 2017, "Forecaster's dilemma"). Where
    the highest tenth begins is the whole panel's.
    """
    values = panel.column(target)
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)
    bound = np.nanquantile(mean, 0.9) if np.isfinite(mean).any() else np.nan
    out: Bools = mean >= bound
    return out
