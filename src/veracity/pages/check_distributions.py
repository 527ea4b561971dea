"""Distributions: a histogram of each number, the contract's range on it, and what looks odd."""

import numpy as np

from veracity.data.contract_field import Field
from veracity.data.survey.plan import Axis
from veracity.data.survey.second_look import Histogram
from veracity.data.survey.survey import Survey
from veracity.pages.column_words import axis_words, range_words, unit_words
from veracity.pages.html import Html, fitting, joined, tag
from veracity.pages.plot import bars, dots, legend, path, plot, uprights
from veracity.pages.scale import number, number_ticks, share

_SHARES = (0.01, 0.25, 0.5, 0.75, 0.99)
_NAMES = (
    "property",
    "values",
    "rows without",
    "outside its range",
    "lowest",
    "1 %",
    "median",
    "99 %",
    "highest",
)


def distributions(survey: Survey, most_bytes: int) -> Html:
    """Return the section."""
    if not survey.second.histograms:
        return tag("p", "The rows hold no numbers beside their keys.")
    fields = {name: survey.contract.field(name) for name in survey.second.histograms}
    figures = fitting([_figure(f, survey) for f in fields.values()], most_bytes - 60_000)
    rows = fitting([_row(f, survey) for f in fields.values()], 50_000)
    left_out = len(fields) - len(figures)
    heads = [tag("th", name, scope="col", class_="num" if i else None) for i, name in enumerate(_NAMES)]
    table = tag(
        "table",
        tag("caption", "All values that could be read, those set aside too" + _sampled(survey)),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
    )
    key = (
        ("data", "values"),
        ("dash", "the contract's range"),
        ("dot", "values beyond the picture, or a number that may stand for none"),
    )
    return joined(
        [
            tag("div", table, class_="wide"),
            legend(key),
            tag("div", *figures, class_="grid"),
            tag("p", f"{left_out} more histograms would not fit", class_="soft") if left_out else None,
        ]
    )


def _sampled(survey: Survey) -> str:
    whole = all(sample.is_whole for sample in survey.first.values.values())
    return "" if whole else "; the 1 %, median and 99 % are of a sample of some tens of thousands"


def _row(f: Field, survey: Survey) -> Html:
    first = survey.first
    n = first.values[f.name].n_seen
    low, _, median, _, high = first.values[f.name].quantiles(*_SHARES)
    outside = survey.second.histograms[f.name].n_outside
    told = f"{outside:,} ({share(outside, n)})" if "range" in f.rules else "no range"
    numbers = (first.lowest[f.name], low, median, high, first.highest[f.name])
    cells = (f"{n:,}", f"{first.n_null[f.name]:,}", told, *(number(v) for v in numbers))
    return tag(
        "tr", tag("th", axis_words(f), scope="row"), *(tag("td", text, class_="num") for text in cells)
    )


def _figure(f: Field, survey: Survey) -> Html:
    axis, histogram = survey.second.plan.axes[f.name], survey.second.histograms[f.name]
    quantiles = survey.first.values[f.name].quantiles(*_SHARES)
    top = max(int(histogram.counts.max()), 1)
    heights = [max(float(n) / top, 0.012) if n else 0.0 for n in histogram.counts]
    marks = [bars(heights, "bar"), *_bounds(f, axis), *_box(quantiles, axis)]
    beyond = [float(at) for at, n in ((0, histogram.n_below), (1, histogram.n_above)) if n]
    marks.append(dots(np.array(beyond), np.full(len(beyond), 0.12)))
    notes = _notes(f, axis, histogram, survey.first.values[f.name].n_seen)
    median = number(quantiles[2])
    middle = f"98 in 100 from {number(quantiles[0])} to {number(quantiles[4])}{unit_words(f.unit)}"
    title = f"Histogram of {f.name}: median {median}, {middle}. {' '.join(words for _, words in notes)}"
    y = [(1.0, f"{top:,}")]
    return tag(
        "figure",
        tag("figcaption", tag("h3", f.name)),
        plot(marks, title, number_ticks(axis.start, axis.end, 5), y, "values", axis_words(f)),
        *(
            tag(
                "p",
                tag("span", class_="key dot") if is_odd else None,
                " " if is_odd else None,
                words,
                class_="soft",
            )
            for is_odd, words in notes
        ),
    )


def _bounds(f: Field, axis: Axis) -> list[Html]:
    found = (f.minimum, f.exclusive_minimum, f.maximum, f.exclusive_maximum)
    places = [(b - axis.start) / (axis.end - axis.start) for b in found if b is not None]
    inside = [at for at in places if 0 <= at <= 1]
    return [uprights(inside, "bound")] if inside else []


def _box(quantiles: list[float], axis: Axis) -> list[Html]:
    """Return the middle half, thick, and the middle 98 %, thin, at the foot of the picture."""
    low, q1, median, q3, high = (
        min(max(1000 * (q - axis.start) / (axis.end - axis.start), 0), 1000) for q in quantiles
    )
    return [
        path(f"M{low:.1f} 97H{high:.1f}", "whisker"),
        path(f"M{q1:.1f} 97H{q3:.1f}", "box"),
        uprights([median / 1000], "whisker", 90, 100),
    ]


def _notes(f: Field, axis: Axis, histogram: Histogram, n: int) -> list[tuple[bool, str]]:
    """Return what is to say about a property: whether it is odd, and the words."""
    notes = []
    if "range" in f.rules:
        n_out = histogram.n_outside
        told = f"{n_out:,} outside ({share(n_out, n)})" if n_out else "none outside"
        notes.append((False, f"Range {range_words(f)}: {told}."))
    for count, side, end in (
        (histogram.n_below, "below", axis.start),
        (histogram.n_above, "above", axis.end),
    ):
        if count:
            notes.append((True, f"{count:,} {side} {number(end)}, beyond the picture."))
    for value, why in axis.suspects.items():
        count = histogram.suspects.get(value, 0)
        far = why.partition(", ")[2]
        notes.append((True, f"{number(value)} comes {count:,} times ({far}): does it stand for no value?"))
    return notes
