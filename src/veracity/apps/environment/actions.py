"""What people are told, as a code: the advice of the worst category of VN_AQI that they should be ready for.

That is the category of the value which is passed with a chance of one in three. So a warning comes before the
limit is more likely passed than not: a day indoors that was not needed costs less than a day of bad air that
nobody was warned of. The costs are declared in ``EVENTS``: one against three.
"""

import numpy as np
import numpy.typing as npt

from veracity.apps.environment.exceedance import exceedance
from veracity.apps.environment.limits import ACTIONS, LIMITS, WARN_FROM
from veracity.models.events import EventPolicy
from veracity.models.panel_array import Floats

UNKNOWN = "unknown"
EVENTS = EventPolicy(cost=1.0, loss=3.0, warnings=ACTIONS[WARN_FROM:])


def warning_limit(target: str) -> float:
    """Return from where on the air is unhealthy for sensitive people, in the target's unit."""
    return LIMITS[target][WARN_FROM - 1]


def action_codes(chances: Floats) -> npt.NDArray[np.str_]:
    """Return (...) the codes of what people are told: of ``ACTIONS``, or ``unknown``.

    ``chances``: (..., 5) that each category after the first, or a worse one, is reached.
    """
    known = np.isfinite(chances).all(axis=-1)
    at = (np.nan_to_num(chances) >= EVENTS.least).sum(axis=-1)
    return np.array([*ACTIONS, UNKNOWN])[np.where(known, at, len(ACTIONS))]


def chances_of(target: str, values: Floats, levels: tuple[float, ...]) -> Floats:
    """Return (..., 5) from (..., q) quantiles: chances of each category after the first, or a worse one."""
    return np.stack([exceedance(values, levels, limit) for limit in LIMITS[target]], axis=-1)
