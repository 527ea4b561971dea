"""Estimators that say one value and know, from how they erred, what is around it."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from veracity.models.errors import BadPanel
from veracity.models.estimators.ahead import N_HOURS, ahead, hour_of, lowest_of
from veracity.models.estimators.arrays import ARRAYS, Shape, from_safetensors, only, to_safetensors
from veracity.models.estimators.parameters import Parameters
from veracity.models.group_quantiles import group_quantiles
from veracity.models.panel_array import Floats, Ints, PanelArray

FEWEST = 20  #: errors of an hour of the day; with fewer, those of all hours stand for them


@dataclass
class PointEstimator(Parameters):
    """Says one value and around it the quantiles of its errors, by horizon and hour of the day forecast.

    Attributes
    ----------
    errors_
        (h, 24, q): quantiles of what came minus what was said, in the panel that it learned from.
    lowest_
        (1,): nothing is said below.
    """

    errors_: Floats | None = field(default=None, init=False, repr=False)
    lowest_: Floats | None = field(default=None, init=False, repr=False)

    @property
    def lookback(self) -> int | None:
        """How many rows before an origin ``points`` uses at most; None for any number."""
        return None

    @abstractmethod
    def points(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return (o, k, h): one value for each of some rows of a panel as origins, from rows up to it."""

    def learning_origins(self, panel: PanelArray) -> Ints:
        """Return the origins from which errors are learned; by default all."""
        return np.arange(panel.n_times)

    def learn(self, panel: PanelArray) -> None:
        """Learn what ``points`` needs; by default nothing."""

    def learned(self) -> dict[str, Floats]:
        """Return the arrays that ``learn`` made, by the names of their attributes."""
        return {}

    def learned_shapes(self) -> dict[str, Shape]:
        """Return the shapes of those arrays."""
        return {}

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel; BadPanel if the target is missing or never followed an origin."""
        target = panel.measured_column(self.target)
        self.learn(panel)
        self.lowest_ = np.array([lowest_of(target)])
        origins = self.learning_origins(panel)
        said = self.points(panel, self.horizons, origins)
        self.errors_ = np.stack(
            [
                self._by_hour(
                    panel.times_us[origins] + h * panel.every_us, ahead(target, h)[origins] - said[:, :, i], h
                )
                for i, h in enumerate(self.horizons)
            ]
        )
        return self

    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return the points with the quantiles of the errors around them."""
        assert self.errors_ is not None
        assert self.lowest_ is not None
        first = 0 if self.lookback is None else max(0, int(origins.min()) - self.lookback)
        points = self.points(panel.rows(slice(first, None)), horizons, origins - first)
        at = [self.horizons.index(h) for h in horizons]
        due = panel.times_us[origins][:, None] + np.array(horizons) * panel.every_us
        around = self.errors_[np.array(at)[None, :], hour_of(due)]
        out: Floats = points[..., None] + around[:, None]
        np.maximum(out, self.lowest_[0], out=out)
        return out

    def to_files(self) -> dict[str, bytes]:
        """Return what was learned as one safetensors file."""
        self.need_fit()
        assert self.errors_ is not None
        assert self.lowest_ is not None
        arrays = {"errors_": self.errors_, "lowest_": self.lowest_, **self.learned()}
        return {ARRAYS: to_safetensors(arrays)}

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        only(files, [ARRAYS])
        own: dict[str, Shape] = {"errors_": (len(self.horizons), N_HOURS, len(self.levels)), "lowest_": (1,)}
        arrays = from_safetensors(files[ARRAYS], own | self.learned_shapes())
        for name, values in arrays.items():
            setattr(self, name, values)

    def _by_hour(self, due_us: Ints, errors: Floats, horizon: int) -> Floats:
        out, n_known = group_quantiles(errors, hour_of(due_us), N_HOURS, self.levels)
        if not n_known.any():
            raise BadPanel(f"panel: want {self.target!r} known {horizon} steps after an origin, got none")
        if (few := n_known < FEWEST).any():
            out[few] = group_quantiles(errors, np.zeros(len(errors), np.int64), 1, self.levels)[0]
        return out
