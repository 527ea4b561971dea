"""Flagged points: for each rule that was broken, the sensor that broke it most, over time."""

import numpy as np

from veracity.data.rules.readings import Bools, Floats
from veracity.data.rules.words import explain
from veracity.data.survey.plan import Span
from veracity.data.survey.second_look import CLOSE, Trace
from veracity.data.survey.survey import Survey
from veracity.pages.check_gaps import sensor_words
from veracity.pages.column_words import axis_words
from veracity.pages.html import Html, fitting, joined, shown, tag
from veracity.pages.plot import band, bars, dots, legend, line, plot, uprights
from veracity.pages.scale import number, number_ticks, time_ticks

_LEGEND = (
    ("data", "accepted readings, lowest to highest in each step"),
    ("dot", "broke the rule"),
    ("up", "broke the rule, without a value or beyond the picture"),
)
_OTHERS = 5


def flagged(survey: Survey, most_bytes: int) -> Html:
    """Return the section: a figure for each rule, in the contract's order."""
    fine = survey.second.fine
    broken = survey.reasons
    if not broken:
        return tag("p", "No row broke a rule.")
    if fine is None:
        return tag("p", "No row has a time that can be read, so there is nothing to show over time.")
    traces = [t for t in survey.second.traces if t.breaks.any()]
    figures = fitting([_figure(t, fine, survey) for t in traces], most_bytes - 2_000)
    drawn = {t.plan.reason for t in traces[: len(figures)]}
    left_out = [reason for reason in broken if reason not in drawn]
    some = ", ".join(shown(r, 80) for r in left_out[:8]) + (" and others" if len(left_out) > 8 else "")
    note = f"Not drawn, for want of room or of a time: {some}." if left_out else None
    return joined([legend(_LEGEND), *figures, tag("p", note, class_="soft") if note else None])


def _figure(trace: Trace, fine: Span, survey: Survey) -> Html:
    plan = trace.plan
    words = shown(explain(survey.contract, plan.reason), 300)
    parts: list[Html | None] = [tag("h3", tag("code", shown(plan.reason, 120))), tag("p", words)]
    if plan.column is None:
        drawn: list[Html | None] = [_counted(trace, fine, plan.reason)]
    else:
        parts.append(tag("p", _whose(trace, survey), class_="soft"))
        low, high = _view(trace)
        axis = axis_words(survey.contract.field(plan.column))
        drawn = [_over_time(trace, fine, low, high, axis, survey), _close_up(trace, axis)]
    return tag("figure", tag("figcaption", *parts), *drawn)


def _whose(trace: Trace, survey: Survey) -> str:
    """Say which sensor is drawn, and which others broke the rule."""
    breaks = survey.first.breaks
    own = breaks.filter(breaks["reason"] == trace.plan.reason).sort(["n", "sensor"], descending=[True, False])
    if not survey.contract.sensor:
        return f"{int(own['n'].sum()):,} rows."
    told = [f"{sensor_words(s)} ({n:,})" for s, n in own.select("sensor", "n").iter_rows()]
    others = ", ".join(told[1 : 1 + _OTHERS])
    more = f" and {len(told) - 1 - _OTHERS:,} more sensors" if len(told) > 1 + _OTHERS else ""
    return f"Drawn: {told[0]}." + (f" Also: {others}{more}." if others else " No other sensor broke it.")


def _counted(trace: Trace, fine: Span, reason: str) -> Html:
    """Draw how many rows broke a rule that is about no number."""
    top = max(int(trace.breaks.max()), 1)
    total = int(trace.breaks.sum())
    heights = [max(float(n) / top, 0.02) if n else 0.0 for n in trace.breaks]
    title = f"{shown(reason, 120)}: {total:,} rows over time, all sensors; at most {top:,} in one bar"
    ticks = time_ticks(fine.start_us, fine.end_us)
    return plot(
        [bars(heights, "bar-bad")], title, ticks, [(1.0, f"{top:,}")], "rows that broke it, all sensors"
    )


def _view(trace: Trace) -> tuple[float, float]:
    """Return the values from which to which is drawn: accepted ones, and flagged ones that are near."""
    found = [v[~np.isnan(v)] for v in (trace.low, trace.high, trace.flagged_low, trace.flagged_high)]
    sound, bad = np.concatenate(found[:2]), np.concatenate(found[2:])
    if not len(sound):
        sound = bad if len(bad) else np.zeros(1)
    low, high = float(sound.min()), float(sound.max())
    reach = (high - low) or abs(high) * 0.1 or 1.0
    near = bad[(bad >= low - reach) & (bad <= high + reach)]
    if len(near):
        low, high = min(low, float(near.min())), max(high, float(near.max()))
    margin = 0.06 * ((high - low) or reach)
    return low - margin, high + margin


def _over_time(trace: Trace, fine: Span, low: float, high: float, axis: str, survey: Survey) -> Html:
    every_us = (survey.first.every_s or 0) * 1e6
    bridged = max(1, round(1.5 * every_us / fine.width_us))
    place = (np.arange(fine.n) + 0.5) / fine.n
    bad = [np.concatenate([place, place]), np.concatenate([trace.flagged_low, trace.flagged_high])]
    seen = ~np.isnan(bad[1]) & (bad[1] >= low) & (bad[1] <= high)
    beyond = ~np.isnan(bad[1]) & ~seen
    above = (beyond & (bad[1] > high)).reshape(2, -1).any(axis=0)
    below = (beyond & (bad[1] < low)).reshape(2, -1).any(axis=0)
    above |= (trace.breaks > 0) & np.isnan(trace.flagged_low)
    marks = [
        uprights(place[above].tolist(), "edge", 0, 8),
        uprights(place[below].tolist(), "edge", 92, 100),
        band(_unit(trace.low, low, high), _unit(trace.high, low, high), bridged),
        dots(bad[0][seen], _unit(bad[1][seen], low, high)),
    ]
    n = int(trace.breaks.sum())
    title = f"{axis} of {sensor_words(trace.plan.sensor)} over time, {n:,} readings marked"
    note = None
    if beyond.any():
        ends = sorted({number(float(v)) for v in (bad[1][beyond].min(), bad[1][beyond].max())})
        note = f"Marked at the edge, beyond the picture: {' to '.join(ends)}."
        title = f"{title}. {note}"
    ticks = time_ticks(fine.start_us, fine.end_us)
    drawn = plot(marks, title, ticks, number_ticks(low, high), axis)
    return joined([drawn, tag("p", note, class_="soft") if note else None])


def _close_up(trace: Trace, axis: str) -> Html | None:
    close = trace.plan.close
    if close is None or len(trace.close_time) < 2:
        return None
    order = np.argsort(trace.close_time, kind="stable")
    time, value, bad = trace.close_time[order], trace.close_value[order], trace.close_flagged[order]
    low, high = _near(value, bad)
    x = (time - close.start_us) / (close.end_us - close.start_us)
    y = _unit(value, low, high)
    joined_on = np.append(np.diff(time) <= 1.5 * close.width_us, False)
    inside = (value >= low) & (value <= high)
    marks = [
        uprights(x[bad & (value > high)].tolist(), "edge", 0, 8),
        uprights(x[bad & (value < low)].tolist(), "edge", 92, 100),
        line(x[inside], y[inside], joined_on[inside]),
        dots(x[inside & ~bad], y[inside & ~bad], "points"),
        dots(x[bad & inside], y[bad & inside]),
    ]
    capped = f", the first {CLOSE:,} readings" if len(time) == CLOSE else ""
    title = f"{axis} of {sensor_words(trace.plan.sensor)} about the first reading marked{capped}"
    return joined(
        [
            tag("p", f"Closer: about the first reading marked{capped}.", class_="soft"),
            plot(marks, title, time_ticks(close.start_us, close.end_us), number_ticks(low, high), axis),
        ]
    )


def _near(value: Floats, bad: Bools) -> tuple[float, float]:
    sound = value[~bad] if (~bad).any() else value
    low, high = float(sound.min()), float(sound.max())
    reach = 3 * ((high - low) or abs(high) * 0.1 or 1.0)
    near = value[(value >= low - reach) & (value <= high + reach)]
    low, high = float(near.min()), float(near.max())
    margin = 0.06 * ((high - low) or reach)
    return low - margin, high + margin


def _unit(value: Floats, low: float, high: float) -> Floats:
    return np.asarray((value - low) / (high - low), dtype=np.float64)
