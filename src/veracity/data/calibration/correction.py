"""Apply a calibration to rows: a corrected column, its uncertainty, its state."""

from typing import Final

import numpy as np
import polars as pl

from veracity.data.calibration.document import Calibration
from veracity.data.calibration.errors import MalformedCalibration
from veracity.data.calibration.model import predict
from veracity.data.calibration.pairs import Times, only, times_of

CORRECTED: Final = "corrected"
EXTRAPOLATED: Final = "extrapolated"  # corrected, but an input lies outside of what was fitted on
MISSING: Final = "missing"  # an input is null
OUTSIDE: Final = "outside"  # before the first fit, or later than the last is known to hold
WITHDRAWN: Final = "withdrawn"


def apply(
    rows: pl.DataFrame, calibration: Calibration, time: str, withdrawn_from_us: int | None = None
) -> pl.DataFrame:
    """Return the device's rows, in their order, with three columns more; nothing else is changed.

    ``<output>`` is the corrected value, rounded to the calibration's decimals (half to even), or
    null. ``<output>_uncertainty`` is the root mean square error that fits of that age had on held-out
    readings. ``<output>_state`` is one of the five states above.

    Parameters
    ----------
    time
        The column of event times.
    withdrawn_from_us
        Rows from this time on get no value (microseconds since 1970).

    Raises
    ------
    MalformedCalibration
        If a column is not there, or one of the three is already.
    """
    _check_columns(rows, calibration, time)
    rows = only(rows, dict(calibration.device))
    times = times_of(rows, time)
    inputs = np.stack([rows[n].cast(pl.Float64).fill_null(np.nan).to_numpy() for n in calibration.inputs])
    values, errors = np.full(times.size, np.nan), np.full(times.size, np.nan)
    state = np.full(times.size, OUTSIDE, dtype=object)
    for segment in calibration.segments:
        m = segment.model
        at = np.flatnonzero((times >= m.fitted_us) & (times < segment.until_us))
        here = inputs[:, at]
        values[at] = np.round(predict(m, calibration.inputs, times[at], here), calibration.decimals) + 0.0
        errors[at] = _uncertainty(calibration, times[at] - m.fitted_us)
        low, high = (np.array([[float(t)] for t in ends]) for ends in (m.lowest, m.highest))
        state[at] = np.where(((here < low) | (here > high)).any(axis=0), EXTRAPOLATED, CORRECTED)
    if withdrawn_from_us is not None:
        state[(times >= withdrawn_from_us) & (state != OUTSIDE)] = WITHDRAWN
    state[~np.isfinite(inputs).all(axis=0) & (state != OUTSIDE) & (state != WITHDRAWN)] = MISSING
    has = (state == CORRECTED) | (state == EXTRAPOLATED)
    name = calibration.output
    return rows.with_columns(
        pl.Series(name, np.where(has, values, np.nan), dtype=pl.Float64).fill_nan(None),
        pl.Series(f"{name}_uncertainty", np.where(has, errors, np.nan), dtype=pl.Float64).fill_nan(None),
        pl.Series(f"{name}_state", state.tolist(), dtype=pl.String),
    )


def _uncertainty(calibration: Calibration, ages_us: Times) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the error of fits of these ages; an old fit is never called better than a young one."""
    ends = np.array([a.until_us for a in calibration.ages])
    grown = np.maximum.accumulate(np.array([float(a.rmse) for a in calibration.ages]))
    return grown[np.minimum(np.searchsorted(ends, ages_us, side="right"), ends.size - 1)]


def _check_columns(rows: pl.DataFrame, calibration: Calibration, time: str) -> None:
    names = rows.columns
    for name in (time, *calibration.inputs, *(n for n, _ in calibration.device)):
        if name not in names:
            raise MalformedCalibration(f"column: want one of {', '.join(names)}, got {name!r}")
    for name in calibration.inputs:
        if not rows.schema[name].is_numeric():
            raise MalformedCalibration(f"column {name}: want numbers, got {rows.schema[name]}")
    for name in (calibration.output, f"{calibration.output}_uncertainty", f"{calibration.output}_state"):
        if name in names:
            raise MalformedCalibration(f"output: want a new column, got {name!r}, which is there already")
