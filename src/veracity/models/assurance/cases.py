"""A forecaster under test: its forecasts of a held-out period, its baselines', and the samples of both."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from veracity.models.assurance.bootstrap import Bootstrap
from veracity.models.assurance.context import Context
from veracity.models.assurance.decided import Decided
from veracity.models.assurance.errors import TooLittleToTest
from veracity.models.assurance.policy import Policy
from veracity.models.assurance.scored import Scored, ask, score
from veracity.models.estimator import Forecaster
from veracity.models.panel_array import Floats, Ints, PanelArray

LEAST_ORIGINS = 8
LEAST_REACH = 6


class Meter(Protocol):
    """Runs work and says what it took: the only door to the machine's clock."""

    def __call__(self, work: Callable[[], object]) -> tuple[float, int]:
        """Return CPU seconds and the peak of memory taken, bytes."""


@dataclass(frozen=True)
class ForecastCase:
    """One target of a model, on one period.

    Attributes
    ----------
    panel
        The period to test on, and before it what the model looks back at.
    origins
        (o,) places in the panel to forecast from, all in the test period, spread over the hours of a day.
    training
        The rows that the model learned from, where they are at hand.
    baselines
        By name, fitted on the training's rows.
    meter
        Runs work and says what it took; None where nothing is to be measured.
    decided
        The app's own decisions, of all targets; None where they are not at hand.
    """

    context: Context
    policy: Policy
    target: str
    model: Forecaster
    baselines: Mapping[str, Forecaster]
    panel: PanelArray
    origins: Ints
    seed: int
    training: PanelArray | None = None
    meter: Meter | None = None
    decided: Decided | None = None

    def rng(self, what: str) -> np.random.Generator:
        """Return the source of chance of one test: of its own, so that no test changes another's."""
        return np.random.default_rng([self.seed, zlib.crc32(f"{self.target} {what}".encode())])

    @cached_property
    def scored(self) -> Scored:
        """The model's forecasts, scored."""
        return score(ask(self.model, self.panel, self.origins), self.panel, self.origins)

    @cached_property
    def baseline_crps(self) -> Mapping[str, Floats]:
        """(o, k, h) by baseline: its scores where the model has one too, NaN elsewhere."""
        found = {}
        for name, one in self.baselines.items():
            crps = score(ask(one, self.panel, self.origins), self.panel, self.origins).crps
            found[name] = np.where(np.isfinite(self.scored.crps), crps, np.nan)
        return found

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """Samples of the origins."""
        return self._bootstrap(self.origins, "bootstrap")

    @cached_property
    def reach(self) -> int:
        """How many steps before an origin faults reach.

        As far as the model looks back; less in a short period, so that ``LEAST_ORIGINS`` can lie apart.
        """
        room = int(self.origins[-1] - self.origins[0]) // LEAST_ORIGINS - self._step
        return int(np.clip(room, LEAST_REACH, self.context.lookback))

    @property
    def reach_note(self) -> tuple[str, ...]:
        """What a reader should know where faults reach less far than the model looks back."""
        if self.reach == self.context.lookback:
            return ()
        return (f"the period is short: faults reach {self.reach} steps back, not {self.context.lookback}",)

    @property
    def _step(self) -> int:
        return int(np.diff(self.origins).max(initial=1))

    @cached_property
    def apart(self) -> Ints:
        """(a,) origins that lie further apart than faults reach: no fault before one is before another."""
        kept: list[int] = []
        for origin in self.origins:
            if origin >= self.reach and (not kept or origin - kept[-1] > self.reach):
                kept.append(int(origin))
        return np.array(kept, np.int64)

    @cached_property
    def scored_apart(self) -> Scored:
        """The model's forecasts from those origins, scored: beside what faults make of them."""
        return score(ask(self.model, self.panel, self.apart), self.panel, self.apart)

    @cached_property
    def bootstrap_apart(self) -> Bootstrap:
        """Samples of the origins that lie apart."""
        return self._bootstrap(self.apart, "bootstrap apart")

    def _bootstrap(self, origins: Ints, what: str) -> Bootstrap:
        p = self.policy
        times = self.panel.times_us[origins]
        return Bootstrap.of(times, p.block_s * 1_000_000, p.repeats, p.confidence, self.rng(what))

    @cached_property
    def threshold(self) -> tuple[float, bool]:
        """The value at or above which an outcome is an event, and whether the app itself gave it."""
        if self.target in self.context.thresholds:
            return self.context.thresholds[self.target], True
        y = self.scored.y
        return (float(np.nanquantile(y, 0.9)) if np.isfinite(y).any() else float("nan")), False


def spread_origins(panel: PanelArray, first: int, longest: int, most: int) -> Ints:
    """Return at most ``most`` places from ``first`` on with ``longest`` steps after them, evenly spread.

    The step has no divisor in common with a day's steps, so that every hour of the day comes up.

    Raises
    ------
    TooLittleToTest
        If there are fewer than ``LEAST_ORIGINS``.
    """
    stop = panel.n_times - longest
    room = stop - first
    a_day = max(round(86_400_000_000 / max(panel.every_us, 1)), 1)
    step = max(-(-room // most), 1)
    while step > 1 and np.gcd(step, a_day) != 1:
        step += 1
    origins = np.arange(first, stop, step, dtype=np.int64)
    if len(origins) < LEAST_ORIGINS:
        raise TooLittleToTest(
            f"test period: want {LEAST_ORIGINS} times to forecast from, got {max(len(origins), 0)}"
        )
    return origins
