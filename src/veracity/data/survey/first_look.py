"""The first of two looks at files: counts, extents and samples, from which is planned what to draw."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from veracity.data.clean import pick
from veracity.data.contract import Contract
from veracity.data.health import Judged
from veracity.data.render import as_text
from veracity.data.rules.gap import Gap
from veracity.data.survey.intervals import Intervals
from veracity.data.survey.rows import properties, surveyed
from veracity.data.survey.sample import Sample
from veracity.data.wide import lengthen

EXAMPLES = 3

_SENSORS = {
    "sensor": pl.String(),
    "n_rows": pl.Int64(),
    "n_broken": pl.Int64(),
    "n_aside": pl.Int64(),
    "first": pl.Int64(),
    "last": pl.Int64(),
}
_BREAKS = {"reason": pl.String(), "sensor": pl.String(), "n": pl.Int64(), "first": pl.Int64()}


@dataclass(frozen=True)
class Example:
    """A row that broke a rule: its record, and what it says, as received."""

    file: str
    record: int
    values: tuple[tuple[str, str | None], ...]


class FirstLook:
    """Counts over batches, in the order in which they come. What grows is a line for each sensor.

    Attributes
    ----------
    sensors
        A row for each sensor: rows, broken, set aside, first and last time of a reading.
    breaks
        A row for each rule and sensor: rows, and the time of the first.
    times, values
        Samples of the event times and of each property's values.
    earliest_us, latest_us
        The extremes of the event times.
    lowest, highest, n_null
        Of each property: the extremes, and the rows without a value.
    intervals
        Between the readings of each sensor.
    is_told
        Whether the contract says at which interval a sensor should report.
    examples
        The first rows that broke each rule.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.sensors = pl.DataFrame(schema=_SENSORS)
        self.breaks = pl.DataFrame(schema=_BREAKS)
        self.times = Sample()
        self.earliest_us, self.latest_us = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        self.values = {f.name: Sample() for f in properties(contract)}
        self.lowest: dict[str, float] = {}
        self.highest: dict[str, float] = {}
        self.n_null = dict.fromkeys(self.values, 0)
        gaps = [rule.every_s for rule in contract.rules if isinstance(rule, Gap)]
        told_s = contract.frequency_s or min(gaps, default=None)
        self.is_told = told_s is not None
        self.intervals = Intervals(told_s)
        self.examples: dict[str, list[Example]] = {}

    def add(self, file: str, first_record: int, raw: pl.DataFrame, judged: Judged) -> None:
        """Take in a batch: its file, the position of its first record there, as received, as judged."""
        rows = surveyed(judged, self.contract)
        self._add_sensors(rows)
        self._add_breaks(rows, judged.masks)
        self._add_times(rows["time"].drop_nulls())
        for name in self.values:
            self._add_values(name, judged.rows[name])
        self._add_examples(file, first_record, raw, judged)

    @property
    def every_s(self) -> float | None:
        """The interval at which a sensor should report; None where nobody knows."""
        return self.intervals.every_s

    def _add_times(self, stamps: pl.Series) -> None:
        if stamps.len():
            self.times.add(stamps.cast(pl.Float64).to_numpy())
            self.earliest_us = min(self.earliest_us, int(stamps.to_numpy().min()))
            self.latest_us = max(self.latest_us, int(stamps.to_numpy().max()))

    def _add_sensors(self, rows: pl.DataFrame) -> None:
        self.intervals.add(rows.filter("has").select("sensor", "time").drop_nulls("time"))
        part = rows.group_by("sensor").agg(
            n_rows=pl.len().cast(pl.Int64),
            n_broken=pl.col("broken").sum().cast(pl.Int64),
            n_aside=pl.col("aside").sum().cast(pl.Int64),
            first=pl.col("time").filter("has").min(),
            last=pl.col("time").filter("has").max(),
        )
        self.sensors = (
            pl.concat([self.sensors, part])
            .group_by("sensor")
            .agg(
                pl.col("n_rows", "n_broken", "n_aside").sum(),
                pl.col("first").min(),
                pl.col("last").max(),
            )
            .sort("sensor")
        )

    def _add_breaks(self, rows: pl.DataFrame, masks: Mapping[str, pl.Series]) -> None:
        parts = [
            rows.filter(mask)
            .group_by("sensor")
            .agg(n=pl.len().cast(pl.Int64), first=pl.col("time").min())
            .select(pl.lit(reason).alias("reason"), "sensor", "n", "first")
            for reason, mask in masks.items()
        ]
        self.breaks = (
            pl.concat([self.breaks, *parts])
            .group_by("reason", "sensor")
            .agg(pl.col("n").sum(), pl.col("first").min())
            .sort("reason", "sensor")
        )

    def _add_values(self, name: str, column: pl.Series) -> None:
        values = column.drop_nulls().cast(pl.Float64)
        self.n_null[name] += column.len() - values.len()
        if values.len():
            numbers = values.to_numpy()
            self.values[name].add(numbers)
            self.lowest[name] = min(self.lowest.get(name, np.inf), float(numbers.min()))
            self.highest[name] = max(self.highest.get(name, -np.inf), float(numbers.max()))

    def _add_examples(self, file: str, first_record: int, raw: pl.DataFrame, judged: Judged) -> None:
        wanted: dict[str, list[int]] = {}
        for reason, mask in judged.masks.items():
            if (n := EXAMPLES - len(self.examples.get(reason, []))) > 0:
                wanted[reason] = mask.arg_true().head(n).to_list()
        if not wanted:
            return
        records = judged.rows[sorted({at for rows in wanted.values() for at in rows})]["_record"].unique()
        at_hand = judged.rows.with_row_index("_at").filter(pl.col("_record").is_in(records.implode()))
        received = lengthen(
            pick(raw.filter(pl.col("_record").is_in(records.implode())), self.contract), self.contract
        )
        where = {at: i for i, at in enumerate(at_hand["_at"])}
        for reason, rows in wanted.items():
            names = self._told(reason)
            for at in rows:
                row = received[where[at]]
                values = tuple((name, as_text(row[name])[0]) for name in names)
                record = first_record + int(row["_record"][0])
                self.examples.setdefault(reason, []).append(Example(file, record, values))

    def _told(self, reason: str) -> list[str]:
        """Return the columns that an example shows: those the rule is about, then the key's."""
        fields = [f.name for f in self.contract.fields]
        about = [n for n in fields if n in self.contract.about(reason)]
        return [*about, *(n for n in self.contract.key if n not in about)][:8]
