"""What the rules remember of a feed's sensors between batches: small, exact, and named by a digest.

One frame, sorted: the sensor's columns, then

``_series``
    a property whose last readings are remembered; or ``@keys`` (the newest event time in the
    table), ``@order`` (the newest sound one), ``@first:<latitude>:<longitude>:<one of the two>``
    (where the sensor first said it is, in these two columns);
``_time``, ``_value``
    event time and value, in order of time;
``_run_start``, ``_run``
    when the run of identical values that a reading stands in began, and its length so far;
``_ordinal``
    how many readings of the series came before.

Its size is that of the sensors and the rules' windows, never of history.
"""

import io
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from veracity.data.digest import frame_digest
from veracity.data.errors import EvidenceMismatch

TIME = pl.Datetime("us", "UTC")
KEYS, ORDER = "@keys", "@order"
FIRST = "@first:"  # and the columns of the position
STATE = {
    "_series": pl.String(),
    "_time": TIME,
    "_value": pl.Float64(),
    "_run_start": TIME,
    "_run": pl.Int64(),
    "_ordinal": pl.Int64(),
}


@dataclass(frozen=True)
class Memory:
    """The state after some batch. ``rows`` as the module says; ``sensor`` names its first columns."""

    sensor: tuple[str, ...]
    rows: pl.DataFrame

    @classmethod
    def empty(cls, sensor: dict[str, pl.DataType]) -> "Memory":
        """Return the memory before the first batch; ``sensor``: the columns' names and types."""
        return cls(tuple(sensor), pl.DataFrame(schema=sensor | STATE))

    def series(self, name: str) -> pl.DataFrame:
        """Return what is remembered of one series, without its name; each sensor's in order of time."""
        return self._by_series.get(name, self.rows.clear()).drop("_series")

    @cached_property
    def _by_series(self) -> dict[str, pl.DataFrame]:
        """The rows of each series, in the order they have."""
        return {
            str(part["_series"][0]): part for part in self.rows.partition_by("_series", maintain_order=True)
        }

    def newest(self, name: str) -> pl.DataFrame:
        """Return ``(*sensor columns, _newest)`` of ``@keys`` or ``@order``."""
        return self.series(name).select(*self.sensor, pl.col("_time").alias("_newest"))

    def replaced(self, series: dict[str, pl.DataFrame]) -> "Memory":
        """Return the memory with some series replaced, and sorted.

        Frames need the sensor columns and those of ``STATE`` they have; the rest is null.
        """
        frames = {}
        for name, frame in series.items():
            given = frame.with_columns(_series=pl.lit(name))
            absent = [pl.lit(None, t).alias(n) for n, t in STATE.items() if n not in given.columns]
            ordered = given.with_columns(absent).select(self.rows.columns)
            frames[name] = ordered.sort(*self.sensor, "_time", maintain_order=True)
        frames = self._by_series | frames
        return Memory(self.sensor, pl.concat([self.rows.clear(), *(frames[n] for n in sorted(frames))]))

    def only(self, names: set[str]) -> "Memory":
        """Return the memory of some series alone."""
        kept = [self._by_series[name] for name in sorted(names & self._by_series.keys())]
        return Memory(self.sensor, pl.concat([self.rows.clear(), *kept]))

    @property
    def digest(self) -> str | None:
        """The digest of its rows; None if it remembers nothing."""
        return frame_digest(self.rows) if self.rows.height else None

    def write(self) -> bytes:
        """Return it as Parquet."""
        body = io.BytesIO()
        self.rows.write_parquet(body, compression="zstd", compression_level=1)
        return body.getvalue()

    def read(self, data: bytes, sha256: str) -> "Memory":
        """Return the memory that Parquet bytes hold, of the same columns as this one.

        Raises
        ------
        EvidenceMismatch
            If they hold another than the one of this digest.
        """
        try:
            rows = pl.read_parquet(data)
        except (pl.exceptions.PolarsError, OSError) as exc:
            raise EvidenceMismatch(f"state: want Parquet, got: {str(exc).splitlines()[0][:200]}") from exc
        digest = frame_digest(rows) if rows.schema == self.rows.schema else "other columns"
        if digest != sha256:
            raise EvidenceMismatch(f"state: want digest {sha256[:16]}, got {digest[:16]}")
        return Memory(self.sensor, rows)
