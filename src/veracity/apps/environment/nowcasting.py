"""The present hour where it was not measured: from other stations and from its own past, with how sure."""

from dataclasses import replace

import numpy as np

from veracity.apps.environment.ladder import LADDER, NOWCAST, TARGETS
from veracity.models.errors import BadPanel
from veracity.models.forecast import Forecast
from veracity.models.nowcast import GapFiller
from veracity.models.panel_array import PanelArray

LONGEST_H = next(r.longest_age_s for r in LADDER if r.name == NOWCAST) // 3600


def nowcast(seen: PanelArray, target: str) -> Forecast | None:
    """Return estimates of the last hour for stations without a measured value; None where none can be made.

    Only the past is used. NaN for stations that did measure, and for those silent for so long that nothing
    of their own is left to start from. Sensors that are trusted less are listened to less. What the filler
    learns it learns from the same weeks, up to this hour: nothing has to be released for it.
    """
    at = seen.index(target)
    known = seen.measured[:, :, at] & np.isfinite(seen.values[:, :, at])
    wanted = known[-LONGEST_H:].any(axis=0) & ~known[-1]
    if not wanted.any():
        return None
    heard = seen.select([key for i, key in enumerate(seen.keys) if known[:, i].any()])
    try:
        helpers = tuple(name for name in TARGETS if name != target)
        said = GapFiller(target, helpers=helpers, longest=LONGEST_H).fit(heard).fill(heard)
    except BadPanel:  # too little was measured to learn from
        return None
    place = {key: i for i, key in enumerate(heard.keys)}
    rows = [place[key] for key, one in zip(seen.keys, wanted, strict=True) if one]
    keys = tuple(key for key, one in zip(seen.keys, wanted, strict=True) if one)
    return replace(said, keys=keys, values=said.values[:, rows])
