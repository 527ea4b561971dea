"""Gaps: each sensor and each property over time, and how long it is from one reading to the next."""

import numpy as np
from numpy.typing import NDArray

from veracity.data.survey.intervals import N_STEPS, step_s
from veracity.data.survey.plan import Span
from veracity.data.survey.rows import BETWEEN
from veracity.data.survey.second_look import Strip
from veracity.data.survey.survey import Survey
from veracity.pages.html import Html, fitting, joined, shown, tag
from veracity.pages.plot import axis_labels, bars, legend, plot, strip, uprights
from veracity.pages.scale import Tick, instant, share, span, time_ticks

NOTHING, MISSING, FEW, HAS = range(4)
_HEIGHTS = (0, 12, 45, 100)  # of the bar, in hundredths
_QUARTERS = 4  # the share that broke a rule is drawn in quarters of the bar, rounded up
_LEGEND = (
    ("has", "readings"),
    ("few", "fewer than half of what is usual"),
    ("broke", "of these broke a rule, in quarters"),
    ("none", "none, between the first and the last"),
)


def gaps(survey: Survey, most_bytes: int) -> Html:
    """Return the section."""
    over = survey.second.span
    if over is None:
        return tag("p", "No row has a time that can be read, so there is nothing to show over time.")
    frames = [_sensors(survey, over, most_bytes - 60_000), _properties(survey, over), _intervals(survey)]
    return joined([_told(survey, over), legend(_LEGEND), *frames])


def _told(survey: Survey, over: Span) -> Html:
    first, second = survey.first, survey.second
    n_missing = second.intervals.n_missing
    if first.every_s is None:
        every = "No interval is known."
    else:
        source = "the contract says" if first.is_told else "most common here"
        every = f"A reading is expected every {span(first.every_s)} ({source})."
    lines = [
        f"{every} {_counted(first.sensors.height, 'sensor')}; missing between readings: {n_missing:,}.",
        f"A bar is {span(over.width_us / 1e6)}, from {instant(over.start_us)} to {instant(over.end_us)} UTC.",
    ]
    if second.n_before or second.n_after:
        lines.append(
            f"Left out of all pictures over time: {second.n_before:,} rows before and"
            f" {second.n_after:,} after, far from the others: times go"
            f" from {instant(first.earliest_us)} to {instant(first.latest_us)}."
        )
    return joined(tag("p", line) for line in lines)


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def sensor_words(sensor: str) -> str:
    """Write a sensor's name for people."""
    parts = [part for part in sensor.split(BETWEEN) if part]
    return shown(" · ".join(parts), 60) or "all rows"


def _sensors(survey: Survey, over: Span, most_bytes: int) -> Html:
    second, plan = survey.second, survey.second.plan
    missing = dict(second.intervals.missing.iter_rows())
    facts = {row["sensor"]: row for row in survey.first.sensors.iter_rows(named=True)}
    every = survey.first.every_s
    expected = over.width_us / 1e6 / every if every else 1.0
    rows = []
    for sensor, one in zip(plan.sensors, second.by_sensor, strict=False):
        f = facts[sensor]
        name = sensor_words(sensor) if sensor or not survey.contract.sensor else "no sensor named"
        drawn = _drawn(name, one, expected)
        rows.append(_row(name, drawn, f["n_rows"], f["n_broken"], missing.get(sensor, 0)))
    fit = fitting(rows, most_bytes)
    if plan.n_others:
        other = survey.first.sensors.filter(~survey.first.sensors["sensor"].is_in(list(plan.sensors)))
        sums = (
            *(int(other[name].sum()) for name in ("n_rows", "n_broken")),
            second.intervals.n_missing - sum(missing.get(sensor, 0) for sensor in plan.sensors),
        )
        name = f"the other {plan.n_others:,} sensors, less troubled"
        fit.append(_row(name, _drawn(name, second.by_sensor[-1], expected * plan.n_others), *sums))
    left_out = len(rows) - len(fit) + bool(plan.n_others)
    caption = "Sensors, those with most broken and missing readings first"
    return joined(
        [
            _table(caption, ("sensor", "over time", "rows", "broke a rule", "missing"), fit, over),
            tag("p", f"{left_out} more sensors would not fit", class_="soft") if left_out > 0 else None,
        ]
    )


def _properties(survey: Survey, over: Span) -> Html | None:
    first, second = survey.first, survey.second
    rows = []
    for name, one in second.by_property.items():
        n, absent = first.values[name].n_seen, first.n_null[name]
        usual = n / max(n + absent, 1)
        drawn = _drawn(name, one, usual * second.rows.present)
        rows.append(_row(name, drawn, n, int(one.broken.sum()), absent))
    if not rows:
        return None
    caption = "Properties, over all sensors: whether the rows hold a value"
    heads = ("property", "over time", "values", "broke a rule", "rows without")
    return _table(caption, heads, fitting(rows, 50_000), over)


def _drawn(name: str, one: Strip, expected: float | NDArray[np.floating]) -> Html:
    """Return a strip: how much there is in each bin, and what share of it broke a rule."""
    seen = np.flatnonzero((one.present > 0) | (one.broken > 0))
    states = np.full(len(one.present), NOTHING)
    if len(seen):
        states[seen[0] : seen[-1] + 1] = MISSING
    states[one.present > 0] = FEW
    states[(one.present >= 0.5 * np.asarray(expected)) & (one.present > 0)] = HAS
    states[(one.present == 0) & (one.broken > 0)] = HAS  # rows without a number, all of which broke a rule
    of = np.maximum(one.present, one.broken)
    quarters = np.where(one.broken > 0, -(-_QUARTERS * one.broken // np.maximum(of, 1)), 0)
    levels = [(states == state, class_, _HEIGHTS[state]) for state, class_ in _CLASSES]
    levels += [
        ((quarters == k) & (states == state), "broke", _HEIGHTS[state] * k // _QUARTERS)
        for k in range(1, _QUARTERS + 1)
        for state in (FEW, HAS)
    ]
    told = [f"{k} {words}" for state, words in _WORDS if (k := int((states == state).sum()))]
    told.append(f"{int((one.broken > 0).sum())} in which rows broke a rule")
    return strip(levels, f"{name}: of {len(states)} bars {', '.join(told)}")


def _row(name: str, drawn: Html, n: int, n_broken: int, n_missing: int) -> Html:
    missing = f"{n_missing:,} ({share(n_missing, n + n_missing)})"
    told = (("rows", f"{n:,}"), ("broke a rule", f"{n_broken:,}"), ("missing", missing))
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", drawn, class_="s"),
        *(tag("td", text, class_="num", data_of=of) for of, text in told),
    )


_CLASSES = ((HAS, "has"), (FEW, "few"), (MISSING, "none"))
_WORDS = (
    (HAS, "with readings"),
    (FEW, "with few"),
    (MISSING, "with none"),
    (NOTHING, "before the first or after the last"),
)


def _table(caption: str, names: tuple[str, ...], rows: list[Html], over: Span) -> Html:
    heads = [tag("th", n, scope="col", class_="num" if i > 1 else None) for i, n in enumerate(names)]
    axis = axis_labels(time_ticks(over.start_us, over.end_us, 4))
    foot = tag("tr", tag("td"), tag("td", axis, class_="s"), tag("td", colspan=3))
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows),
            tag("tfoot", foot, aria_hidden="true"),
            class_="strips",
        ),
        class_="wide",
    )


def _intervals(survey: Survey) -> Html | None:
    steps, common = survey.first.intervals.steps, survey.first.intervals.common
    seen = np.flatnonzero(steps)
    if not len(seen):
        return None
    every = survey.first.every_s
    low, high = max(int(seen[0]) - 1, 0), min(int(seen[-1]) + 2, N_STEPS)
    heights = np.log10(1 + steps[low:high].astype(np.float64))
    top = float(np.ceil(heights.max()))
    marks = [bars((heights / top).tolist(), "bar")]
    if every is not None and (at := _place(every, low, high)) is not None:
        marks.append(uprights([at], "bound"))
    usual = ", ".join(f"{span(us / 1e6)} ({n:,})" for us, n in common.head(3).iter_rows())
    total = int(steps.sum())
    title = f"Histogram of {total:,} intervals between readings of one sensor; most common: {usual}"
    y = [(np.log10(1 + 10**k) / top, f"{10**k:,}") for k in range(int(top) + 1) if np.log10(1 + 10**k) <= top]
    return tag(
        "figure",
        tag("figcaption", tag("h3", "From one reading to the next"), tag("p", f"Most common: {usual}.")),
        plot(
            marks,
            title,
            _span_ticks(low, high),
            y,
            "intervals of this length (each step up is ten times more)",
        ),
        legend((("data", "intervals"), ("dash", "expected")) if every else (("data", "intervals"),)),
    )


def _place(seconds: float, low: int, high: int) -> float | None:
    start, end = np.log2(step_s(low)), np.log2(step_s(high))
    at = float((np.log2(seconds) - start) / (end - start))
    return at if 0 <= at <= 1 else None


def _span_ticks(low: int, high: int) -> list[Tick]:
    spans = (1, 10, 60, 600, 3600, 21_600, 86_400, 604_800, 2_629_800, 31_557_600)
    names = ("1 s", "10 s", "1 min", "10 min", "1 h", "6 h", "1 d", "1 w", "1 mo", "1 y")
    found = [
        (at, name) for s, name in zip(spans, names, strict=True) if (at := _place(s, low, high)) is not None
    ]
    return found or [(0.0, span(step_s(low))), (1.0, span(step_s(high)))]
