"""The baseline that a day is as the one before it, or as that of last week."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veracity.models.estimators.ahead import steps_a_day
from veracity.models.estimators.points import PointEstimator
from veracity.models.features import carried
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
        newest = carried(target, panel.n_times)[0][origins]
        back = [-h % period for h in horizons]  # rows from the origin to the newest such time
        found = {first: self._back(target, newest, period, origins - first) for first in set(back)}
        return np.stack([found[first] for first in back], axis=2)

    def _back(self, target: Floats, newest: Floats, period: int, at: Ints) -> Floats:
        """Return (o, k): the first value known at rows ``at`` and whole periods before, or the newest."""
        padded = np.concatenate([target, np.full((1, target.shape[1]), np.nan)])
        out = padded[np.maximum(at, -1)]  # the last row stands for what was before the first
        for n in range(1, self.n_back):
            if np.isfinite(out).all():
                return out
            out = np.where(np.isfinite(out), out, padded[np.maximum(at - n * period, -1)])
        return np.where(np.isfinite(out), out, newest)
