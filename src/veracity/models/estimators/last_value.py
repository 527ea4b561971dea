"""The baseline that nothing changes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veracity.models.estimators.points import PointEstimator
from veracity.models.features import carried
from veracity.models.panel_array import Floats, Ints, PanelArray


@dataclass
class LastValue(PointEstimator):
    """Says what was measured last, however long ago."""

    name: ClassVar[str] = "last_value"

    def points(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return the newest value of each origin, the same for each horizon."""
        newest, _ = carried(panel.column(self.target), panel.n_times)
        return np.repeat(newest[origins, :, None], len(horizons), axis=2)
