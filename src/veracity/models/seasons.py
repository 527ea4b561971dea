"""Seasons: three months each, in UTC, by the months' names and not by a hemisphere's."""

import numpy as np

from veracity.models.panel_array import Ints

SEASONS = ("Dec-Feb", "Mar-May", "Jun-Aug", "Sep-Nov")


def season_of(times_us: Ints) -> Ints:
    """Return each time's place in ``SEASONS``; microseconds since the epoch, UTC.

    Examples
    --------
    >>> at = np.array(["2025-12-31", "2026-03-01"], "datetime64[us]").astype(np.int64)
    >>> [SEASONS[i] for i in season_of(at)]
    ['Dec-Feb', 'Mar-May']
    """
    month = times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12
    out: Ints = (month + 1) % 12 // 3
    return out
