"""Noise: the scatter of a series changed."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Floats, Readings
from veracity.data.rules.rule import Mask, Rule

RECENT = 12
USUAL = 96
TIMES = 12.0
MIDDLE = 0.5
GREAT = 0.9


@dataclass(frozen=True)
class Noise(Rule):
    """The last readings may not scatter far more than the same sensor's readings usually do.

    Scatter is told by bends: how much a step differs from the step before it. A river on its
    way up has great steps but small bends, so a smooth flood is not noise. A probe in mud or
    with a loose wire goes up and down, and bends at each reading.

    Flagged is a reading at which the median of the last ``recent`` bends is more than ``times``
    the usual bend: nine of ten of the ``usual`` bends before those are no greater. The usual bend is
    never taken as smaller than the smallest step but zero among the readings, nor than
    ``resolution``. A median needs half the recent bends: one spike, which makes three, is not noise.

    The rule is silent before a sensor has ``recent + usual + 1`` readings. It compares with what
    was usual lately, so noise that stays becomes usual itself and is flagged no more. A storm
    that makes a river rough is flagged as well: prefer ``flag`` to ``quarantine``.

    Settings
    --------
    times
        How many times the usual scatter; more than 1; 12 if absent: the smallest of a few whole numbers at
        which no more than one in a thousand readings that technicians held for sound was flagged at three
        river sites (``benchmarks/cleaning.py``). So it finds gross noise
        only: of the 914 readings of high variability that people marked at Sandy Creek it finds none.
    recent
        How many bends are recent, 6 to 128; 12 if absent.
    usual
        How many bends before these are the usual, 24 to 383; 96 if absent: one day of a reading each
        15 minutes.
    fall
        Whether scatter that became far smaller is flagged too: the median of the usual bends is more
        than ``times`` nine tenths of the recent ones. False if absent: calm weather is calm.
    resolution
        The smallest difference the sensor can show, in the table's unit; 0 if absent.

    Attributes
    ----------
    series, times, recent, usual, fall, resolution
        The property judged and the settings.

    References
    ----------
    Second differences as a measure of noise that a trend leaves alone: von Neumann, Kent, Bellinson and
    Hart, The Mean Square Successive Difference, Ann. Math. Statist. 12 (1941), one order higher
    and with order statistics in place of means.
    """

    series: str
    times: float = TIMES
    recent: int = RECENT
    usual: int = USUAL
    fall: bool = False
    resolution: float = 0.0

    @property
    def window(self) -> int:
        """Readings that the bends are made of, but the one judged."""
        return self.recent + self.usual + 1

    def broken(self, readings: Readings) -> Mask:
        """Return which new readings end a stretch that scatters unlike the stretch before it."""
        enough = readings.is_new & (readings.back >= self.window)
        if not enough.any():
            return enough
        with np.errstate(over="ignore", invalid="ignore"):
            bend = _bends(readings.value)
            floor = np.maximum(self._smallest(readings.value), self.resolution)
            out = _of_last(bend, self.recent, MIDDLE) > self.times * np.maximum(
                self._before(_of_last(bend, self.usual, GREAT)), floor
            )
            if self.fall:
                calm = np.maximum(_of_last(bend, self.recent, GREAT), floor)
                out |= self._before(_of_last(bend, self.usual, MIDDLE)) > self.times * calm
        return np.asarray(out & enough, dtype=np.bool_)

    def _before(self, of_usual: Floats) -> Floats:
        """Return what was found where the recent bends begin; NaN where there is none."""
        out = np.full(len(of_usual), np.nan)
        out[self.recent :] = of_usual[: -self.recent]
        return out

    def _smallest(self, x: Floats) -> Floats:
        """Return the smallest step but zero of those looked at; infinite where nothing moved."""
        size = np.abs(np.diff(x, prepend=x[0]))
        moved = pl.Series(np.where(size > 0.0, size, np.inf))
        return moved.rolling_min(self.recent + self.usual).to_numpy(writable=True)


def read_noise(scope: Scope, p: Parameters) -> Noise:
    """Take the settings of ``noise``; see the class.

    Raises
    ------
    MalformedContract
        If a setting is not as described, or the rule hangs under no number.
    """
    name = p.judged(scope, "noise")
    return Noise(
        f"noise:{name}",
        p.action,
        p.severity,
        name,
        times=p.number("times", TIMES, low=1.001, high=1e9),
        recent=p.whole("recent", RECENT, low=6, high=128),
        usual=p.whole("usual", USUAL, low=24, high=383),
        fall=p.flag("fall", default=False),
        resolution=p.number("resolution", 0.0, low=0.0, high=1e300),
    )


def _bends(x: Floats) -> Floats:
    """Return how much each step differs from the step before; 0 for the first two readings.

    Beyond 1e308 a bend is infinite.
    """
    out = np.zeros(len(x))
    step = x[1:] - x[:-1]
    out[2:] = np.abs(step[1:] - step[:-1])
    return np.where(np.isnan(out), np.inf, out)


def _of_last(bend: Floats, n: int, q: float) -> Floats:
    """Return a quantile, one of the values, of the ``n`` bends up to each; NaN where there are fewer."""
    found = pl.Series(bend).rolling_quantile(q, interpolation="nearest", window_size=n)
    return found.to_numpy(writable=True)
