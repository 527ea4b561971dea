"""A forecast as a fan: what was measured, then the median and the ranges it lies in, wider with time.

What was measured is a solid line; what was estimated where nothing was measured is a dashed line with hollow
marks; what is forecast is a band. So the three differ without colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veracity.models.panel_array import Bools, Floats
from veracity.pages.html import Html, tag
from veracity.pages.plot import HEIGHT, WIDTH, dots, legend, path, plot, uprights
from veracity.pages.scale import Tick, number, number_ticks, time_ticks

FAN_STYLE = """
.fan-95{fill:var(--data);fill-opacity:.16}.fan-80{fill:var(--data);fill-opacity:.24}
.fan-50{fill:var(--data);fill-opacity:.34}
.fan-mid{stroke:var(--mark);stroke-width:1.6;stroke-dasharray:7 3}
.fan-past{stroke:var(--mark);stroke-width:1.8}
.fan-point{stroke:var(--mark);stroke-width:4;stroke-linecap:round}
.fan-guess{stroke:var(--bad);stroke-width:8;stroke-linecap:round}
.fan-guess-in{stroke:var(--card);stroke-width:4;stroke-linecap:round}
.fan-guess-range{stroke:var(--bad);stroke-width:1.6}
.fan-now{stroke:var(--gap);stroke-width:1.5}
.fan-limit{stroke:var(--bad);stroke-width:1.3;stroke-dasharray:2 4}
.fan .area{height:12rem}
.key.fan-95,.key.fan-80,.key.fan-50{background:var(--data);border:0}
.key.fan-95{opacity:.3}.key.fan-80{opacity:.5}.key.fan-50{opacity:.8}
.key.fan-past{height:0;width:1.5em;border-bottom:2px solid var(--mark);vertical-align:.25em}
.key.fan-mid{height:0;width:1.5em;border-bottom:2px dashed var(--mark);vertical-align:.25em}
.key.fan-guess{width:.65em;height:.65em;border:2px solid var(--bad);border-radius:50%;background:none}
.key.fan-limit{height:0;width:1.5em;border-bottom:2px dotted var(--bad);vertical-align:.25em}
@media print{.fan-95,.fan-80,.fan-50{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
RANGES = ((0, 6, "fan-95"), (1, 5, "fan-80"), (2, 4, "fan-50"))  # places in forecast.LEVELS
LEGEND = (
    ("fan-past", "measured"),
    ("fan-guess", "estimated, not measured"),
    ("fan-mid", "forecast: the middle"),
    ("fan-50", "50 % range"),
    ("fan-80", "80 % range"),
    ("fan-95", "95 % range"),
)


@dataclass(frozen=True)
class Fan:
    """One forecast of one place.

    Attributes
    ----------
    past_us, past
        (n,) times, and what was measured then; NaN for nothing.
    guess_us, guess
        (m,) times without a measured value and (m, 7) quantiles of what it was.
    due_us, quantiles
        (h,) times ahead, and (h, 7) quantiles at ``forecast.LEVELS``; NaN for nothing.
    now_us
        From when it looks ahead.
    limits
        Thresholds to show, with their words.
    """

    past_us: Floats
    past: Floats
    guess_us: Floats
    guess: Floats
    due_us: Floats
    quantiles: Floats
    now_us: int
    limits: Sequence[tuple[float, str]] = ()


def fan_plot(fan: Fan, title: str, unit: str, shift_us: int = 0) -> Html:
    """Return the picture; ``shift_us`` turns UTC into the clock that the labels show."""
    start, end = _span(fan)
    top = _top(fan)
    shown = [(limit, words) for limit, words in fan.limits if limit <= top]
    marks = [*_bands(fan, start, end, top), *_past(fan, start, end, top), *_guesses(fan, start, end, top)]
    marks += [path(f"M0 {_y(v, top)}h{WIDTH}", "fan-limit") for v, _ in shown]
    marks.append(uprights([(fan.now_us - start) / (end - start)], "fan-now"))
    x_ticks = time_ticks(start + shift_us, end + shift_us)
    picture = plot(marks, title, x_ticks, _y_ticks(top), y_name=unit)
    words = (
        [tag("p", "Dotted: ", "; ".join(f"{number(v)} {w}" for v, w in shown), class_="soft")]
        if shown
        else []
    )
    return tag("div", picture, *words, class_="fan")


def fan_legend() -> Html:
    """Return what the marks of a fan mean."""
    return legend(LEGEND)


def _span(fan: Fan) -> tuple[int, int]:
    times = np.concatenate([fan.past_us, fan.guess_us, fan.due_us, [fan.now_us]])
    start, end = int(times.min()), int(times.max())
    return start, max(end, start + 1)


def _top(fan: Fan) -> float:
    known = [a[np.isfinite(a)] for a in (fan.past, fan.guess.ravel(), fan.quantiles.ravel())]
    together = np.concatenate([*known, [1.0]])
    return float(together.max() * 1.06)


def _bands(fan: Fan, start: int, end: int, top: float) -> list[Html]:
    x = (fan.due_us - start) / (end - start)
    known = np.asarray(np.isfinite(fan.quantiles).all(axis=1))
    bands = []
    for low, high, class_ in RANGES:
        data = [
            _ribbon(x[run], fan.quantiles[run, low], fan.quantiles[run, high], top) for run in _runs(known)
        ]
        bands.append(path("".join(data), class_))
    middle = "".join(_line(x[run], fan.quantiles[run, 3], top) for run in _runs(known))
    return [*bands, path(middle, "fan-mid")]


def _past(fan: Fan, start: int, end: int, top: float) -> list[Html]:
    x = (fan.past_us - start) / (end - start)
    known = np.isfinite(fan.past)
    runs = _runs(known)
    alone = [run.start for run in runs if run.stop - run.start == 1]
    line = path("".join(_line(x[run], fan.past[run], top) for run in runs), "fan-past")
    return [line, dots(x[alone], fan.past[alone] / top, "fan-point")]


def _guesses(fan: Fan, start: int, end: int, top: float) -> list[Html]:
    known = np.isfinite(fan.guess).all(axis=1)
    x, q = ((fan.guess_us - start) / (end - start))[known], fan.guess[known]
    ranges = "".join(f"M{_x(a)} {_y(r[1], top)}V{_y(r[5], top)}" for a, r in zip(x, q, strict=True))
    middle = q[:, 3] / top
    return [path(ranges, "fan-guess-range"), dots(x, middle, "fan-guess"), dots(x, middle, "fan-guess-in")]


def _runs(known: Bools) -> list[slice]:
    """Return the runs of what is known."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _ribbon(x: Floats, low: Floats, high: Floats, top: float) -> str:
    out = [f"{_x(a)} {_y(v, top)}" for a, v in zip(x, high, strict=True)]
    back = [f"{_x(a)} {_y(v, top)}" for a, v in zip(x[::-1], low[::-1], strict=True)]
    return f"M{'L'.join([*out, *back])}z"


def _line(x: Floats, y: Floats, top: float) -> str:
    return "M" + "L".join(f"{_x(a)} {_y(v, top)}" for a, v in zip(x, y, strict=True))


def _y_ticks(top: float) -> list[Tick]:
    return number_ticks(0.0, top)


def _x(at: float) -> str:
    return f"{WIDTH * at:.1f}"


def _y(value: float, top: float) -> str:
    return f"{HEIGHT * (1 - min(max(value / top, 0.0), 1.0)):.1f}"
