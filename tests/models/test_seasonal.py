"""The seasonal baseline: which earlier day it takes, where that is missing, and at the panel's beginning."""

import numpy as np

from estimating import TARGET, simulated
from veracity.models.estimators import Seasonal
from veracity.models.features import carried


def test_it_takes_the_newest_such_day_that_is_known() -> None:
    """For every origin and horizon: the first known of whole days before, at most four, else the newest."""
    panel = simulated(200)
    values = panel.column(TARGET)
    values[60:90, 1] = np.nan
    values[10:190, 2] = np.nan
    horizons = (1, 5, 24, 25, 48)
    said = Seasonal(TARGET, horizons).points(panel, horizons, np.arange(200))
    newest = carried(values, 200)[0]
    for origin in range(200):
        for j, horizon in enumerate(horizons):
            due = origin + horizon
            days = [d for d in range(due - 24, -1, -24) if d <= origin][:4]
            for key in range(3):
                known = [values[d, key] for d in days if np.isfinite(values[d, key])]
                want = known[0] if known else newest[origin, key]
                assert np.array_equal(said[origin, key, j], want, equal_nan=True)
