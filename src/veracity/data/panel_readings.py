"""The readings of one panel column: which rows count, under which key, and what they weigh."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.data.errors import MalformedPanel
from veracity.data.panel_definition import Column, Panel
from veracity.data.trust import reading_scores, trust_weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Readings:
    """One column's rows: ``keys`` (n,) codes into the panel's keys, ``times`` (n,) µs, ``values`` (n,).

    ``scores`` (n,) are the trust scores of their sensors, from 0 to 1, if the column asks for them.
    """

    keys: Ints
    times: Ints
    values: Floats
    scores: Floats | None = None

    @property
    def weights(self) -> Floats:
        """(n,) what each weighs in a mean, above 0."""
        return np.ones(len(self.values)) if self.scores is None else trust_weights(self.scores)

    def only(self, kept: npt.NDArray[np.bool_]) -> "Readings":
        """Return those that are kept."""
        scores = None if self.scores is None else self.scores[kept]
        return Readings(self.keys[kept], self.times[kept], self.values[kept], scores)


def panel_keys(panel: Panel, rows: Mapping[str, pl.DataFrame]) -> pl.Series | None:
    """Return all keys that the feeds hold, as text, sorted; None for a panel without a key."""
    if panel.key is None:
        return None
    named = {(c.feed, c.key) for c in panel.columns if c.key is not None}
    distinct = [rows[feed][key].cast(pl.String).unique() for feed, key in sorted(named)]
    return pl.concat(distinct).drop_nulls().unique().sort()


def check_column(c: Column, rows: pl.DataFrame) -> None:
    """Raise ``MalformedPanel`` unless a feed has what a column asks for."""
    for name in (c.value, c.key):
        if name is not None and name not in rows.columns:
            have = ", ".join(n for n in rows.columns if not n.startswith("_"))
            raise MalformedPanel(
                f"column {c.name}: want one of feed {c.feed}'s columns ({have}), got {name!r}"
            )
    dtype = rows.schema[c.value]
    if not (dtype.is_numeric() or dtype == pl.Boolean) and c.aggregate != "count":
        raise MalformedPanel(f"column {c.name}: want a number to take the {c.aggregate} of, got {dtype}")


def panel_readings(
    c: Column,
    rows: pl.DataFrame,
    time: str,
    keys: pl.Series | None,
    codes: dict[tuple[str, str | None], Ints],
    scores: Floats | None = None,
) -> Readings:
    """Return a column's readings: rows with a value, a time and a key, and trust enough.

    ``codes`` keeps each feed's key codes from one column to the next; ``scores`` are (rows,).
    """
    if (c.feed, c.key) not in codes:
        codes[c.feed, c.key] = _codes(rows, c.key, keys)
    code = codes[c.feed, c.key]
    # to_physical of a UTC timestamp is microseconds since the epoch
    stamps = rows[time].to_physical().fill_null(0).to_numpy()
    values = rows[c.value]
    have = (values.is_not_null() & rows[time].is_not_null()).to_numpy() & (code >= 0)
    if scores is not None:
        have &= scores >= c.min_trust
    numbers = values if c.aggregate != "count" else values.is_not_null()
    floats = numbers.cast(pl.Float64).fill_null(0.0).to_numpy()
    readings = Readings(code, stamps, floats, scores)
    return readings if have.all() else readings.only(have)


def sensor_scores(c: Column, rows: pl.DataFrame, time: str, trust: Mapping[str, pl.DataFrame]) -> Floats:
    """Return for each row of a feed the trust score of its sensor for a column's value: (rows,)."""
    if c.feed not in trust:
        raise MalformedPanel(f"column {c.name}: want the trust of the sensors of {c.feed}, got none")
    return reading_scores(trust[c.feed], rows, time, c.value)


def _codes(rows: pl.DataFrame, key: str | None, keys: pl.Series | None) -> Ints:
    if key is None or keys is None:
        return np.zeros(rows.height, dtype=np.int64)
    code = rows[key].cast(pl.String).cast(pl.Enum(keys), strict=False).to_physical().cast(pl.Int64)
    return code.fill_null(-1).to_numpy()
