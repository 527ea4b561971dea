"""Drift: a series moves slowly, to one side, and goes on.

Meant for differences: a sensor less its reference, or less what its neighbours let expect. What
the two feel alike falls out of a difference; a sensor that ages or grows foul stays in it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from veracity.data.rules.network import NetworkSeries, read_network
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Floats, Readings
from veracity.data.rules.reference import ReferenceSeries, read_reference_series
from veracity.data.rules.rule import Mask, Rule

_BLOCKS = 5
_BLOCK = 96
_LONGEST = 102  # five of them are at most 512 readings
_DAY_S = 86_400
_IQR_OF_SIGMA = 1.349  # the distance of the quartiles of a normal distribution
_SHARE = 0.25
_SLACK = 1.0 + 1e-9


@dataclass(frozen=True)
class Drift(Rule):
    """The middle of the series went the same way five times in a row, and far.

    The last ``5 * block`` readings are cut into five blocks, and the median of each is taken. Flagged is a
    reading at the end of five blocks of which

    - the medians all rise, or all fall, each step at least a quarter of the mean step: a jump, a flood or
      a wave has steps of all sizes, or turns back;
    - the last is away from the first by ``threshold`` spreads. The spread is the distance of the
      quartiles within a block (the median of the five), in standard deviations of a normal
      distribution; at least the smallest step that is not zero among the readings.

    Every reading is flagged as long as this holds, and no more once the series rests at its new level:
    drift is a thing that goes on; a level that stays is for a range or for ``shift``.

    A block holds whole days where the contract says how often sensors report and a day has at most 102
    readings: four days of hours, a day of quarters of an hour. A daily cycle then leaves the medians alone. A
    faster sensor gets 96 readings a block, less than a day: judge it by differences that have no daily cycle,
    or by means of an hour.

    Attributes
    ----------
    series
        The property judged.
    block
        Readings in a block, 8 to 102.
    threshold
        How many spreads: 3 unless told otherwise.
    smallest
        The smallest drift over the five blocks to speak of, in the unit of the series.

    References
    ----------
    The medians in order are the test of Mann (Econometrica 13, 1945) at its greatest value: of five
    unrelated numbers, two orders of 120 rise or fall throughout. The threshold and the even steps
    are what separates drift from related ones.
    """

    series: str
    block: int = _BLOCK
    threshold: float = 3.0
    smallest: float = 0.0

    @property
    def window(self) -> int:
        """How many readings before the one judged it looks at."""
        return _BLOCKS * self.block - 1

    def broken(self, readings: Readings) -> Mask:
        """Return which readings end five blocks that drift."""
        enough = readings.is_new & (readings.back >= self.window)
        at = np.flatnonzero(enough)
        if not len(at):
            return enough
        value = pl.Series(readings.value)
        ends = at[:, None] - self.block * np.arange(_BLOCKS - 1, -1, -1)
        with np.errstate(over="ignore", invalid="ignore"):  # beyond 1e308 no comparison holds
            median = value.rolling_median(self.block).to_numpy()[ends]
            far = np.abs(median[:, -1] - median[:, 0]) * _SLACK
            one_way = _one_way(np.diff(median, axis=1))
            spread = np.maximum(
                np.sort(self._quartiles(value)[ends], axis=1)[:, _BLOCKS // 2], self._smallest(value)[at]
            )
            out = np.zeros(len(readings), dtype=np.bool_)
            out[at] = one_way & (far >= self.threshold * spread) & (far >= self.smallest)
        return out

    def _quartiles(self, value: pl.Series) -> Floats:
        """Return (n,): the spread of the block that each reading ends, NaN where there is none."""
        high = value.rolling_quantile(0.75, "nearest", self.block).to_numpy()
        low = value.rolling_quantile(0.25, "nearest", self.block).to_numpy()
        return np.asarray((high - low) / _IQR_OF_SIGMA)

    def _smallest(self, value: pl.Series) -> Floats:
        """Return (n,): the smallest step but zero within the blocks; infinite where nothing moved."""
        size = np.abs(np.diff(value.to_numpy(), prepend=value[0]))
        step = pl.Series(np.where(size > 0.0, size, np.inf))
        return np.asarray(step.rolling_min(self.window).to_numpy())


@dataclass(frozen=True)
class DriftApart(Drift):
    """Drift of a sensor away from its neighbours, or from a reference sensor: of the differences.

    Attributes
    ----------
    network
        The series of differences: with ``against: neighbours`` those to what the neighbours let
        expect (settings of ``read_network``), with ``against: reference`` those to one sensor
        (``sensor``, ``of``, ``max_age``).
    """

    network: NetworkSeries | ReferenceSeries = field(kw_only=True)

    def to_object(self) -> Mapping[str, Any]:
        """Return the rule with all its settings as JSON values, those of the network too."""
        told = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self.network).items()}
        return {**super().to_object(), "network": told}


def read_drift(scope: Scope, p: Parameters) -> Drift:
    """Read ``block`` (whole days, or 96 readings), ``threshold`` (3), ``smallest`` (0) and ``against``.

    ``against``: ``itself`` if absent, ``neighbours`` or ``reference``.
    """
    name = p.judged(scope, "drift")
    against = p.choice("against", ("itself", "neighbours", "reference"), "itself")
    network: NetworkSeries | ReferenceSeries | None = None
    if against != "itself":
        is_of_many = against == "neighbours"
        network = read_network(scope, p, "difference") if is_of_many else read_reference_series(scope, p)
    drift = Drift(
        reason=f"drift:{name}",
        action=p.action,
        severity=p.severity,
        series=name if network is None else network.name,
        block=p.whole("block", _whole_days(scope.frequency_s), low=8, high=_LONGEST),
        threshold=p.number("threshold", 3.0, low=0.5, high=1e6),
        smallest=p.number("smallest", 0.0, low=0.0),
    )
    return drift if network is None else DriftApart(**vars(drift), network=network)


def _whole_days(frequency_s: float | None) -> int:
    """Return how many readings a block has: most nearly 96 from below, in whole days if one fits."""
    day = round(_DAY_S / frequency_s) if frequency_s else 0
    if not 1 <= day <= _LONGEST:
        return _BLOCK
    return day * max(1, _BLOCK // day)


def _one_way(steps: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Mask:
    """Tell of each row of steps, (m, 4), whether all go one way, evenly enough."""
    least = _SHARE * np.abs(steps.sum(axis=1)) / (_BLOCKS - 1)
    rises, falls = steps.min(axis=1), -steps.max(axis=1)
    return np.asarray((np.maximum(rises, falls) > 0.0) & (np.maximum(rises, falls) >= least))
