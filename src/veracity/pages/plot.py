"""Plots as inline SVG that stretches to the page's width, with labels in HTML that do not.

Inside, x runs from 0 to 1000 and y from 0 (top) to 100. Lines keep their width and dots their
shape however the plot is stretched. Every plot carries a title that says what it shows.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from veracity.data.rules.readings import Bools, Floats
from veracity.pages.html import Html, joined, tag
from veracity.pages.scale import Tick

WIDTH, HEIGHT = 1000, 100


def plot(
    marks: Iterable[Html],
    title: str,
    x_ticks: Sequence[Tick],
    y_ticks: Sequence[Tick] = (),
    y_name: str = "",
    x_name: str = "",
) -> Html:
    """Return a plot with its axes. ``title`` is read out in place of the picture.

    ``x_ticks``, ``y_ticks``: places from 0 to 1, left to right and bottom to top, and their labels.
    """
    lines = [f"M0 {_n(HEIGHT * (1 - at))}h{WIDTH}" for at, _ in y_ticks]
    grid = path("".join(lines), "grid-line") if lines else None
    y = [tag("span", text, style=f"top:{_n(100 * (1 - at))}%") for at, text in y_ticks]
    return tag(
        "div",
        tag("div", y_name, class_="y-name") if y_name else None,
        tag("div", *y, class_="y", aria_hidden="true"),
        drawing(title, grid, *marks),
        axis_labels(x_ticks),
        tag("div", x_name, class_="x-name") if x_name else None,
        class_="plot",
    )


def axis_labels(ticks: Sequence[Tick]) -> Html:
    """Return the labels below a plot or a column of strips."""
    labels = [tag("span", text, class_=_side(at), style=f"left:{_n(100 * at)}%") for at, text in ticks]
    return tag("div", *labels, class_="x", aria_hidden="true")


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


def bars(heights: Sequence[float], class_: str) -> Html:
    """Return bars side by side over the whole width; heights from 0 to 1."""
    n = len(heights)
    data = [
        f"M{_n(WIDTH * i / n)} {HEIGHT}v{_n(-HEIGHT * height)}h{_n(WIDTH / n * 0.94)}V{HEIGHT}z"
        for i, height in enumerate(heights)
        if height > 0
    ]
    return path("".join(data), class_)


def band(low: Floats, high: Floats, bridged: int) -> Html:
    """Return a line through bins from their lowest to their highest value: (n,) from 0 to 1, NaN for none.

    Bins at most ``bridged`` apart are joined.
    """
    n = len(low)
    data: list[str] = []
    before, end = -n - bridged, 0.0
    for i in np.flatnonzero(~np.isnan(low)):
        near, far = (low[i], high[i]) if abs(low[i] - end) <= abs(high[i] - end) else (high[i], low[i])
        data.append(f"{'L' if i - before <= bridged else 'M'}{_n(WIDTH * (i + 0.5) / n)} {_y(near)}")
        data.append("h0" if _y(near) == _y(far) else f"V{_y(far)}")
        before, end = int(i), far
    some = np.flatnonzero(~np.isnan(low))
    apart = np.diff(some, prepend=-n - bridged, append=2 * n + bridged) > bridged
    alone = some[apart[:-1] & apart[1:]]
    return joined([path("".join(data), "line"), dots((alone + 0.5) / n, low[alone], "points")])


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


def strip(levels: Sequence[tuple[Bools, str, int]], title: str) -> Html:
    """Return a strip over time: levels of (n,) bins, their class, and the height of their bars, 0 to 100."""
    drawn = [path(_runs(which, height), class_) for which, class_, height in levels if which.any()]
    return drawing(title, *drawn, class_="strip")


def _runs(which: Bools, height: int) -> str:
    """Return path data of runs of bins, each run one bar."""
    n = len(which)
    inside = np.concatenate([[False], which, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
    at = [(_n(WIDTH * a / n), _n(WIDTH * b / n)) for a, b in edges]
    return "".join(f"M{a} {HEIGHT - height}H{b}V{HEIGHT}H{a}z" for a, b in at)


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
