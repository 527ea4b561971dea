"""Neighbours: a reading, a sensor or a position that does not agree with the sensors around."""

from dataclasses import dataclass

import numpy as np

from veracity.data.rules.network import NetworkRule, read_network
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings
from veracity.data.rules.rule import Mask

USUAL = 96
FOLLOWED = 336
STANDING = 96
_NORMAL = 1.4826  # median absolute deviation to standard deviation, of a normal law
_ROWS = 16_384


@dataclass(frozen=True)
class Neighbours(NetworkRule):
    """A reading may not depart from what its neighbours let expect by more than it usually does.

    Expected is the median of the neighbours' latest readings. A sensor by a road is always a bit above,
    one that agrees badly scatters: so it is the difference that is judged, against the same
    sensor's last 96 differences (Hampel's rule). It breaks the rule where it lies further from their
    median than ``times`` their spread (1.4826 times the median absolute deviation) and than ``floor``. A
    sensor that agreed badly in the past is given more room, which is how past agreement counts.

    Silent with fewer than 96 differences before, and where the spread and the floor are both 0.

    Settings: ``times`` (6), ``floor`` (0, in the property's unit), and those of ``read_network``.
    """

    times: float
    floor: float

    @property
    def window(self) -> int:
        """The differences that say what is usual."""
        return USUAL

    def broken(self, readings: Readings) -> Mask:
        """Return which differences are unusual."""
        out = np.zeros(len(readings), dtype=np.bool_)
        rows = np.flatnonzero(readings.is_new & (readings.back >= USUAL))
        for at in range(0, len(rows), _ROWS):
            part = rows[at : at + _ROWS]
            before = readings.value[part[:, None] - np.arange(1, USUAL + 1)]
            with np.errstate(over="ignore"):
                middle = _median(before)
                spread = _NORMAL * _median(np.abs(before - middle[:, None]))
                limit = np.maximum(self.times * spread, self.floor)
                out[part] = (np.abs(readings.value[part] - middle) > limit) & (limit > 0.0)
        return out


@dataclass(frozen=True)
class Misplaced(NetworkRule):
    """A sensor may not be high and low at other times than those around the place it claims.

    Each reading has a standing among its own sensor's last 96 readings, from 0 the lowest to 1 the
    highest; offsets, gains and units cancel. d is its standing less the median of its
    neighbours' latest standings. Over the last 336 readings, agreement = 1 - 6 * mean(d * d), the formula of
    Spearman's rank correlation: 1 in unison, about 0 where the two have nothing to do with
    each other. Below ``agreement`` the sensor breaks the rule, reading after reading.

    It says that a sensor does not follow its neighbours, not why: the position may be wrong, the
    sensor broken or indoors, or the place like no other. Silent with fewer than 336 such readings,
    that is with fewer than 432 of the property. Sums of whole numbers: exact.

    Settings: ``agreement`` (0.35, from -1 to 1), and those of ``read_network``.
    """

    agreement: float

    @property
    def window(self) -> int:
        """The standings that are looked at, the one judged apart."""
        return FOLLOWED - 1

    def broken(self, readings: Readings) -> Mask:
        """Return at which readings the sensor does not follow its neighbours."""
        unit = 4 * self.network.past  # a standing is k / (2 past), a median of two k / (4 past)
        far = np.rint(readings.value * unit).astype(np.int64)
        total = np.concatenate(([0], np.cumsum(far * far)))
        rows = np.flatnonzero(readings.is_new & (readings.back >= FOLLOWED - 1))
        out = np.zeros(len(readings), dtype=np.bool_)
        mean = (total[rows + 1] - total[rows + 1 - FOLLOWED]) / float(FOLLOWED * unit * unit)
        out[rows] = 1.0 - 6.0 * mean < self.agreement
        return out


@dataclass(frozen=True)
class Alone(NetworkRule):
    """A sensor of a dense network may not claim a place where no others are.

    A network is dense when at least 30 positions are known and nine in ten of them have ``at_least``
    others (2 if absent) ``within_km`` (50). A position 10,000 km off, a swapped sign or swapped
    coordinates are found so, without any value; so is a sensor on an island far out, rightly placed.

    Settings: ``within_km``, ``at_least`` and the columns, as in ``read_network``.
    """

    @property
    def window(self) -> int:
        """It looks at the reading alone."""
        return 0

    def broken(self, readings: Readings) -> Mask:
        """Return which readings come from a sensor that stands alone."""
        return np.asarray(readings.value == 1.0, dtype=np.bool_)


def read_neighbours(scope: Scope, p: Parameters) -> Neighbours:
    """Take the settings of ``neighbours``; see the class."""
    network = read_network(scope, p, "difference")
    reason = f"neighbours:{scope.property}"
    times = p.number("times", 6.0, low=1.0, high=1e6)
    return Neighbours(reason, p.action, p.severity, network, times, p.number("floor", 0.0, low=0.0))


def read_misplaced(scope: Scope, p: Parameters) -> Misplaced:
    """Take the settings of ``misplaced``; see the class."""
    network = read_network(scope, p, "standing", past=STANDING)
    agreement = p.number("agreement", 0.35, low=-1.0, high=1.0)
    return Misplaced(f"misplaced:{scope.property}", p.action, p.severity, network, agreement)


def read_alone(scope: Scope, p: Parameters) -> Alone:
    """Take the settings of ``alone``; see the class."""
    network = read_network(scope, p, "alone", at_least=2, within_km=50.0)
    return Alone(f"alone:{scope.property}", p.action, p.severity, network)


def _median(
    values: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Median of each row of an even number of values."""
    half = values.shape[1] // 2
    ordered = np.partition(values, (half - 1, half), axis=1)
    return np.asarray(ordered[:, half - 1] * 0.5 + ordered[:, half] * 0.5, dtype=np.float64)
