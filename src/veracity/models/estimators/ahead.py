"""What followed an origin, and the time of day that is forecast."""

import numpy as np

from veracity.models.errors import BadPanel
from veracity.models.panel_array import Floats, Ints, PanelArray

DAY_US = 86_400_000_000
N_HOURS = 24


def ahead(values: Floats, horizon: int) -> Floats:
    """Return (n, k): what came ``horizon`` rows after each, NaN past the end. For fitting only."""
    out = np.full_like(values, np.nan)
    out[: max(0, len(values) - horizon)] = values[horizon:]
    return out


def hour_of(times_us: Ints) -> Ints:
    """Return the hour of the day, 0 to 23, UTC."""
    return (times_us % DAY_US) // 3_600_000_000


def steps_a_day(panel: PanelArray) -> int:
    """Return how many rows a day has; BadPanel where the grid does not divide it."""
    n, rest = divmod(DAY_US, panel.every_us)
    if rest or n == 0:
        raise BadPanel(f"panel.every: want a part of a day, got {panel.every_us:,} us")
    return int(n)


def lowest_of(values: Floats) -> float:
    """Return what nothing can be below: 0 where nothing learned is, else minus infinity."""
    known = values[np.isfinite(values)]
    return 0.0 if len(known) and known.min() >= 0 else -np.inf
