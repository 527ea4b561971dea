"""How long it is from one reading of a sensor to its next, and how many are missing between."""

import numpy as np
import polars as pl

from veracity.data.rules.readings import Ints

COMMON = 512  # different intervals that are told apart at a time
STEPS_PER_OCTAVE = 2
FIRST_OCTAVE, LAST_OCTAVE = -1, 29  # of seconds: half a second to seventeen years
N_STEPS = (LAST_OCTAVE - FIRST_OCTAVE) * STEPS_PER_OCTAVE
LATE = 1.5  # intervals from one reading to the next, from which on one is missing

_NEWEST = {"sensor": pl.String(), "time": pl.Int64()}
_MISSING = {"sensor": pl.String(), "n_missing": pl.Int64()}


class Intervals:
    """Counts of intervals, batch after batch. Rows of one batch may come in any order.

    Attributes
    ----------
    every_s
        The expected interval: as given, else the most common of the first batch; None until known.
    steps
        (N_STEPS,) how many intervals are of each length; see ``step_s``.
    common
        ``interval`` in microseconds and ``n``, how often it came; the most common first.
    missing
        ``sensor`` and ``n_missing``: readings that would have fit in between, where any are missing.
    """

    def __init__(self, every_s: float | None) -> None:
        self.every_s = every_s
        self.steps: Ints = np.zeros(N_STEPS, np.int64)
        self.common = pl.DataFrame(schema={"interval": pl.Int64(), "n": pl.Int64()})
        self.missing = pl.DataFrame(schema=_MISSING)
        self._newest = pl.DataFrame(schema=_NEWEST)

    def add(self, read: pl.DataFrame) -> None:
        """Take in a batch's readings: ``sensor`` and ``time`` (int64, microseconds)."""
        before = self._newest.join(read.select("sensor").unique(), on="sensor", how="semi")
        passed = (
            pl.concat([before, read])
            .sort("time")
            .group_by("sensor")
            .agg(interval=pl.col("time").diff().filter(pl.col("time").diff() > 0))
            .explode("interval")
            .drop_nulls()
        )
        self._newest = pl.concat([self._newest, read]).group_by("sensor").agg(pl.col("time").max())
        self._count(passed)
        if self.every_s is None and self.common.height:
            self.every_s = self.common["interval"][0] / 1e6
        if self.every_s is not None:
            self._miss(passed, self.every_s * 1e6)

    @property
    def n_missing(self) -> int:
        """Of all sensors."""
        return int(self.missing["n_missing"].sum())

    def _count(self, passed: pl.DataFrame) -> None:
        counted = passed.group_by("interval").agg(n=pl.len().cast(pl.Int64))
        octaves = np.log2(counted["interval"].to_numpy() / 1e6)
        steps = np.floor((octaves - FIRST_OCTAVE) * STEPS_PER_OCTAVE).astype(np.int64)
        np.add.at(self.steps, np.clip(steps, 0, N_STEPS - 1), counted["n"].to_numpy())
        self.common = (
            pl.concat([self.common, counted])
            .group_by("interval")
            .agg(pl.col("n").sum())
            .sort(["n", "interval"], descending=[True, False])
            .head(COMMON)
        )

    def _miss(self, passed: pl.DataFrame, every_us: float) -> None:
        late = passed.filter(pl.col("interval") > LATE * every_us)
        between = (pl.col("interval") / every_us).round(0).cast(pl.Int64) - 1
        part = late.group_by("sensor").agg(n_missing=between.sum())
        self.missing = (
            pl.concat([self.missing, part]).group_by("sensor").agg(pl.col("n_missing").sum()).sort("sensor")
        )


def step_s(n: int) -> float:
    """Return where the ``n``-th step of ``Intervals.steps`` begins, in seconds."""
    return float(2.0 ** (FIRST_OCTAVE + n / STEPS_PER_OCTAVE))
