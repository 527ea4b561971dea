"""The second of two looks at files: the rows counted into the bins of the pictures."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from veracity.data.contract import Contract
from veracity.data.health import Judged
from veracity.data.rules.readings import Bools, Floats, Ints
from veracity.data.survey.intervals import Intervals
from veracity.data.survey.plan import LARGEST, STRIP_BINS, TRACE_BINS, Axis, Plan, Span, TracePlan
from veracity.data.survey.rows import surveyed

CLOSE = 480  # readings drawn one by one, at most

Counts = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass
class Strip:
    """Readings of one sensor, or values of one property, over time: (n,) int64 counts in each bin."""

    present: Ints
    broken: Ints


@dataclass
class Histogram:
    """Values of one property: (n,) int64 counts in each bin, below and above all bins, and of suspects."""

    counts: Ints
    n_below: int = 0
    n_above: int = 0
    n_outside: int = 0  # values that break ``range``
    suspects: dict[float, int] = field(default_factory=dict)


@dataclass
class Trace:
    """A rule's breaks over time, and the readings around them.

    Attributes
    ----------
    low, high
        (n,) float64: the lowest and the highest accepted value in each bin; NaN where none is.
    flagged_low, flagged_high
        (n,) float64: the same of the values that broke the rule.
    breaks
        (n,) int64: rows that broke the rule, with a value or without.
    close_time, close_value, close_flagged
        (k,) the readings of the close-up in order of arrival; k is at most ``CLOSE``.
    """

    plan: TracePlan
    low: Floats
    high: Floats
    flagged_low: Floats
    flagged_high: Floats
    breaks: Ints
    close_time: Ints
    close_value: Floats
    close_flagged: Bools


class SecondLook:
    """Counts into the bins that a plan laid out.

    Attributes
    ----------
    span, fine
        The time of the strips and of the traces; None where there is none.
    by_sensor
        A strip for each of the plan's sensors, then one for all others together.
    by_property
        A strip for each property, over all sensors.
    intervals
        Between the readings of each sensor in the pictures' time.
    n_before, n_after
        Rows whose time is not in the pictures.
    """

    def __init__(self, contract: Contract, plan: Plan, every_s: float | None) -> None:
        self.contract = contract
        self.plan = plan
        self.span = plan.span.cut(STRIP_BINS) if plan.span else None
        self.fine = plan.span.cut(TRACE_BINS) if plan.span else None
        n = self.span.n if self.span else 0
        self._codes = pl.DataFrame(
            {"sensor": list(plan.sensors), "code": np.arange(len(plan.sensors))},
            schema={"sensor": pl.String(), "code": pl.Int64()},
        )
        self.by_sensor = [_strip(n) for _ in range(len(plan.sensors) + 1)]
        self.rows = _strip(n)
        self.by_property = {name: _strip(n) for name in plan.axes}
        self.histograms = {name: Histogram(np.zeros(a.n, np.int64)) for name, a in plan.axes.items()}
        self.traces = [_trace(t, self.fine.n if self.fine else 0) for t in plan.traces]
        self.intervals = Intervals(every_s)
        self.n_before = self.n_after = 0

    def add(self, judged: Judged) -> None:
        """Take in a batch."""
        for name, axis in self.plan.axes.items():
            self._add_values(name, axis, judged)
        if self.span is None or self.fine is None:
            return
        rows = surveyed(judged, self.contract)
        time = rows["time"].fill_null(self.span.end_us).to_numpy()
        has_time = rows["time"].is_not_null().to_numpy()
        self.n_before += int((has_time & (time < self.span.start_us)).sum())
        self.n_after += int((has_time & (time >= self.span.end_us)).sum())
        drawn = _binned(time, self.span)
        self.intervals.add(rows.filter(pl.col("has") & pl.Series(drawn >= 0)).select("sensor", "time"))
        self._add_strips(rows, judged, drawn)
        at = _binned(time, self.fine)
        for trace in self.traces:
            if trace.plan.reason in judged.masks or trace.plan.column:
                self._add_trace(trace, rows, judged, time, at)

    def _add_strips(self, rows: pl.DataFrame, judged: Judged, at: Ints) -> None:
        n = len(self.rows.present)
        drawn = at >= 0
        code = rows.join(self._codes, on="sensor", how="left", maintain_order="left")["code"]
        codes = code.fill_null(len(self.plan.sensors)).to_numpy()
        has, broken = rows["has"].to_numpy(), rows["broken"].to_numpy()
        shape = len(self.by_sensor)
        present = _counted(codes * n + at, drawn & has, shape * n).reshape(shape, n)
        bad = _counted(codes * n + at, drawn & broken, shape * n).reshape(shape, n)
        for i, strip in enumerate(self.by_sensor):
            strip.present += present[i]
            strip.broken += bad[i]
        self.rows.present += present.sum(axis=0)
        self.rows.broken += bad.sum(axis=0)
        for name, strip in self.by_property.items():
            strip.present += _counted(at, drawn & judged.rows[name].is_not_null().to_numpy(), n)
            for reason, mask in judged.masks.items():
                if name in self.contract.about(reason):
                    strip.broken += _counted(at, drawn & mask.to_numpy(), n)

    def _add_values(self, name: str, axis: Axis, judged: Judged) -> None:
        column = judged.rows[name].drop_nulls().cast(pl.Float64).to_numpy()
        values = np.clip(column, -LARGEST, LARGEST)
        histogram = self.histograms[name]
        at = np.floor((values - axis.start) / axis.width)
        inside = (at >= 0) & (at < axis.n)
        histogram.counts += _counted(np.where(inside, at, 0).astype(np.int64), inside, axis.n)
        histogram.n_below += int((at < 0).sum())
        histogram.n_above += int((at >= axis.n).sum())
        for value in axis.suspects:
            histogram.suspects[value] = histogram.suspects.get(value, 0) + int((values == value).sum())
        if (mask := judged.masks.get(f"range:{name}")) is not None:
            histogram.n_outside += int(mask.sum() or 0)

    def _add_trace(self, trace: Trace, rows: pl.DataFrame, judged: Judged, time: Ints, at: Ints) -> None:
        plan, n = trace.plan, len(trace.breaks)
        mask = judged.masks.get(plan.reason)
        broken = np.zeros(rows.height, np.bool_) if mask is None else mask.to_numpy()
        if plan.column is None:
            trace.breaks += _counted(at, broken & (at >= 0), n)
            return
        own = np.flatnonzero((rows["sensor"] == plan.sensor).to_numpy() & (at >= 0))
        flagged, bins = broken[own], at[own]
        trace.breaks += _counted(bins, flagged, n)
        column = judged.rows[plan.column][own].cast(pl.Float64)
        value = np.clip(column.fill_null(np.nan).to_numpy(), -LARGEST, LARGEST)
        sound = ~rows["aside"].to_numpy()[own]
        for low, high, which in (
            (trace.low, trace.high, sound),
            (trace.flagged_low, trace.flagged_high, flagged),
        ):
            np.fmin.at(low, bins[which], value[which])
            np.fmax.at(high, bins[which], value[which])
        if plan.close is not None:
            near = _binned(time[own], plan.close) >= 0
            seen = np.flatnonzero(near & (sound | flagged) & ~np.isnan(value))
            seen = seen[: CLOSE - len(trace.close_time)]
            trace.close_time = np.concatenate([trace.close_time, time[own][seen]])
            trace.close_value = np.concatenate([trace.close_value, value[seen]])
            trace.close_flagged = np.concatenate([trace.close_flagged, flagged[seen]])


def _binned(time: Ints, span: Span) -> Ints:
    """Return the bin of each time; -1 where it is in none."""
    at = (time - span.start_us) // span.width_us
    return np.asarray(np.where((time >= span.start_us) & (time < span.end_us), at, -1), dtype=np.int64)


def _counted(at: Ints, which: Bools, n: int) -> Ints:
    return np.asarray(np.bincount(at[which], minlength=n), dtype=np.int64)


def _strip(n: int) -> Strip:
    return Strip(np.zeros(n, np.int64), np.zeros(n, np.int64))


def _trace(plan: TracePlan, n: int) -> Trace:
    return Trace(
        plan,
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.zeros(n, np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.float64),
        np.empty(0, np.bool_),
    )
