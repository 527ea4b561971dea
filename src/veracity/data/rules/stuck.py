"""Stuck: a sensor that gives the identical value for longer than is physically plausible."""

from dataclasses import dataclass

import numpy as np

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Bools, Floats, Ints, Readings
from veracity.data.rules.rule import Mask, Rule

LEARNED = 96  # readings before a run from which is learned how often the sensor repeats itself
LONGEST = 288  # readings after which any run is too long: as far as the rule sees
RISK = 1e-9  # how likely a run of this length may be, were each repeat independent
TIMES = 3  # a run is plausible up to this many times the longest among the learned readings
READINGS = 8
CHUNK = 8_192


@dataclass(frozen=True)
class Stuck(Rule):
    """One property of a sensor may not keep the identical value for longer than is plausible.

    How long is plausible depends on the sensor: a thermometer that shows tenths of a degree repeats
    itself all night, one that shows thousandths never does. With ``longest``, the contract says it.
    Without, the rule learns it from the 96 readings before the run began, as far as both of these say:

    - the share p of readings equal to the one before (two more of each kind are assumed than were
      seen, so that no share is 0 or 1): a run is too long when repeats as common as this, were they
      independent, would give it less than once in a thousand million, p ** (n - 1) <= 1e-9;
    - repeats come in quiet hours together: a run is plausible up to 3 times the longest of the 96.

    In no case is a run plausible that is longer than 288 readings. A sensor with fewer than 96
    readings before the run is not judged until it has 384 in all. Each reading of the run is flagged from
    the one at which it becomes implausible.

    **Zeros.** No rain for five months is no fault. Without ``except``, a run of zeros is spared where
    zero is a place the property goes to: where the 96 readings before the run hold a zero or come
    as close to zero as they lie apart (maximum minus minimum). The pH that falls from 7.8 to 0 is
    judged, the wind that falls from 0.3 m/s to 0 is not. Beyond the 288th reading this cannot be seen any
    more, and zeros are spared: for a property that is never 0, write ``except: []``.

    Settings
    --------
    longest
        A duration, such as ``6 h``: a run that lasts longer is implausible, from its first reading's
        event time to the present one's. Learned if absent.
    readings
        The run has at least so many readings; 8 if absent (3 with ``longest``); from 2 to 288.
    except
        Values whose runs are not judged, such as ``[0, 100]`` for a humidity that saturates. Given,
        it takes the place of what is said about zeros above.

    Attributes
    ----------
    series
        The property judged.
    longest_s
        ``longest`` in seconds; None where it is learned.
    readings
        The shortest run that is judged.
    spared
        The values of ``except``; None where zeros are judged by the readings before.
    """

    series: str
    longest_s: float | None
    readings: int
    spared: tuple[float, ...] | None

    @property
    def window(self) -> int:
        """None with ``longest`` and ``except``: a run's beginning and length are remembered anyhow."""
        return 0 if self.longest_s is not None and self.spared is not None else LEARNED + LONGEST - 1

    def broken(self, readings: Readings) -> Mask:
        """Return which readings stand in a run that is too long by then."""
        out = np.zeros(len(readings), dtype=np.bool_)
        at = np.flatnonzero(readings.is_new & (readings.run_n >= self.readings))
        if self.spared is not None:
            at = at[~np.isin(readings.value[at], self.spared)]
        if self.longest_s is not None:
            lasts_us = readings.time_us[at] - readings.run_start_us[at]
            at = at[lasts_us > self.longest_s * 1e6]
        else:
            at = at[_implausible(readings, at)]
        if self.spared is None:
            at = at[~_natural_zero(readings, at)]
        out[at] = True
        return out


def read_stuck(scope: Scope, p: Parameters) -> Stuck:
    """Take the settings of ``stuck``; see the class.

    Raises
    ------
    MalformedContract
        If a setting is not as described, or the rule hangs under no number.
    """
    name = p.judged(scope, "stuck")
    longest_s = p.duration_s("longest") if p.has("longest") else None
    readings = p.whole("readings", READINGS if longest_s is None else 3, low=2, high=LONGEST)
    spared = tuple(_value(p, v) for v in p.items("except", most=100)) if p.has("except") else None
    reason = f"stuck:{name}"
    return Stuck(reason, p.action, p.severity, name, longest_s, readings, spared)


def _value(p: Parameters, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise p.fail("except", "numbers", value)
    return float(value)


def plausible_run(n_repeats: Ints) -> Ints:
    """Return the longest plausible run by the number of repeats among the learned readings.

    n_repeats: (n,) int64, 0 to 95. The result is at most 288.
    """
    table = np.empty(LEARNED, dtype=np.int64)
    for k in range(LEARNED):
        share = (k + 2) / (LEARNED - 1 + 4)
        n, chance = 1, 1.0
        while chance > RISK and n < LONGEST:
            n, chance = n + 1, chance * share
        table[k] = n
    return table[n_repeats]


def _implausible(readings: Readings, at: Ints) -> Bools:
    """Tell of readings which stand in a run too long for what was learned before it."""
    run = readings.run_n[at]
    out = np.asarray((run > LONGEST) & (readings.ordinal[at] >= LEARNED + LONGEST - 1), dtype=np.bool_)
    seen = _sees_before(readings, at)
    start = at[seen] - run[seen] + 1
    first, back_to = np.unique(start, return_inverse=True)
    repeats = np.zeros(len(readings) + 1, dtype=np.int64)
    repeats[2:] = np.cumsum(readings.value[1:] == readings.value[:-1])
    n_repeats = repeats[first] - repeats[first - LEARNED + 1]
    limit = np.maximum(plausible_run(n_repeats), TIMES * _longest_before(readings, first))
    out[seen] = run[seen] > np.minimum(limit, LONGEST)[back_to]
    return out


def _sees_before(readings: Readings, at: Ints) -> Bools:
    """Tell where the readings before the run are in sight: the same however the feed was cut."""
    run = readings.run_n[at]
    return np.asarray((run <= LONGEST) & (readings.back[at] >= LEARNED + run - 1), dtype=np.bool_)


def _longest_before(readings: Readings, first: Ints) -> Ints:
    """Return the longest run, at most 96, that ends among the learned readings before each position."""
    out = np.empty(len(first), dtype=np.int64)
    for i in range(0, len(first), CHUNK):
        look = first[i : i + CHUNK, None] - np.arange(1, LEARNED + 1)
        out[i : i + CHUNK] = readings.run_n[look].max(axis=1)
    return np.minimum(out, LEARNED)


def _natural_zero(readings: Readings, at: Ints) -> Bools:
    """Tell of readings which are zeros where zero is a place that the property goes to."""
    out = np.asarray(readings.value[at] == 0, dtype=np.bool_)
    seen = np.flatnonzero(out & _sees_before(readings, at))
    start = at[seen] - readings.run_n[at[seen]] + 1
    first, back_to = np.unique(start, return_inverse=True)
    out[seen] = _reaches_zero(readings.value, first)[back_to]
    return out


def _reaches_zero(value: Floats, first: Ints) -> Bools:
    out = np.empty(len(first), dtype=np.bool_)
    for i in range(0, len(first), CHUNK):
        before = value[first[i : i + CHUNK, None] - np.arange(1, LEARNED + 1)]
        low, high = before.min(axis=1), before.max(axis=1)
        nearest = np.maximum(np.maximum(low, -high), 0.0)
        with np.errstate(over="ignore"):
            out[i : i + CHUNK] = nearest <= high - low
    return out
