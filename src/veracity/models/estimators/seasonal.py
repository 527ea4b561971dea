"""The baseline that a day is as the one before it, or as that of last week."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veracity.models.estimators.ahead import steps_a_day
from veracity.models.estimators.points import PointEstimator
from veracity.models.features import carried, lagged
from veracity.models.panel_array import Floats, Ints, PanelArray


@dataclass
class Seasonal(PointEstimator):
    """Says what was measured at the same time of day, the newest such day that an origin knows.

    Where that is missing it takes the next before, up to ``n_back`` of them, and then the newest value.

    Attributes
    ----------
    days
        From one such day to the next: 1 is yesterday, 7 the same day of last week.
    """

    days: int = 1
    n_back: int = 4

    name: ClassVar[str] = "seasonal"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.count("days", 1)
        self.count("n_back", 1)

    def points(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return for each origin the value a whole number of periods before what is forecast."""
        period = self.days * steps_a_day(panel)
        target = panel.column(self.target)
        newest, _ = carried(target, panel.n_times)
        return np.stack([self._point(target, newest, period, h)[origins] for h in horizons], axis=2)

    def _point(self, target: Floats, newest: Floats, period: int, horizon: int) -> Floats:
        first = -(-horizon // period) * period - horizon  # rows before the origin
        out = np.full_like(target, np.nan)
        for n in range(self.n_back):
            out = np.where(np.isfinite(out), out, lagged(target, first + n * period))
        return np.where(np.isfinite(out), out, newest)
