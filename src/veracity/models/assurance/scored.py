"""Forecasts against what was measured, as arrays: errors by origin, key and horizon."""

from dataclasses import dataclass

import numpy as np

from veracity.models.assurance.errors import ModelCrashed
from veracity.models.crps import crps_of_quantiles
from veracity.models.estimator import Forecaster
from veracity.models.forecast import Forecast
from veracity.models.panel_array import Bools, Floats, Ints, PanelArray


@dataclass(frozen=True)
class Scored:
    """A forecast and its truth.

    Attributes
    ----------
    forecast
        What was said, (o, k, h, q).
    y
        (o, k, h) float64: what was measured; NaN where nothing was, or where it was only filled.
    """

    forecast: Forecast
    y: Floats

    @property
    def counts(self) -> Bools:
        """(o, k, h): where something was both said and measured."""
        out: Bools = np.isfinite(self.y) & ~self.silent
        return out

    @property
    def silent(self) -> Bools:
        """(o, k, h): where nothing was said."""
        out: Bools = np.asarray(np.isnan(self.forecast.values).any(axis=-1))
        return out

    @property
    def crps(self) -> Floats:
        """(o, k, h): the continuous ranked probability score from the quantiles; NaN where not scored."""
        return crps_of_quantiles(self.forecast.values, self.forecast.levels, self.y)

    @property
    def error(self) -> Floats:
        """(o, k, h): the median less what was measured."""
        out: Floats = self.forecast.median - self.y
        return out

    def covered(self, share: float) -> Bools:
        """(o, k, h): whether the truth was in the middle interval that should hold ``share`` of them."""
        tail = (1 - share) / 2
        low, high = self.forecast.quantile(tail), self.forecast.quantile(1 - tail)
        with np.errstate(invalid="ignore"):
            return (low <= self.y) & (self.y <= high)

    def width(self, share: float) -> Floats:
        """(o, k, h): the width of that interval."""
        tail = (1 - share) / 2
        out: Floats = self.forecast.quantile(1 - tail) - self.forecast.quantile(tail)
        return out


def ask(model: Forecaster, panel: PanelArray, origins: Ints) -> Forecast:
    """Have a model forecast; ModelCrashed if it raises anything, or answers to another question."""
    try:
        with np.errstate(all="ignore"):  # absurd inputs overflow: what counts is what it answers
            forecast = model.predict(panel, origins=origins)
    except Exception as exc:
        line = " ".join(str(exc).split())[:200]
        raise ModelCrashed(f"{model.name}: want a forecast, got {type(exc).__name__}: {line}") from exc
    if forecast.keys != panel.keys or len(forecast.origins_us) != len(origins):
        raise ModelCrashed(f"{model.name}: want {len(origins)} origins of {len(panel.keys)} keys, got others")
    return forecast


def score(forecast: Forecast, truth: PanelArray, origins: Ints) -> Scored:
    """Lay a forecast beside what was measured: ``origins`` are the places of its origins in ``truth``."""
    at = origins[:, None] + forecast.horizons[None, :]
    inside = at < truth.n_times
    column = truth.index(forecast.target)
    safe = np.where(inside, at, 0)
    y = truth.values[safe, :, column].transpose(0, 2, 1).copy()
    known = truth.measured[safe, :, column].transpose(0, 2, 1) & inside[:, None, :]
    y[~known] = np.nan
    return Scored(forecast, y)
