"""Forecasts beside what came: a row each, and means by whatever one asks for."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from veracity.models.crps import crps_of_quantiles
from veracity.models.errors import BadPanel, BadParameter
from veracity.models.forecast import Forecast
from veracity.models.panel_array import Bools, Floats, Ints, PanelArray

COVERAGES = {"coverage80": (0.1, 0.9), "coverage95": (0.025, 0.975)}


def evaluate(forecast: Forecast, truth: PanelArray, *, measured_only: bool = True) -> pl.DataFrame:
    """Return what a forecast said beside what came.

    Parameters
    ----------
    forecast
        Of a column and of keys that ``truth`` has, on the same grid.
    truth
        A panel that goes on after the origins.
    measured_only
        Leave out what was filled: nobody saw it.

    Returns
    -------
    DataFrame
        As ``Forecast.to_frame``, and ``y``; ``error`` (the median minus ``y``), ``absolute``, ``squared``,
        ``crps``; ``in_coverage80`` and ``in_coverage95``: whether ``y`` lay within. Only rows whose outcome
        is known and of which something was said.

    Raises
    ------
    BadPanel
        If the truth is of another grid, or lacks the column or a key.
    BadParameter
        If the forecast has no median.
    """
    if 0.5 not in forecast.levels:
        raise BadParameter(f"forecast.levels: want 0.5 among them, got {forecast.levels}")
    y = outcomes(forecast, truth, measured_only=measured_only)
    values = forecast.values
    columns = {"y": y, "error": forecast.median - y}
    columns["absolute"], columns["squared"] = np.abs(columns["error"]), columns["error"] ** 2
    columns["crps"] = crps_of_quantiles(values, forecast.levels, y)
    for name, (low, high) in COVERAGES.items():
        columns[f"in_{name}"] = _within(forecast, low, high, y)
    frame = forecast.to_frame().with_columns(
        pl.Series(name, one.ravel(), nan_to_null=True) for name, one in columns.items()
    )
    return frame.filter(pl.col("y").is_not_null() & pl.col("absolute").is_not_null())


def outcomes(forecast: Forecast, truth: PanelArray, *, measured_only: bool = True) -> Floats:
    """Return (o, k, h): what came; NaN where it is not known, or not yet.

    Raises
    ------
    BadPanel
        If the truth is of another grid, or lacks the column or a key.
    """
    if truth.every_us != forecast.every_us and truth.n_times > 1:
        raise BadPanel(f"panel.every: want {forecast.every_us} us, got {truth.every_us}")
    if unknown := sorted(set(forecast.keys) - set(truth.keys)):
        raise BadPanel(f"panel: want key {unknown[0]!r}, got none")
    column = truth.measured_column(forecast.target) if measured_only else truth.column(forecast.target)
    keys = np.array([truth.keys.index(one) for one in forecast.keys])
    at, there = _rows_at(truth, forecast.due_us)
    found = column[at[:, None, :], keys[None, :, None]]
    out: Floats = np.where(there[:, None, :], found, np.nan)
    return out


def summarise(scored: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the means of what ``evaluate`` gave, by some of its columns, sorted by them.

    Columns: ``n``, ``mae``, ``rmse``, ``crps``, ``coverage80``, ``coverage95`` (from 0 to 1; null where the
    forecast has no such levels), ``bias`` (above 0: too high).

    Examples
    --------
    >>> row = {"h": [1, 1], "error": [1.0, -3.0], "absolute": [1.0, 3.0], "squared": [1.0, 9.0]}
    >>> row |= {"crps": [0.5, 1.5], "in_coverage80": [1.0, 0.0], "in_coverage95": [1.0, 1.0]}
    >>> summarise(pl.DataFrame(row), ["h"]).rows()
    [(1, 2, 2.0, 2.23606797749979, 1.0, 0.5, 1.0, -1.0)]
    """
    means = [
        pl.len().alias("n"),
        pl.col("absolute").mean().alias("mae"),
        pl.col("squared").mean().sqrt().alias("rmse"),
        pl.col("crps").mean(),
        *(pl.col(f"in_{name}").mean().alias(name) for name in COVERAGES),
        pl.col("error").mean().alias("bias"),
    ]
    if not by:
        return scored.select(means)
    return scored.group_by(list(by)).agg(means).sort(list(by))


def _within(forecast: Forecast, low: float, high: float, y: Floats) -> Floats:
    if low not in forecast.levels or high not in forecast.levels:
        return np.full(y.shape, np.nan)
    inside = (forecast.quantile(low) <= y) & (y <= forecast.quantile(high))
    return np.where(np.isfinite(y), inside.astype(np.float64), np.nan)


def _rows_at(truth: PanelArray, due_us: Ints) -> tuple[Ints, Bools]:
    """Return the row of each time, and whether there is one."""
    at = np.searchsorted(truth.times_us, due_us)
    inside = np.minimum(at, truth.n_times - 1)
    return inside, truth.times_us[inside] == due_us
