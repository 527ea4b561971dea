"""Errors by how far ahead a forecast looks: one line a model, told apart by their dashes."""

from collections.abc import Sequence
from dataclasses import dataclass

from veracity.models.panel_array import Floats
from veracity.pages.html import Html, tag
from veracity.pages.plot import HEIGHT, WIDTH, legend, path, plot
from veracity.pages.scale import number_ticks

ERRORS_STYLE = """
.err-0{stroke:var(--data);stroke-width:3}
.err-1{stroke:var(--mark);stroke-width:1.6;stroke-dasharray:8 4}
.err-2{stroke:var(--bad);stroke-width:1.6;stroke-dasharray:3 3}
.err-3{stroke:var(--gap);stroke-width:1.6;stroke-dasharray:10 3 2 3}
.key.err-0,.key.err-1,.key.err-2,.key.err-3{height:0;width:1.9em;vertical-align:.25em;background:none}
.key.err-0{border-bottom:4px solid var(--data)}.key.err-1{border-bottom:2px dashed var(--mark)}
.key.err-2{border-bottom:2px dotted var(--bad)}.key.err-3{border-bottom:3px double var(--gap)}
"""


@dataclass(frozen=True)
class Curve:
    """One model's mean absolute errors: (h,) hours ahead, ascending, and (h,) errors."""

    name: str
    hours: Floats
    errors: Floats
    is_own: bool = False


def errors_plot(curves: Sequence[Curve], title: str, unit: str, x_name: str = "hours ahead") -> Html:
    """Return the picture of up to four curves; the system's own is the thick one."""
    if not curves:
        return tag("p", "Nothing is scored yet.")
    last = max(float(c.hours.max()) for c in curves)
    top = max(float(c.errors.max()) for c in curves) * 1.08 or 1.0
    classes = _classes(curves)
    marks = [_line(c, last, top, class_) for c, class_ in zip(curves, classes, strict=True)]
    x_ticks = [(h / last, f"{h} h") for h in (1, 6, 12, 24, 36, 48) if h <= last]
    drawn = plot(marks, title, x_ticks, number_ticks(0, top), y_name=unit, x_name=x_name)
    return tag("div", drawn, legend(zip(classes, (c.name for c in curves), strict=True)))


def _classes(curves: Sequence[Curve]) -> list[str]:
    others = iter(range(1, 4))
    return ["err-0" if c.is_own else f"err-{next(others, 3)}" for c in curves]


def _line(curve: Curve, last: float, top: float, class_: str) -> Html:
    points = [
        f"{WIDTH * h / last:.1f} {HEIGHT * (1 - min(e / top, 1.0)):.1f}"
        for h, e in zip(curve.hours, curve.errors, strict=True)
    ]
    return path("M" + "L".join(points), class_)
