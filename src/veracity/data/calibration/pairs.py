"""Pairs: what a sensor said beside what a reference said at the same time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.data.calibration.definition import Definition
from veracity.data.calibration.errors import CannotCalibrate, MalformedCalibration
from veracity.data.calibration.least_squares import Floats
from veracity.data.digest import frame_digest

Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs in order of time.

    Attributes
    ----------
    times
        ``(n,)`` int64, microseconds since 1970, strictly ascending: the sensor's.
    inputs
        ``(k, n)``: the sensor's response, then the covariates, in the units of the sensor's table.
    reference
        ``(n,)``, in the unit of the reference's table.
    names
        The columns of ``inputs``.
    """

    times: Times
    inputs: Floats
    reference: Floats
    names: tuple[str, ...]

    def __len__(self) -> int:
        return self.times.size

    def digest(self) -> str:
        """Return the digest of the pairs as rows (see ``data/digest.py``)."""
        columns = {f"input_{i}": values for i, values in enumerate(self.inputs)}
        frame = pl.DataFrame({"time": self.times, **columns, "reference": self.reference})
        return frame_digest(frame.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC"))))


def pair(
    definition: Definition, rows: pl.DataFrame, time: str, reference_rows: pl.DataFrame, reference_time: str
) -> Pairs:
    """Put a sensor's rows beside the reference's nearest in time, at most ``within`` apart.

    Rows with a null among the columns used are left out. Of two reference readings as near, the
    earlier counts.

    Raises
    ------
    MalformedCalibration
        If a column is not there, or holds no numbers.
    CannotCalibrate
        If the rows are of several devices (two readings of one time).
    """
    ours = of_device(rows, definition.device, time, definition.inputs).drop_nulls()
    theirs = of_device(reference_rows, definition.reference_device, reference_time, (definition.reference,))
    theirs = theirs.drop_nulls()
    times = _times(ours, time, "device")
    reference_times = _times(theirs, reference_time, "reference_device")
    at, has = _nearest(times, reference_times, definition.within_us)
    inputs = np.stack([ours[name].cast(pl.Float64).to_numpy() for name in definition.inputs])
    values = theirs[definition.reference].cast(pl.Float64).to_numpy()
    reference = values[at[has]]
    finite = np.isfinite(inputs[:, has]).all(axis=0) & np.isfinite(reference)
    kept = np.flatnonzero(has)[finite]
    return Pairs(times[kept], np.ascontiguousarray(inputs[:, kept]), reference[finite], definition.inputs)


def of_device(
    rows: pl.DataFrame, device: Mapping[str, str], time: str, columns: tuple[str, ...]
) -> pl.DataFrame:
    """Return the rows of one device in order of time: the time and ``columns``, which hold numbers."""
    schema = rows.schema
    for name in (*device, *columns):
        if name not in schema:
            raise MalformedCalibration(f"column: want one of {', '.join(schema.names())}, got {name!r}")
    for name in columns:
        if not schema[name].is_numeric():
            raise MalformedCalibration(f"column {name}: want numbers, got {schema[name]}")
    return only(rows, device).select(time, *columns).sort(time, maintain_order=True)


def only(rows: pl.DataFrame, device: Mapping[str, str]) -> pl.DataFrame:
    """Return the rows whose key columns, as text, have the device's values."""
    conditions: list[Any] = [pl.col(name).cast(pl.String) == value for name, value in device.items()]
    return rows.filter(*conditions) if conditions else rows


def times_of(rows: pl.DataFrame, time: str) -> Times:
    """Return a column of times as microseconds since 1970."""
    if not isinstance(rows.schema[time], pl.Datetime):
        raise MalformedCalibration(f"column {time}: want times, got {rows.schema[time]}")
    return rows[time].cast(pl.Datetime("us", "UTC")).to_physical().to_numpy()


def _times(rows: pl.DataFrame, time: str, which: str) -> Times:
    times = times_of(rows.drop_nulls(time), time)
    if times.size > 1 and not np.all(np.diff(times) > 0):
        raise CannotCalibrate(
            f"{which}: want one reading a time, got several; name the key columns of one device"
        )
    return times


def _nearest(
    times: Times, others: Times, within_us: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return for each time the position of the nearest other, and whether there is one so near."""
    if others.size == 0:
        return np.zeros(times.size, np.intp), np.zeros(times.size, np.bool_)
    after = np.minimum(np.searchsorted(others, times), others.size - 1)
    before = np.maximum(after - 1, 0)
    is_before = np.abs(others[before] - times) <= np.abs(others[after] - times)
    at = np.where(is_before, before, after)
    return at, np.abs(others[at] - times) <= within_us
