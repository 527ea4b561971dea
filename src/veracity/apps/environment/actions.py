"""What people are told, as a code: the worst category of VN_AQI that they should be ready for.

That is the category of the value which is passed with a chance of one in three. So a warning comes before the
limit is more likely passed than not: a day indoors that was not needed costs less than a day of bad air that
nobody was warned of. The costs are declared in ``EVENTS``: one against three.
"""

import numpy as np
import numpy.typing as npt

from veracity.apps.environment.limits import CATEGORIES, LIMITS, WARN_FROM
from veracity.models.events import EventPolicy
from veracity.models.panel_array import Floats

UNKNOWN = "unknown"
EVENTS = EventPolicy(cost=1.0, loss=3.0, warnings=CATEGORIES[WARN_FROM:])


def warning_limit(target: str) -> float:
    """Return from where on the air is unhealthy for sensitive people, in the target's unit."""
    return LIMITS[target][WARN_FROM - 1]


def action_codes(target: str, values: Floats, levels: tuple[float, ...]) -> npt.NDArray[np.str_]:
    """Return (...) the codes of what people are told: a name of ``CATEGORIES``, or ``unknown``.

    ``values``: (..., q) quantiles, not falling.
    """
    ready_for = np.apply_along_axis(lambda row: np.interp(1 - EVENTS.least, levels, row), -1, values)
    at = np.searchsorted(np.array(LIMITS[target]), ready_for, side="right")
    names = np.array([*CATEGORIES, UNKNOWN])
    return names[np.where(np.isnan(ready_for), len(CATEGORIES), at)]
