"""What the app looks at: the last weeks of a panel up to now, every hour of them, and nothing later."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from veracity.models.panel_array import PanelArray

LOOK_BACK_H = 28 * 24  #: hours of the past; baselines learn from them too
HOUR_US = 3_600_000_000


def microseconds(when: datetime) -> int:
    """Return a time as microseconds since the epoch."""
    return round(when.timestamp() * 1e6)


def seen_at(panel: PanelArray, now: datetime) -> PanelArray:
    """Return the ``LOOK_BACK_H`` hours that end at the last hour not after ``now``.

    Rows after ``now`` are left out, whatever the panel holds. Hours that it does not have, because every
    feed was cut or the city is young, are there with nothing known.
    """
    last = microseconds(now) // HOUR_US * HOUR_US
    times = last - HOUR_US * np.arange(LOOK_BACK_H - 1, -1, -1, dtype=np.int64)
    at = np.searchsorted(panel.times_us, times)
    have = at < panel.n_times
    have[have] = panel.times_us[at[have]] == times[have]
    shape = (len(times), len(panel.keys), len(panel.columns))
    values, measured = np.full(shape, np.nan), np.zeros(shape, np.bool_)
    values[have], measured[have] = panel.values[at[have]], panel.measured[at[have]]
    trust = None
    if panel.trust is not None:
        trust = np.full(shape, np.nan)
        trust[have] = panel.trust[at[have]]
    return replace(panel, times_us=times, every_us=HOUR_US, values=values, measured=measured, trust=trust)
