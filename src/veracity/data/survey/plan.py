"""What the second look draws, chosen from the first: over which time, which sensors, which rules."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from veracity.data.infer.ranges import sentinels
from veracity.data.rules.readings import Floats
from veracity.data.survey.first_look import FirstLook
from veracity.data.survey.rows import column_of

SENSORS = 60
TRACES = 40
STRIP_BINS = 160
TRACE_BINS = 240
HISTOGRAM_BINS = 48
CLOSE_READINGS = 60  # expected intervals on each side of the first flagged reading
LARGEST = 1e150  # numbers beyond are drawn as this: differences of larger ones have no float


@dataclass(frozen=True)
class Span:
    """A stretch of time cut into bins of one width. ``[start_us, start_us + n * width_us)``."""

    start_us: int
    width_us: int
    n: int

    @property
    def end_us(self) -> int:
        """Where it ends; not of it."""
        return self.start_us + self.n * self.width_us

    def cut(self, n: int) -> "Span":
        """Return the same stretch in at most ``n`` bins of at least this width."""
        width = max(-(-(self.end_us - self.start_us) // n), self.width_us)
        return Span(self.start_us, width, max(-(-(self.end_us - self.start_us) // width), 1))


@dataclass(frozen=True)
class Axis:
    """Where a property's histogram begins and ends, and values that look as if they meant "none"."""

    start: float
    width: float
    n: int
    suspects: Mapping[float, str]

    @property
    def end(self) -> float:
        """Where it ends."""
        return self.start + self.n * self.width


@dataclass(frozen=True)
class TracePlan:
    """A rule to draw, at the sensor that broke it most.

    ``column`` is None for a rule about no number: then all sensors' breaks are counted over time.
    """

    reason: str
    sensor: str
    column: str | None
    close: Span | None


@dataclass(frozen=True)
class Plan:
    """What to draw. ``span`` is None where no row has an event time."""

    span: Span | None
    sensors: tuple[str, ...]
    n_others: int
    axes: Mapping[str, Axis]
    traces: tuple[TracePlan, ...]


def make_plan(look: FirstLook) -> Plan:
    """Choose what to draw."""
    span = _span(look)
    chosen = (
        look.sensors.join(look.intervals.missing, on="sensor", how="left")
        .with_columns(trouble=pl.col("n_broken") + pl.col("n_missing").fill_null(0))
        .sort(["trouble", "n_rows", "sensor"], descending=[True, True, False])
        .head(SENSORS)["sensor"]
        .to_list()
    )
    axes = {name: _axis(name, look) for name, sample in look.values.items() if sample.n_seen}
    return Plan(span, tuple(chosen), look.sensors.height - len(chosen), axes, tuple(_traces(look, span)))


def _span(look: FirstLook) -> Span | None:
    """Return the time that nearly all rows are of; a bin is at least an expected interval."""
    if not look.times.n_seen:
        return None
    start, end = (int(q) for q in look.times.quantiles(0.01, 0.99))
    margin = (end - start) // 2 + round(2e6 * (look.every_s or 1))
    start, end = max(look.earliest_us, start - margin), min(look.latest_us, end + margin)
    width = max(round((look.every_s or 1e-6) * 1e6), 1)
    n = max(-(-(end - start + 1) // width), 1)
    return Span(start, width, n)


def _axis(name: str, look: FirstLook) -> Axis:
    sample = look.values[name]
    values = np.clip(sample.values, -LARGEST, LARGEST)
    suspects = sentinels(pl.Series("value", values))
    bulk = values[~np.isin(values, list(suspects))]
    bulk = bulk if len(bulk) else values
    low, high = _view(bulk)
    reach = high - low
    low = min(v for v in (low, float(bulk.min()), look.lowest[name]) if low - v <= 0.5 * reach)
    high = max(v for v in (high, float(bulk.max()), look.highest[name]) if v - high <= 0.5 * reach)
    field = look.contract.field(name)
    for bound in (field.minimum, field.exclusive_minimum, field.maximum, field.exclusive_maximum):
        if bound is not None and low - 0.3 * (high - low) <= bound <= high + 0.3 * (high - low):
            low, high = min(low, bound), max(high, bound)
    start, width, n = _bins(low, high, bulk)
    return Axis(start, width, n, suspects)


def _view(values: Floats) -> tuple[float, float]:
    """Return the stretch that most values are in: nearly all of them, unless the tails are very long."""
    near = np.quantile(values, (0.05, 0.95), method="nearest")
    low = high = 0.0
    for tail in (0.002, 0.01, 0.025):
        low, high = (float(q) for q in np.quantile(values, (tail, 1 - tail), method="nearest"))
        if not near[0] < near[1] or high - low <= 6 * (near[1] - near[0]):
            break
    return low, high


def _bins(low: float, high: float, values: Floats) -> tuple[float, float, int]:
    """Return start, width and number of bins; each holds as many of the values that the sensor can say."""
    if high <= low:
        half = abs(low) * 0.05 or 0.5
        return low - half, 2 * half / 5, 5
    step = _resolution(values)
    width = (high - low) / HISTOGRAM_BINS
    if step and (high - low) / step < 1e9:
        width = max(math.ceil(width / step - 1e-9), 1) * step
        low -= step / 2
    n = max(math.ceil((high - low) / width + 1e-9), 1)
    return low, width, min(n, 2 * HISTOGRAM_BINS)


def _resolution(values: Floats) -> float:
    """Return the power of ten of which all values are multiples, from 100 to 0.0001; 0 if of none."""
    small = values[np.abs(values) < 1e9]
    for step in (100.0, 10.0, 1.0, 0.1, 0.01, 0.001, 0.0001):
        scaled = small / step
        if np.all(np.abs(scaled - np.round(scaled)) < 1e-4):
            return step
    return 0.0


def _traces(look: FirstLook, span: Span | None) -> list[TracePlan]:
    if span is None:
        return []
    order = {reason: i for i, reason in enumerate(look.contract.reasons)}
    worst = (
        look.breaks.sort(["n", "sensor"], descending=[True, False])
        .group_by("reason", maintain_order=True)
        .agg(pl.col("sensor", "first").first(), total=pl.col("n").sum())
    )
    found = sorted(worst.iter_rows(named=True), key=lambda r: order[r["reason"]])[:TRACES]
    return [
        TracePlan(
            row["reason"],
            row["sensor"],
            column := column_of(row["reason"], look.contract),
            _close(row["first"], span) if column else None,
        )
        for row in found
    ]


def _close(first: int | None, span: Span) -> Span | None:
    """Return the readings about the first break; None where the whole picture shows them one by one."""
    if first is None or not span.start_us <= first < span.end_us or span.n <= TRACE_BINS:
        return None
    start = max(first - CLOSE_READINGS * span.width_us, span.start_us)
    return Span(start, span.width_us, 2 * CLOSE_READINGS)
