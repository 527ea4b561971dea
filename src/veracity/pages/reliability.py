"""Reliability diagrams: of what was said to happen so often, how often did it happen."""

import numpy as np

from veracity.models.forecast import LEVELS
from veracity.models.panel_array import Floats
from veracity.pages.html import Html, tag
from veracity.pages.plot import HEIGHT, WIDTH, dots, path, plot
from veracity.pages.scale import Tick

RELIABILITY_STYLE = """
.rel-mark{stroke:var(--data);stroke-width:9;stroke-linecap:round}
.rel-range{stroke:var(--data);stroke-width:1.8}
.rel .area{height:13rem}
"""
_TICKS: tuple[Tick, ...] = ((0.0, "0 %"), (0.25, "25 %"), (0.5, "50 %"), (0.75, "75 %"), (1.0, "100 %"))
LEAST = 30  #: outcomes below which a share is not drawn


def shares_below(quantiles: Floats, outcomes: Floats) -> Floats:
    """Return (q,) the share of outcomes at or below each quantile: (n, q) quantiles, (n,) outcomes.

    Rows where either is unknown do not count; NaN where none is left.
    """
    known = np.isfinite(quantiles).all(axis=1) & np.isfinite(outcomes)
    if not known.any():
        return np.full(quantiles.shape[1], np.nan)
    below: Floats = (outcomes[known, None] <= quantiles[known]).mean(axis=0)
    return below


def reliability_plot(shares: Floats, n: int, title: str) -> Html:
    """Return the diagram of ``shares_below`` over ``LEVELS`` from ``n`` outcomes.

    Whiskers are two standard errors as if outcomes were independent; those of neighbouring hours are not,
    so that they are somewhat too short.
    """
    level = np.array(LEVELS)
    ideal = path(f"M0 {HEIGHT}L{WIDTH} 0", "bound")
    if n < LEAST or np.isnan(shares).any():
        words = f"Too few outcomes to tell: {n}, want {LEAST}."
        return tag(
            "div", plot([ideal], title, _TICKS, _TICKS, y_name="happened"), tag("p", words), class_="rel"
        )
    error = 2 * np.sqrt(shares * (1 - shares) / n)
    low, high = np.clip(shares - error, 0, 1), np.clip(shares + error, 0, 1)
    whiskers = "".join(
        f"M{WIDTH * a:.1f} {HEIGHT * (1 - b):.1f}V{HEIGHT * (1 - c):.1f}"
        for a, b, c in zip(level, low, high, strict=True)
    )
    marks = [ideal, path(whiskers, "rel-range"), dots(level, shares, "rel-mark")]
    drawn = plot(marks, title, _TICKS, _TICKS, y_name="outcomes at or below", x_name="said to be at or below")
    return tag("div", drawn, class_="rel")
