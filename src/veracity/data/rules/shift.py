"""Level shift: the series moved by one sudden step and stayed, as when a gauge's datum was changed.

A flood also moves a series, but it rises over several readings, keeps moving and goes back. A
shift is one step that is large beside every other step around it, between two levels that are
quiet beside it. That is the classical test of a step change, the difference of two levels over
the variability within them, with the largest step and the range in place of standard deviations:
no flood can hide in a maximum.
"""

from dataclasses import dataclass

import numpy as np

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Bools, Floats, Ints, Readings
from veracity.data.rules.rule import Mask, Rule

_MEMORY = 5  # how many times ``settle`` readings are searched for the smallest step
_LONGEST = 512
_STILL = 3.0  # see ``Shift``
_APART = 0.5
_SLACK = 1.0 + 1e-9  # 0.28 - 0.23 is a hair less than five times 0.02 - 0.01
_CHUNK = 16_384  # candidates at a time: 30 MB


@dataclass(frozen=True)
class Shift(Rule):
    """One sudden step to another level that lasted.

    The verdict falls on one reading, the ``settle``-th of the new level: the shift began
    ``settle - 1`` readings of this sensor earlier. Readings before and after it are not flagged.
    With ``d`` the step, ``s`` the largest other step among the last ``settle`` readings before
    it and the first ``settle`` after it, and ``r`` the wider of the ranges of these two groups:

    - it stands out: ``d >= ratio * s``;
    - it lasts: the groups do not overlap, and ``d / 2`` at least is empty between them;
    - both levels are still, or the step stands out the more: ``d/s * d/r >= 3 * ratio``. A step of
      ``ratio`` ordinary ones needs levels three times as narrow as itself; one of twenty, as in
      a smooth flood, only levels that move no more than itself.

    Neither ``s`` nor ``r`` counts as less than the smallest step the sensor is known to make, its
    resolution: the smallest that is not zero among its last five times ``settle`` readings (at
    most 512), or ``resolution``. A sensor that never moved has shown no resolution: silent.

    Over a gap in time the series had longer to move. A step over a gap of ``g`` usual intervals
    (the median of those around) must be ``g`` times as large, up to ``settle`` times: what rises or
    falls by itself for longer shows in the level after it. So a jump of metres is found over any gap at
    a quiet gauge; one of centimetres only without a gap.

    Not found: a shift in two steps (an hour's mean of both levels lies between), two shifts
    within ``settle`` readings, one beside a spike that no other rule set aside.

    Attributes
    ----------
    series
        The property judged.
    settle
        How many readings the new level must have lasted, and the old one: 4 to 256. ``24`` is a day
        of hours, time enough for a small stream's flood to recede.
    ratio
        How many times the largest other step: 2 or more.
    at_least
        The smallest shift to speak of, in the property's unit.
    resolution
        The smallest step the sensor can make, in the property's unit; 0 to read it from the series.
    """

    series: str
    settle: int = 24
    ratio: float = 5.0
    at_least: float = 0.0
    resolution: float = 0.0

    @property
    def window(self) -> int:
        """How many readings before the one judged it looks at: 119 unless told otherwise."""
        return max(2 * self.settle, min(_MEMORY * self.settle, _LONGEST)) - 1

    def broken(self, readings: Readings) -> Mask:
        """Return which readings are the ``settle``-th after a shift."""
        out = np.zeros(len(readings), dtype=np.bool_)
        if len(readings) < 2 * self.settle:
            return out
        with np.errstate(over="ignore", invalid="ignore"):  # beyond 1e308 no comparison holds
            at = self._candidates(readings)
            for i in range(0, len(at), _CHUNK):
                part = at[i : i + _CHUNK]
                out[part] = self._shifted(readings, part)
        return out

    def _candidates(self, readings: Readings) -> Ints:
        """Return the readings whose step stands out from the two steps on either side of it."""
        ago = self.settle - 1
        step = np.abs(np.diff(readings.value))  # step[k] leads to reading k + 1
        at = np.flatnonzero(readings.is_new & (readings.back >= 2 * self.settle - 1))
        at = at[step[at - ago - 1] > 0.0]
        for k in (-1, 1, -2, 2):
            d = step[at - ago - 1]
            at = at[d * _SLACK >= self.ratio * step[at - ago - 1 + k]]
        return np.asarray(at[step[at - ago - 1] * _SLACK >= self.at_least], dtype=np.int64)

    def _shifted(self, readings: Readings, at: Ints) -> Bools:
        """Tell for ``at`` (m,), positions with enough readings before them, which end a shift."""
        n = self.settle
        span = at[:, None] + np.arange(1 - 2 * n, 1)
        value = readings.value[span]
        before, after = value[:, :n], value[:, n:]
        steps = np.abs(np.diff(value, axis=1))
        d = steps[:, n - 1].copy()
        steps[:, n - 1] = 0.0
        smallest = self._smallest(readings, at)
        most = np.maximum(steps.max(axis=1), smallest)
        widest = np.maximum(np.maximum(_range(before), _range(after)), smallest)
        rose = after.min(axis=1) - before.max(axis=1)
        fell = before.min(axis=1) - after.max(axis=1)
        stands_out = d * _SLACK >= self.ratio * most * self._intervals(readings, span)
        lasts = np.maximum(rose, fell) * _SLACK >= _APART * d
        still = (d / most) * (d / widest) * _SLACK >= _STILL * self.ratio
        return np.asarray(stands_out & lasts & still, dtype=np.bool_)

    def _smallest(self, readings: Readings, at: Ints) -> Floats:
        """Return (m,): the smallest step that is not zero, the judged one apart; infinite if none."""
        if self.resolution:
            return np.full(len(at), self.resolution)
        ago = np.arange(self.window)
        to = np.maximum(at[:, None] - ago, 1)
        step = np.abs(readings.value[to] - readings.value[to - 1])
        counts = (step > 0.0) & (ago < readings.back[at][:, None]) & (ago != self.settle - 1)
        seen = np.where(counts, step, np.inf).min(axis=1)
        new = at - self.settle + 1
        common = _common_step(readings.value[new - 1], readings.value[new])
        return np.asarray(np.where(np.isfinite(seen), seen, common))

    def _intervals(self, readings: Readings, span: Ints) -> Ints:
        """Return (m,): how many usual intervals the step took, from 1 to ``settle``."""
        took = np.diff(readings.time_us[span], axis=1)
        usual = np.partition(took, self.settle - 1, axis=1)[:, self.settle - 1]
        return np.asarray(np.clip((took[:, self.settle - 1] + usual // 2) // usual, 1, self.settle))


def read_shift(scope: Scope, p: Parameters) -> Shift:
    """Read ``settle`` (24), ``ratio`` (5), ``at_least`` (0) and ``resolution`` (0: from the series)."""
    name = p.judged(scope, "shift")
    return Shift(
        reason=f"shift:{name}",
        action=p.action,
        severity=p.severity,
        series=name,
        settle=p.whole("settle", 24, low=4, high=256),
        ratio=p.number("ratio", 5.0, low=2.0, high=1e6),
        at_least=p.number("at_least", 0.0, low=0.0),
        resolution=p.number("resolution", 0.0, low=0.0),
    )


def _range(values: Floats) -> Floats:
    return np.asarray(values.max(axis=1) - values.min(axis=1))


def _common_step(x: Floats, y: Floats) -> Floats:
    """Return (m,): the largest step of which both values are multiples (Euclid, to a millionth).

    A sensor's step is no larger, unless its scale does not pass through zero. Exact remainders:
    the same bits on every machine.
    """
    a, b = np.abs(x), np.abs(y)
    least = np.maximum(a, b) * 1e-6
    while np.any(rest := b > least):
        a, b = np.where(rest, b, a), np.where(rest, np.fmod(a, np.where(rest, b, 1.0)), b)
        b = np.where(b > a - least, 0.0, b)  # a hair under a whole multiple
    return np.asarray(np.where(a > least, a, np.inf))
