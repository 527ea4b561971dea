"""Nixtla's libraries as estimators: statsforecast and mlforecast. Extra ``nixtla``.

Nothing of theirs is written to a file but numbers and LightGBM text: statsforecast's models are made anew
from the rows before each origin, mlforecast's trees are put back into an object made from our parameters.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from veracity.models.errors import BadPanel, BadParameter
from veracity.models.estimators.ahead import steps_a_day
from veracity.models.estimators.points import PointEstimator
from veracity.models.estimators.trees import Booster, read_booster, text_of
from veracity.models.features import carried
from veracity.models.optional import need
from veracity.models.panel_array import Floats, Ints, PanelArray

MODELS = ("ets", "dynamic_theta", "seasonal_smoothing")
BOOSTER = "booster.txt"


@dataclass
class StatsForecast(PointEstimator):
    """A model of statsforecast for each key, made from the rows before an origin; errors learned in ``fit``.

    Attributes
    ----------
    model
        ``ets`` (additive errors and season, no trend), ``dynamic_theta`` or ``seasonal_smoothing``.
    days
        How many days before an origin are used.
    n_origins
        From how many origins of the panel that it learns from errors are learned, evenly apart.
    """

    model: str = "dynamic_theta"
    days: int = 14
    n_origins: int = 100

    name: ClassVar[str] = "statsforecast"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.count("days", 2)
        self.count("n_origins", 1)
        if self.model not in MODELS:
            raise BadParameter(f"model: want one of {', '.join(MODELS)}, got {self.model!r}")

    def learning_origins(self, panel: PanelArray) -> Ints:
        """Return origins evenly apart, each with all its days before it where the panel is long enough."""
        return _evenly(panel, self.days * steps_a_day(panel), max(self.horizons), self.n_origins)

    def points(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return what a model of each key's last days says; NaN for a key of which nothing is known."""
        need("statsforecast", "nixtla")
        a_day = steps_a_day(panel)
        out = np.full((len(origins), len(panel.keys), len(horizons)), np.nan)
        with _quiet():
            for i, origin in enumerate(origins):
                recent = panel.column(self.target)[max(0, origin + 1 - self.days * a_day) : origin + 1]
                for j, series in enumerate(_filled(recent).T):
                    if len(series) > a_day and np.isfinite(series).all():
                        out[i, j] = self._said(series, a_day, max(horizons))[np.array(horizons) - 1]
        return out

    def _said(self, series: Floats, a_day: int, longest: int) -> Floats:
        from statsforecast import models

        model: Any
        if self.model == "ets":
            model = models.AutoETS(season_length=a_day, model="ANA")
        elif self.model == "dynamic_theta":
            model = models.DynamicOptimizedTheta(season_length=a_day)
        else:
            model = models.SeasonalExponentialSmoothingOptimized(season_length=a_day)
        if np.ptp(series) == 0:
            return np.full(longest, series[-1])
        return np.asarray(model.forecast(y=series, h=longest)["mean"], np.float64)


@dataclass
class MlForecast(PointEstimator):
    """LightGBM on lags and the calendar as mlforecast makes them, one step at a time; errors learned in fit.

    Attributes
    ----------
    lags
        Steps back. Means of a day's rows go with them.
    n_trees, n_leaves, learning_rate
        Of the model.
    n_origins
        From how many origins errors are learned, evenly apart.
    """

    lags: tuple[int, ...] = (1, 2, 3, 6, 12, 24, 48)
    n_trees: int = 200
    n_leaves: int = 31
    learning_rate: float = 0.05
    n_origins: int = 100

    booster_: Booster | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "mlforecast"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("n_trees", 1), ("n_leaves", 2), ("n_origins", 1)):
            self.count(name, least)
        self.at_least("learning_rate", 1e-6)
        if not self.lags or not all(type(lag) is int and 0 < lag < 10_000 for lag in self.lags):
            raise BadParameter(f"lags: want whole numbers from 1, got {self.lags}")

    def learning_origins(self, panel: PanelArray) -> Ints:
        """Return origins evenly apart, after the longest lag."""
        return _evenly(panel, self._rows_back(panel), max(self.horizons), self.n_origins)

    def learn(self, panel: PanelArray) -> None:
        """Learn the trees, on the target's own past."""
        need("mlforecast", "nixtla")
        need("lightgbm", "models")
        import lightgbm

        if not np.isfinite(panel.column(self.target)).any() or panel.n_times <= self._rows_back(panel):
            raise BadPanel(f"panel: want over {self._rows_back(panel)} times of {self.target!r}, got fewer")
        frame = _long(panel, _filled(panel.column(self.target)))
        settings = {
            "objective": "l1",
            "learning_rate": self.learning_rate,
            "num_leaves": self.n_leaves,
            "seed": self.seed % 2**31,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        with _quiet():
            ready = self._mlforecast(panel).preprocess(frame, static_features=[])
            rows = ready.drop("unique_id", "ds", "y").to_numpy()
            names = [c for c in ready.columns if c not in ("unique_id", "ds", "y")]
            data = lightgbm.Dataset(rows, ready["y"].to_numpy(), feature_name=names, params={"verbosity": -1})
            self.booster_ = read_booster(text_of(lightgbm.train(settings, data, self.n_trees)), BOOSTER)

    def points(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return what the trees say, each step from those before it."""
        need("mlforecast", "nixtla")
        out = np.full((len(origins), len(panel.keys), len(horizons)), np.nan)
        target, back = panel.column(self.target), self._rows_back(panel) + 1
        at = np.array(horizons) - 1
        with _quiet():
            for i, origin in enumerate(origins):
                rows = slice(max(0, int(origin) + 1 - back), int(origin) + 1)
                recent = _filled(target[rows])
                use = (
                    np.flatnonzero(np.isfinite(recent).all(axis=0))
                    if len(recent) == back
                    else np.array([], int)
                )
                if len(use):
                    window = panel.rows(rows).select(panel.keys[j] for j in use)
                    out[i, use] = self._said(window, recent[:, use], max(horizons))[:, at]
        return out

    def to_files(self) -> dict[str, bytes]:
        """Return the trees as LightGBM text, the errors as safetensors."""
        files = super().to_files()
        assert self.booster_ is not None
        return files | {BOOSTER: self.booster_.text}

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        super().take_files({name: body for name, body in files.items() if name != BOOSTER})
        self.booster_ = read_booster(files.get(BOOSTER, b""), BOOSTER)

    def _rows_back(self, panel: PanelArray) -> int:
        return max(*self.lags, steps_a_day(panel)) + 1

    def _said(self, window: PanelArray, recent: Floats, longest: int) -> Floats:
        """Return (k, longest)."""
        made = self._mlforecast(window)
        made.preprocess(_long(window, recent), static_features=[])
        assert self.booster_ is not None
        made.models_ = {"said": _Plain(self.booster_.model)}
        said = made.predict(longest).sort("unique_id", "ds")["said"].to_numpy()
        return np.asarray(said, np.float64).reshape(len(window.keys), longest)

    def _mlforecast(self, panel: PanelArray) -> Any:
        from mlforecast import MLForecast
        from mlforecast.lag_transforms import RollingMean

        a_day = steps_a_day(panel)
        minutes, rest = divmod(panel.every_us, 60_000_000)
        if rest:
            raise BadPanel(f"panel.every: want whole minutes for mlforecast, got {panel.every_us:,} us")
        return MLForecast(
            models={},
            freq=f"{minutes}m",
            lags=list(self.lags),
            lag_transforms={1: [RollingMean(a_day)]},
            date_features=["hour", "weekday"],
        )


class _Plain:
    """A booster with the one method that mlforecast calls."""

    def __init__(self, booster: Any) -> None:
        self._booster = booster

    def predict(self, rows: Any) -> Floats:
        """Return what the trees say of a frame's rows."""
        plain = rows.to_numpy() if hasattr(rows, "to_numpy") else rows
        return np.asarray(self._booster.predict(plain, num_threads=1), np.float64)


def _evenly(panel: PanelArray, back: int, longest: int, n: int) -> Ints:
    """Return at most ``n`` origins, evenly apart, with rows before and after them."""
    last = panel.n_times - 1 - longest
    first = min(back, last)
    if first < 0:
        raise BadPanel(f"panel: want over {longest} times, got {panel.n_times}")
    return np.unique(np.linspace(first, last, n).astype(np.int64))


def _filled(values: Floats) -> Floats:
    """Return (n, k) values with the newest before for those missing, the first known before the first."""
    out, _ = carried(values, len(values))
    for j in range(values.shape[1]):
        known = np.flatnonzero(np.isfinite(out[:, j]))
        if len(known):
            out[: known[0], j] = out[known[0], j]
    return out


def _long(panel: PanelArray, values: Floats) -> pl.DataFrame:
    """Return the frame that Nixtla's libraries take: a row per key and time, numbered keys, no time zone."""
    n, k = values.shape
    times = pl.Series(panel.times_us).cast(pl.Datetime("us"))
    frame = pl.DataFrame({"unique_id": np.repeat(np.arange(k), n), "y": values.T.ravel()})
    return frame.with_columns(pl.concat([times] * k).alias("ds")).drop_nans("y")


@contextmanager
def _quiet() -> Iterator[None]:
    """Their libraries warn of what is no concern here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
