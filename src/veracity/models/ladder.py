"""The ladder of fallbacks: which rung can serve a place now, given what its sensors still say.

A rung serves a key where every column that it needs was measured (not filled) lately enough. The first of the
ladder that can, does; the last needs nothing, so that something always serves, and says what it stands on.
"""

from collections.abc import Collection, Sequence

import numpy as np

from veracity.models.app import Rung
from veracity.models.errors import BadLadder
from veracity.models.panel_array import Floats, PanelArray


def ages_s(panel: PanelArray, column: str, now_us: int) -> Floats:
    """Return (k,) seconds since the newest measured value of a column for each key; inf where none is."""
    measured = panel.measured[:, :, panel.index(column)]
    times = np.where(measured, panel.times_us[:, None], np.iinfo(np.int64).min)
    newest = times.max(axis=0, initial=np.iinfo(np.int64).min)
    known = measured.any(axis=0)
    return np.where(known, (now_us - np.where(known, newest, 0)) / 1e6, np.inf)


def serving(
    ladder: Sequence[Rung], panel: PanelArray, now_us: int, without: Collection[str] = ()
) -> tuple[str, ...]:
    """Return for each key of a panel the name of the rung that serves it.

    Parameters
    ----------
    now_us
        Microseconds since the epoch, UTC.
    without
        Rungs that cannot serve whatever is measured: those that need a model where none is released.

    Raises
    ------
    BadLadder
        If for some key no rung can serve.
    BadPanel
        If a rung needs a column that the panel has not.
    """
    able = np.full(len(panel.keys), -1)
    for i, rung in reversed(list(enumerate(ladder))):
        if rung.name in without:
            continue
        fresh = np.ones(len(panel.keys), np.bool_)
        for column in rung.needs:
            fresh &= ages_s(panel, column, now_us) <= rung.longest_age_s
        able[fresh] = i
    if (able < 0).any():
        key = panel.keys[int(np.argmax(able < 0))]
        names = ", ".join(r.name for r in ladder) or "no rung"
        raise BadLadder(f"ladder: want a last rung that needs nothing, got {names}: none can serve {key!r}")
    return tuple(ladder[i].name for i in able)
