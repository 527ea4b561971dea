"""Features of a panel: what was known at an origin, as numbers that a model learns from.

Row ``i`` comes from rows up to ``i`` and from none after, and from at most ``lookback`` rows before it. Sums
and extremes over windows are put together from halves, always in the same order, so that a row's features are
the same to the bit wherever the panel begins, as long as it holds that much.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from veracity.models.neighbours import Graph
from veracity.models.panel_array import Floats, Ints, PanelArray

Float32s = npt.NDArray[np.float32]
DAY_US = 86_400_000_000
YEAR_DAYS = 365.2425


@dataclass(frozen=True)
class FeatureSpec:
    """Which features to make. Lags and windows are steps of the panel's grid.

    Attributes
    ----------
    target
        The column that is forecast; it gets all of its features.
    columns
        Others of the panel, such as weather; they get fewer.
    attributes
        Of a key, such as its height; unknown where the panel has none of that name.
    lags, windows
        Of the target.
    column_lags, column_windows
        Of the others.
    longest_gap
        For how many steps a value stands in for those that are missing after it.
    """

    target: str
    columns: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    lags: tuple[int, ...] = (1, 2, 3, 6, 12, 18, 24, 48)
    windows: tuple[int, ...] = (3, 6, 12, 24, 72, 168)
    column_lags: tuple[int, ...] = (3, 6, 24)
    column_windows: tuple[int, ...] = (6, 24)
    longest_gap: int = 24

    @property
    def lookback(self) -> int:
        """How many rows before an origin are used."""
        return max((0, *self.lags, *self.windows, *self.column_lags, *self.column_windows)) + self.longest_gap


@dataclass(frozen=True)
class Features:
    """Features by name.

    Attributes
    ----------
    names
        f names.
    values
        (n, k, f) float32, NaN where nothing is known.
    now
        (n, k) float64: the newest value of the target at each time, NaN where it is too old.
    """

    names: tuple[str, ...]
    values: Float32s
    now: Floats


def build_features(panel: PanelArray, spec: FeatureSpec, graph: Graph) -> Features:
    """Return the features of every row of a panel.

    Raises
    ------
    BadPanel
        If a column is missing.
    """
    out: dict[str, Floats] = {}
    target = panel.column(spec.target)
    now, age = carried(target, spec.longest_gap)
    _of_target(out, now, age, panel.measured[:, :, panel.index(spec.target)], spec)
    _of_others(out, now, spec, graph.weights_for(panel))
    for name in spec.columns:
        _of_column(out, name, carried(panel.column(name), spec.longest_gap)[0], spec)
    _of_calendar(out, panel.times_us, len(panel.keys))
    unknown = np.full(len(panel.keys), np.nan)
    for name in spec.attributes:
        out[f"at.{name}"] = np.broadcast_to(panel.attributes.get(name, unknown), now.shape)
    names = tuple(out)
    stacked = np.empty((*now.shape, len(names)), np.float32)
    for i, name in enumerate(names):
        stacked[:, :, i] = out.pop(name)
    return Features(names, stacked, now)


def carried(values: Floats, longest_gap: int) -> tuple[Floats, Floats]:
    """Return each (n, k) value or the newest before it, and how many steps old that is; NaN if too old."""
    at = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isfinite(values), at, -1), axis=0)
    age = (at - last).astype(np.float64)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    gone = (last < 0) | (age > longest_gap)
    return np.where(gone, np.nan, filled), np.where(gone, np.nan, age)


def lagged(values: Floats, lag: int) -> Floats:
    """Return the values ``lag`` rows before, NaN where the panel had not begun."""
    if lag == 0:
        return values
    out = np.full_like(values, np.nan)
    out[lag:] = values[: max(0, len(values) - lag)]
    return out


def over_window(
    values: Floats, window: int, join: Callable[[Floats, Floats], Floats], empty: float
) -> Floats:
    """Join the last ``window`` rows of (n, …) values, by halves; ``empty`` stands before the beginning."""
    out, taken, half, size = np.full_like(values, empty), 0, values, 1
    while True:
        if window & size:
            out = join(out, _shifted(half, taken, empty))
            taken += size
        size *= 2
        if size > window:
            return out
        half = join(half, _shifted(half, size // 2, empty))


def rolling_mean(values: Floats, window: int) -> Floats:
    """Return the mean of what is known of the last ``window`` rows; NaN where nothing is."""
    known = np.isfinite(values)
    total = over_window(np.where(known, values, 0.0), window, np.add, 0.0)
    n_known = over_window(known.astype(np.float64), window, np.add, 0.0)
    return np.divide(total, n_known, out=np.full_like(total, np.nan), where=n_known > 0)


def rolling_extreme(values: Floats, window: int, *, highest: bool) -> Floats:
    """Return the highest or lowest of what is known of the last ``window`` rows; NaN where nothing is."""
    return over_window(values, window, np.fmax if highest else np.fmin, np.nan)


def mean_over_keys(values: Floats) -> Floats:
    """Return (n, 1): the mean over keys of what is known at each time."""
    known = np.isfinite(values)
    total, n_known = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
    mean = np.divide(total, n_known, out=np.full(len(values), np.nan), where=n_known > 0)
    column: Floats = mean[:, None]
    return column


def _shifted(values: Floats, by: int, empty: float) -> Floats:
    if by == 0:
        return values
    out = np.full_like(values, empty)
    out[by:] = values[: max(0, len(values) - by)]
    return out


def _of_target(
    out: dict[str, Floats], now: Floats, age: Floats, measured: npt.NDArray[np.bool_], spec: FeatureSpec
) -> None:
    out["now"], out["age"], out["measured"] = now, age, measured.astype(np.float64)
    for lag in spec.lags:
        before = lagged(now, lag)
        out[f"lag{lag}"], out[f"change{lag}"] = before, now - before
    for window in spec.windows:
        out[f"mean{window}"] = rolling_mean(now, window)
        out[f"min{window}"] = rolling_extreme(now, window, highest=False)
        out[f"max{window}"] = rolling_extreme(now, window, highest=True)


def _of_others(out: dict[str, Floats], now: Floats, spec: FeatureSpec, weights: Floats) -> None:
    near, all_keys = _weighted(now, weights), mean_over_keys(now)
    out["near"], out["near.above"] = near, near - now
    out["all"] = np.broadcast_to(all_keys, now.shape)
    out["all.high"] = np.broadcast_to(np.fmax.reduce(now, axis=1)[:, None], now.shape)
    out["all.low"] = np.broadcast_to(np.fmin.reduce(now, axis=1)[:, None], now.shape)
    for lag in spec.column_lags:
        out[f"near.change{lag}"] = near - lagged(near, lag)
        out[f"all.change{lag}"] = np.broadcast_to(all_keys - lagged(all_keys, lag), now.shape)
    for window in spec.column_windows:
        out[f"all.mean{window}"] = np.broadcast_to(rolling_mean(all_keys, window), now.shape)


def _weighted(now: Floats, weights: Floats) -> Floats:
    known = np.isfinite(now)
    total = np.where(known, now, 0.0) @ weights.T
    weight = known.astype(np.float64) @ weights.T
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 1e-12)


def _of_column(out: dict[str, Floats], name: str, now: Floats, spec: FeatureSpec) -> None:
    out[name] = now
    now = np.broadcast_to(mean_over_keys(now), now.shape)
    out[f"{name}.all"] = now
    for lag in spec.column_lags:
        out[f"{name}.change{lag}"] = now - lagged(now, lag)
    for window in spec.column_windows:
        out[f"{name}.mean{window}"] = rolling_mean(now, window)


def _of_calendar(out: dict[str, Floats], times_us: Ints, n_keys: int) -> None:
    day, in_day = np.divmod(times_us, DAY_US)
    year = 2 * np.pi * (day % YEAR_DAYS) / YEAR_DAYS
    columns = {
        "hour": in_day / 3_600_000_000,
        "weekday": ((day + 3) % 7).astype(np.float64),  # the epoch was a Thursday; 0 is Monday
        "year.cos": np.cos(year),
        "year.sin": np.sin(year),
    }
    for name, values in columns.items():
        out[name] = np.broadcast_to(values[:, None], (len(times_us), n_keys))
