"""Gap: a sensor that was silent for longer than it should be."""

from dataclasses import dataclass

import numpy as np

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Ints, Readings
from veracity.data.rules.rule import Mask, Rule

TOLERANCE = 1.5


@dataclass(frozen=True)
class Gap(Rule):
    """A sensor that reports at an interval may not leave readings out.

    The reading that ends the silence is flagged: nothing is wrong with it, and what is missing has no
    row to flag. So the only action is ``flag``. A sensor that never comes back ends no silence: that
    is for ``freshness`` to say.

    Under a property it is about the values of the property: a row in which it is null, or that
    was set aside, counts as missing.

    Settings
    --------
    every
        The expected interval, such as ``15 min``; the contract's ``frequency`` if absent.
    tolerance
        How many intervals may pass from one reading to the next, 1 or more; 1.5 if absent, so that one
        missing reading is seen and a sensor that is late by less than half an interval is not.

    Attributes
    ----------
    series, every_s, tolerance
        The property judged, and the settings.
    """

    series: str
    every_s: float
    tolerance: float = TOLERANCE

    @property
    def window(self) -> int:
        """The reading before."""
        return 1

    def broken(self, readings: Readings) -> Mask:
        """Return which readings end a gap."""
        has, before = readings.lag(1)
        elapsed_us = readings.time_us - readings.time_us[before]
        return np.asarray(has & (elapsed_us > self.tolerance * self.every_s * 1e6), dtype=np.bool_)


def missing_before(readings: Readings, gap: Gap) -> Ints:
    """Return how many readings are missing before each: (n,) int64, 0 where it ends no gap.

    The intervals that passed, rounded to the nearest whole number (a half up), less the one that
    the reading itself fills; at least 1 where there is a gap.
    """
    _, before = readings.lag(1)
    elapsed_us = readings.time_us - readings.time_us[before]
    passed = np.floor(elapsed_us / (gap.every_s * 1e6) + 0.5).astype(np.int64)
    return np.asarray(np.where(gap.broken(readings), np.maximum(passed - 1, 1), 0), dtype=np.int64)


def read_gap(scope: Scope, p: Parameters) -> Gap:
    """Take the settings of ``gap``; see the class.

    Raises
    ------
    MalformedContract
        If a setting is not as described, no interval is known, the action is not ``flag``, or the
        rule hangs under no property.
    """
    if scope.property is None:
        raise p.fail("rule", "gap under a property", None)
    if p.action != "flag":
        raise p.fail("action", "flag (the reading that ends a gap is not wrong)", p.action)
    if not p.has("every") and scope.frequency_s is None:
        raise p.fail("every", "an interval such as '15 min', or the contract's frequency", None)
    every_s = p.duration_s("every", scope.frequency_s)
    tolerance = p.number("tolerance", TOLERANCE, low=1.0, high=1e6)
    return Gap(f"gap:{scope.property}", p.action, p.severity, scope.property, every_s, tolerance)
