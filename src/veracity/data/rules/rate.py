"""Rate: how fast a property may change from one reading to the next."""

from dataclasses import dataclass

import numpy as np

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings
from veracity.data.rules.rule import Mask, Rule


@dataclass(frozen=True)
class Rate(Rule):
    """From one reading of a sensor to its next, a property may not change faster than a limit.

    A reading is flagged where the change since the one before, divided by the time between
    them, is above the limit: exactly on the limit is allowed. Both event times are the sensor's own; what
    arrived in between is of no matter. After a wrong reading the next one, back at the truth, is
    flagged as well: the rule knows the pair, not which of the two is wrong; ``spike`` knows more.

    Settings
    --------
    per
        A duration such as ``1 min`` or ``1 h``: the limits are changes in this time. Required.
    maximum
        The greatest change in either direction, in the table's unit per ``per``; 0 or more.
    rise, fall
        The greatest change upwards and downwards, in place of ``maximum`` for that direction. One
        of the three at least is required. A river rises faster than it falls.
    resolution
        The smallest difference the sensor can show, in the table's unit; 0 if absent. A change of
        no more than this is never too fast: two readings a second apart that fall on either side of
        a step of the scale say nothing about a rate.

    Readings that are very close in time are judged like all others; times of one sensor are strictly
    ascending, so the time between is at least a microsecond.

    Attributes
    ----------
    series, per_s, resolution
        The property judged, and the settings.
    rise, fall
        The limits in the table's unit per ``per_s`` seconds; None where a direction has none.
    """

    series: str
    per_s: float
    rise: float | None
    fall: float | None
    resolution: float = 0.0

    @property
    def window(self) -> int:
        """The reading before."""
        return 1

    def broken(self, readings: Readings) -> Mask:
        """Return which readings changed too fast since the one before."""
        has, before = readings.lag(1)
        elapsed_s = (readings.time_us - readings.time_us[before]) / 1e6
        out = np.zeros(len(readings), dtype=np.bool_)
        with np.errstate(over="ignore"):
            change = readings.value - readings.value[before]
            for limit, upwards in ((self.rise, change), (self.fall, -change)):
                if limit is not None:
                    out |= (upwards > self.resolution) & (upwards * self.per_s > limit * elapsed_s)
        return np.asarray(out & has, dtype=np.bool_)


def read_rate(scope: Scope, p: Parameters) -> Rate:
    """Take the settings of ``rate``; see the class.

    Raises
    ------
    MalformedContract
        If a setting is not as described, no limit is given, or the rule hangs under no number.
    """
    name = p.judged(scope, "rate")
    both = _limit(p, "maximum", None)
    rise, fall = _limit(p, "rise", both), _limit(p, "fall", both)
    if rise is None and fall is None:
        raise p.fail("maximum", "maximum, rise or fall", None)
    per_s = p.duration_s("per")
    resolution = p.number("resolution", 0.0, low=0.0, high=1e300)
    return Rate(f"rate:{name}", p.action, p.severity, name, per_s, rise, fall, resolution)


def _limit(p: Parameters, name: str, default: float | None) -> float | None:
    return p.number(name, low=0.0, high=1e300) if p.has(name) else default
