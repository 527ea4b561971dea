"""Plots as inline SVG that stretches to the page's width, with labels in HTML that do not.

Inside, x runs from 0 to 1000 and y from 0 (top) to 100. Lines keep their width and dots their
shape however the plot is stretched. Every plot carries a title that says what it shows.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from veracity.data.rules.readings import Bools, Floats, Ints
from veracity.pages.html import Html, joined, tag
from veracity.pages.scale import Tick

WIDTH, HEIGHT = 1000, 100


def plot(
    marks: Iterable[Html], title: str, x_ticks: Sequence[Tick], y_ticks: Sequence[Tick] = (), unit: str = ""
) -> Html:
    """Return a plot with its axes. ``title`` is read out in place of the picture.

    ``x_ticks``, ``y_ticks``: places from 0 to 1, left to right and bottom to top, and their labels.
    """
    lines = [f"M0 {_n(HEIGHT * (1 - at))}h{WIDTH}" for at, _ in y_ticks]
    grid = path("".join(lines), "grid") if lines else None
    y = [tag("span", text, style=f"top:{_n(100 * (1 - at))}%") for at, text in y_ticks]
    x = [tag("span", text, class_=_side(at), style=f"left:{_n(100 * at)}%") for at, text in x_ticks]
    return tag(
        "div",
        tag("div", unit, class_="unit") if unit else None,
        tag("div", *y, class_="y", aria_hidden="true"),
        drawing(title, grid, *marks),
        tag("div", *x, class_="x", aria_hidden="true"),
        class_="plot",
    )


def drawing(title: str, *marks: Html | None, class_: str = "area") -> Html:
    """Return the SVG alone."""
    return tag(
        "svg",
        tag("title", title),
        *marks,
        class_=class_,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=title,
    )


def path(data: str, class_: str) -> Html:
    """Return a path; its class says how it is drawn."""
    return tag("path", d=data, class_=class_)


def bars(heights: Sequence[float], class_: str, below: Sequence[float] | None = None) -> Html:
    """Return bars side by side over the whole width; heights from 0 to 1, on those of ``below``."""
    n = len(heights)
    floor = below or [0.0] * n
    data = [
        f"M{_n(WIDTH * i / n)} {_n(HEIGHT * (1 - base))}v{_n(-HEIGHT * height)}h{_n(WIDTH / n * 0.94)}"
        f"v{_n(HEIGHT * height)}z"
        for i, (height, base) in enumerate(zip(heights, floor, strict=True))
        if height > 0
    ]
    return path("".join(data), class_)


def band(low: Floats, high: Floats, bridged: int) -> Html:
    """Return a line through bins from their lowest to their highest value: (n,) from 0 to 1, NaN for none.

    Bins at most ``bridged`` apart are joined.
    """
    n = len(low)
    data: list[str] = []
    before = -n - bridged
    for i in np.flatnonzero(~np.isnan(low)):
        x, top, bottom = _n(WIDTH * (i + 0.5) / n), _y(high[i]), _y(low[i])
        data.append(f"{'L' if i - before <= bridged else 'M'}{x} {bottom}")
        data.append(f"V{top}" if top != bottom else "h0")
        before = int(i)
    return path("".join(data), "line")


def line(x: Floats, y: Floats, joined_to_next: Bools) -> Html:
    """Return a line through points: (k,) places from 0 to 1."""
    data: list[str] = []
    for i in range(len(x)):
        start = i == 0 or not joined_to_next[i - 1]
        data.append(f"{'M' if start else 'L'}{_n(WIDTH * x[i])} {_y(y[i])}{'h0' if start else ''}")
    return path("".join(data), "line")


def dots(x: Floats, y: Floats, class_: str = "dots") -> Html:
    """Return points: (k,) places from 0 to 1; dots keep their shape because they are ends of lines."""
    spots = dict.fromkeys((_n(WIDTH * a), _y(b)) for a, b in zip(x, y, strict=True))
    return path("".join(f"M{a} {b}h0" for a, b in spots), class_)


def uprights(x: Sequence[float], class_: str, top: float = 0, bottom: float = HEIGHT) -> Html:
    """Return vertical lines at places from 0 to 1."""
    return path("".join(f"M{_n(WIDTH * a)} {_n(top)}V{_n(bottom)}" for a in x), class_)


def runs(states: Ints, state: int) -> str:
    """Return path data of the runs of bins in a state, as bars of the whole height: (n,) int64."""
    n = len(states)
    inside = np.concatenate([[False], states == state, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
    return "".join(
        f"M{_n(WIDTH * a / n)} 0h{_n(WIDTH * (b - a) / n)}v{HEIGHT}h{_n(-WIDTH * (b - a) / n)}z" for a, b in edges
    )


def strip(states: Ints, title: str, levels: Sequence[tuple[int, str, int]]) -> Html:
    """Return a strip over time: for each state its class and the height of its bars, in hundredths."""
    marks = []
    for state, class_, height in levels:
        data = runs(states, state)
        if data:
            up = data.replace(" 0h", f" {HEIGHT - height}h").replace(f"v{HEIGHT}", f"v{height}")
            marks.append(path(up, class_))
    return drawing(title, *marks, class_="strip")


def legend(entries: Iterable[tuple[str, str]]) -> Html:
    """Return what the marks mean: their classes and the words."""
    items = [
        joined([tag("span", tag("span", class_=f"key {mark}"), " ", words, class_="entry"), " "])
        for mark, words in entries
    ]
    return tag("p", *items, class_="legend")


def _side(at: float) -> str:
    return "first" if at < 0.06 else "last" if at > 0.94 else "mid"


def _y(value: float) -> str:
    return _n(HEIGHT * (1 - min(max(float(value), 0.0), 1.0)))


def _n(value: float) -> str:
    """Write a coordinate to a tenth, as short as it goes."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
