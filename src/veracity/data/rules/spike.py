"""Spike: a reading far from all that its sensor gave lately, and reached by a leap."""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Bools, Floats, Ints, Readings
from veracity.data.rules.rule import Mask, Rule

READINGS = 96
THRESHOLD = 8.0
CHUNK = 8_192


@dataclass(frozen=True)
class Spike(Rule):
    """A reading may not leap out of what its sensor gave in the last readings.

    It is judged by two questions, and the smaller answer counts (``deviation``):

    - How far is it outside the middle half of the last 96 readings, in widths of that half (the
      distance of the quartiles)? This is the fence of a box plot, robust as long as fewer than a
      quarter of the readings are wrong.
    - How far is it from the median of the last three readings, in steps as this sensor takes them?
      Nine of ten steps among the 96 readings are no greater; and the median of the last three
      steps is not, so that a flood on its way, which leaves the middle half by steps that grow, is
      no spike. A spike's second reading still is one.

    Where the middle half has no width (a river that stands still, hours without rain), the distance
    of the smallest and the greatest of the readings is taken in its place; where nine of ten steps are
    0, the greatest step. After readings that are all alike nothing says what is much: the rule is
    silent, unless ``resolution`` is given. So is it before a sensor has 96 readings. A lasting jump is
    flagged at its first two readings only: that it lasts, the rule ``shift`` says.

    Only readings before the one judged are used, so a first gush that is real (a cloudburst, a
    release from a dam) can be flagged as well: prefer ``flag`` to ``quarantine`` where such things happen.

    Settings
    --------
    threshold
        From how many widths and steps on it is a spike; more than 0; 8 if absent: the smallest of a
        few whole numbers at which no more than one in a thousand readings that technicians held for
        sound was flagged at three river sites (``benchmarks/cleaning.py``).
    readings
        How many readings before it are looked at, from 8 to 2,000; 96 if absent: four days of hourly
        readings, one day of a reading each 15 minutes. Less than a day calls the afternoon a spike.
    resolution
        The smallest difference the sensor can show, in the table's unit: widths and steps are never
        taken as smaller. 0 if absent.

    Attributes
    ----------
    series, threshold, readings, resolution
        The property judged and the settings.

    References
    ----------
    Tukey, Exploratory Data Analysis (1977), for the fences; Pearson, Neuvo, Astola and Gabbouj,
    Generalized Hampel Filters, EURASIP J. Adv. Signal Process. (2016), for filters of this kind.
    """

    series: str
    threshold: float = THRESHOLD
    readings: int = READINGS
    resolution: float = 0.0

    @property
    def window(self) -> int:
        """As many as ``readings``."""
        return self.readings

    def broken(self, readings: Readings) -> Mask:
        """Return which new readings deviate by more than the threshold."""
        kept = _looked_at(readings.is_new, self.readings)
        near = readings
        if len(kept) < len(readings):
            near = Readings(**{f.name: getattr(readings, f.name)[kept] for f in fields(Readings)})
        far = deviation(near, self.readings, self.resolution, above=self.threshold)
        out = np.zeros(len(readings), dtype=np.bool_)
        out[kept] = far > self.threshold
        return np.asarray(out & readings.is_new, dtype=np.bool_)


def read_spike(scope: Scope, p: Parameters) -> Spike:
    """Take the settings of ``spike``; see the class.

    Raises
    ------
    MalformedContract
        If a setting is not as described, or the rule hangs under no number.
    """
    name = p.judged(scope, "spike")
    return Spike(
        f"spike:{name}",
        p.action,
        p.severity,
        name,
        threshold=p.number("threshold", THRESHOLD, low=1e-6, high=1e9),
        readings=p.whole("readings", READINGS, low=8, high=2_000),
        resolution=p.number("resolution", 0.0, low=0.0, high=1e300),
    )


def deviation(readings: Readings, n: int = READINGS, resolution: float = 0.0, above: float = 0.0) -> Floats:
    """Return how far each reading leaps out of the ``n`` readings before it: a score without unit.

    (len,) float64, 0 or more. 0 where it lies in the middle half, has fewer than ``n`` readings
    before it, or these are all alike. What is not above ``above`` may be given as 0: that saves time.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        steps = _in_steps(readings, n, resolution)
        at = np.flatnonzero(steps > above)
        out = np.zeros(len(readings))
        for i in range(0, len(at), CHUNK):
            part = at[i : i + CHUNK]
            out[part] = np.minimum(steps[part], _in_widths(readings.value, part, n, resolution))
    return out


def _looked_at(is_new: Bools, n: int) -> Ints:
    """Return the positions of new readings and of those at most ``n`` before one.

    Another rule of the series may have more remembered than this one needs. Readings of a sensor
    stay together, and none that a new one looks at is left out.
    """
    at = np.arange(len(is_new))
    following = np.minimum.accumulate(np.where(is_new, at, 2 * len(at) + n)[::-1])[::-1]
    return np.flatnonzero(following - at <= n)


def _in_steps(readings: Readings, n: int, resolution: float) -> Floats:
    """Return the distance from the median of the last three readings, in the sensor's great steps."""
    x = readings.value
    enough = readings.back >= n
    if not enough.any():
        return np.zeros(len(x))
    step = np.zeros(len(x))
    step[1:] = np.abs(x[1:] - x[:-1])
    great = _rolling(step, n - 1, 0.9)
    still = enough & (great == 0)
    if still.any():
        great[still] = _rolling(step, n - 1, 1.0)[still]
    great = np.maximum(np.maximum(great, _median_of_three(step)), resolution)
    away = np.abs(x - _median_of_three(x))
    return np.divide(away, great, out=np.zeros(len(x)), where=enough & (great > 0))


def _rolling(x: Floats, n: int, q: float) -> Floats:
    """Return a quantile, one of the values, of the ``n`` values before each; 0 where there are fewer."""
    found = pl.Series(x).rolling_quantile(q, interpolation="higher", window_size=n).shift(1)
    return found.fill_null(0.0).to_numpy(writable=True)


def _median_of_three(x: Floats) -> Floats:
    """Return the median of the three values before each; 0 for the first three."""
    out = np.zeros(len(x))
    a, b, c = x[:-3], x[1:-2], x[2:-1]
    out[3:] = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    return out


def _in_widths(x: Floats, at: Ints, n: int, resolution: float) -> Floats:
    """Return how far some values are outside the middle half of the ``n`` before, in its widths."""
    low_at, high_at = (n - 1) // 4, n - 1 - (n - 1) // 4
    before = np.partition(x[at[:, None] - np.arange(1, n + 1)], (0, low_at, high_at, n - 1), axis=1)
    low, high = before[:, low_at], before[:, high_at]
    width = np.where(high > low, high - low, before[:, -1] - before[:, 0])
    width = np.maximum(width, resolution)
    outside: Floats = np.maximum(np.maximum(x[at] - high, low - x[at]), 0.0)
    has: Bools = width > 0
    return np.divide(outside, width, out=np.zeros(len(at)), where=has)
