"""Pictures of an assurance report: reliability, skill and coverage, each with its intervals."""

from collections.abc import Sequence

import numpy as np

from veracity.models.assurance.judging import Result
from veracity.models.assurance.report import Report
from veracity.models.assurance.result import Number
from veracity.models.panel_array import Floats
from veracity.pages.html import Html, joined, tag
from veracity.pages.plot import HEIGHT, WIDTH, dots, legend, path, plot
from veracity.pages.scale import Tick

_MOST = 16  # marks in one plot
_FIGURES = 24
_ROOM = 36  # characters below a plot


def pictures(report: Report) -> Html:
    """Return the pictures that a report has numbers for, target by target."""
    by_name = {r.name: r for r in report.results}
    figures: list[Html] = []
    for target in targets_of(report):
        figures += [f for f in _of_target(by_name, target) if f is not None]
    if not figures:
        return tag("p", "There is nothing to draw.")
    key = legend([("dot", "the estimate"), ("up", "its confidence interval"), ("dash", "what should be")])
    return joined([key, tag("div", *figures[:_FIGURES], class_="grid")])


def targets_of(report: Report) -> list[str]:
    """Return the targets that any number is of; one empty for a report on none."""
    found = {n.of.get("target", "") for r in report.results for n in r.numbers}
    return sorted(found - {""}) or [""]


def _of_target(by_name: dict[str, Result], target: str) -> list[Html | None]:
    def numbers(test: str, name: str, label: str) -> list[Number]:
        result = by_name.get(test)
        found = result.numbers if result else ()
        return [n for n in found if n.name == name and label in n.of and n.of.get("target", "") == target]

    of = f" of {target}" if target else ""
    observed = numbers("reliability", "observed", "level") or numbers(
        "classifier-calibration", "observed", "said"
    )
    shares = numbers("sensor-dropout", "coverage80", "fault") + numbers("data-delayed", "coverage80", "fault")
    return [
        _reliability(observed, f"Reliability{of}: outcomes at or below each level, over the level"),
        _marks(numbers("skill-by-horizon", "skill", "horizon"), "horizon", f"Skill{of} by horizon", (0.0,)),
        _marks(
            numbers("coverage", "coverage80", "horizon"), "horizon", f"Coverage{of}, 80 % interval", (0.8,)
        ),
        _marks(
            numbers("coverage", "coverage95", "horizon"), "horizon", f"Coverage{of}, 95 % interval", (0.95,)
        ),
        _marks(
            numbers("skill-by-district", "skill", "district"), "district", f"Skill{of} by district", (0.0,)
        ),
        _marks(
            numbers("fair-skill", "lacks", "district"), "district", f"Skill{of} that a district lacks", (0.0,)
        ),
        _marks(numbers("fair-skill", "lacks", "group"), "group", f"Skill{of} that a group lacks", (0.0,)),
        _marks(shares, "fault", f"Coverage{of} with sensors gone or late, 80 % interval", (0.8,)),
        _marks(
            numbers("controller-safe-set", "unsafe", "fault"), "fault", "Steps out of the safe set", (0.0,)
        ),
        _marks(
            numbers("classifier-thresholds", "misses", "threshold"), "threshold", "Misses by threshold", ()
        ),
    ]


def _reliability(observed: Sequence[Number], title: str) -> Html | None:
    """Return a reliability diagram; the diagonal is what should be."""
    if not observed:
        return None
    x = np.array([_level(n) for n in observed])
    y = np.array([n.value for n in observed])
    diagonal = path(f"M0 {HEIGHT}L{WIDTH} 0", "bound")
    whiskers = _whiskers(x, observed, 0.0, 1.0)
    ticks: list[Tick] = [(v, f"{v:g}") for v in (0.0, 0.5, 1.0)]
    drawn = plot([diagonal, whiskers, dots(x, y)], title, ticks, ticks, "came true", "said")
    return _figure(title, drawn)


def _level(n: Number) -> float:
    said = n.of.get("level") or n.of["said"]
    parts = [float(p) for p in said.split(" to ")]
    return sum(parts) / len(parts)


def _marks(numbers: Sequence[Number], label: str, title: str, should: Sequence[float]) -> Html | None:
    """Return estimates side by side, each with its interval; dashed lines at what should be."""
    if not numbers:
        return None
    step = -(-len(numbers) // _MOST)
    told = numbers[::step]
    ends = [v for n in told for v in (n.value, n.low, n.high) if v is not None and np.isfinite(v)]
    low, high = min(*ends, *should), max(*ends, *should)
    room = (high - low) or 1.0
    low, high = low - 0.1 * room, high + 0.1 * room
    x = (np.arange(len(told)) + 0.5) / len(told)
    y = (np.array([n.value for n in told]) - low) / (high - low)
    lines = [_level_line((v - low) / (high - low)) for v in should]
    names = [n.of[label] for n in told]
    few = max(1, -(-len(told) // max(1, _ROOM // max(map(len, names)))))
    x_ticks: list[Tick] = [(float(x[i]), names[i]) for i in range(0, len(told), few)]
    y_ticks = _apart([((v - low) / (high - low), f"{v:.3g}") for v in (*should, min(ends), max(ends))])
    return _figure(title, plot([*lines, _whiskers(x, told, low, high), dots(x, y)], title, x_ticks, y_ticks))


def _apart(ticks: Sequence[Tick]) -> list[Tick]:
    """Return the ticks that do not stand in the way of one before."""
    kept: list[Tick] = []
    for tick in ticks:
        if all(abs(tick[0] - other[0]) > 0.15 for other in kept):
            kept.append(tick)
    return kept


def _level_line(at: float) -> Html:
    return path(f"M0 {HEIGHT * (1 - at):.1f}h{WIDTH}", "bound")


def _whiskers(x: Floats, numbers: Sequence[Number], low: float, high: float) -> Html:
    data = []
    for at, n in zip(x, numbers, strict=True):
        if n.low is not None and n.high is not None:
            ends = [HEIGHT * (1 - min(max((v - low) / (high - low), 0.0), 1.0)) for v in (n.low, n.high)]
            data.append(f"M{WIDTH * at:.1f} {ends[0]:.1f}V{ends[1]:.1f}")
    return path("".join(data), "edge")


def _figure(title: str, drawn: Html) -> Html:
    return tag("figure", tag("h3", title), drawn)
