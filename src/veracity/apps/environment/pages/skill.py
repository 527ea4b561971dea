"""The page of how right it was: errors beside the baselines', and whether its ranges and chances hold."""

import numpy as np
import polars as pl

from veracity.apps.environment.baselines import CLIMATOLOGY, LAST, SEASONAL
from veracity.apps.environment.ladder import MODEL
from veracity.apps.environment.pages.frame import POLLUTANTS, UNIT, app_page, data_link
from veracity.models.app import App
from veracity.models.decisions import OWN, QUANTILES
from veracity.models.scoreboard import summary
from veracity.models.view import View
from veracity.pages.document import rows_table
from veracity.pages.errors_by_horizon import Curve, errors_plot
from veracity.pages.html import Html, joined, tag
from veracity.pages.reliability import reliability_plot, shares_below

SHOWN_H = (1, 3, 6, 12, 24, 48)
NAMES = {OWN: "this system", LAST: "last value", SEASONAL: "day before", CLIMATOLOGY: "usual"}
GROUPS = ((1, 6, "1 to 6 hours ahead"), (7, 24, "7 to 24 hours ahead"), (25, 48, "25 to 48 hours ahead"))


def skill_page(app: App, view: View) -> bytes:
    """Return the page."""
    return app_page(
        app,
        view,
        "How right the forecasts were",
        tag(
            "p",
            "Every forecast was logged before its outcome was known, with what three simple rules would have"
            " said. Later readings are set against them. Nobody can take a bad day out.",
        ),
        tag(
            "p",
            "“Last value”: the air stays as it is. “Day before”: the same hour of the day before. “Usual”:"
            " what was measured at that hour in the last weeks.",
            class_="soft",
        ),
        tag("p", "No forecast has been scored yet.", class_="verdict") if view.lines.is_empty() else None,
        tag("h2", "How far off?"),
        *(_errors(view, target) for target in POLLUTANTS),
        tag("h2", "Do the ranges hold?"),
        tag(
            "p",
            "Of all outcomes, a tenth should lie at or below what was said to be passed nine times in ten,"
            " and so on: dots on the dashed line. Dots below it on the right, above it on the left: too"
            " sure.",
        ),
        *(_reliability(view, target) for target in POLLUTANTS),
        data_link("skill"),
    )


def scores(view: View) -> pl.DataFrame:
    """Return scores by pollutant, hours ahead and model; without any, no rows."""
    if view.lines.is_empty():
        return pl.DataFrame()
    ahead = view.lines.filter(pl.col("horizon_s") > 0, pl.col("model").is_in(list(NAMES)))
    return summary(ahead, ["target", "horizon_s"])


def outcomes_of(view: View, target: str, first_h: int, last_h: int) -> tuple[pl.DataFrame, int]:
    """Return the model's own decisions of some hours ahead whose outcome came, and how many there are."""
    rows = view.outcomes.filter(
        pl.col("model") == OWN,
        pl.col("target") == target,
        pl.col("rung") == MODEL,
        pl.col("horizon_s").is_between(first_h * 3600, last_h * 3600),
        pl.col("value").is_not_null(),
        pl.col("q50").is_not_null(),
    )
    return rows, rows.height


def _errors(view: View, target: str) -> Html | None:
    found = scores(view)
    if found.is_empty():
        return None
    of_target = found.filter(pl.col("target") == target).sort("horizon_s")
    curves = [_curve(of_target, model) for model in NAMES]
    title = f"{POLLUTANTS[target]}: mean absolute error by hours ahead, {UNIT}"
    cells = [
        _cells(of_target, h)
        for h in SHOWN_H
        if not of_target.filter(pl.col("horizon_s") == h * 3600).is_empty()
    ]
    heads = ("hours ahead", "outcomes", *NAMES.values(), "80 % range held", "95 % held")
    return tag(
        "figure",
        tag("h3", POLLUTANTS[target]),
        errors_plot([c for c in curves if len(c.hours)], title, UNIT),
        rows_table(f"{title}; lower is better", heads, cells),
    )


def _curve(found: pl.DataFrame, model: str) -> Curve:
    own = found.filter(pl.col("model") == model, pl.col("mae").is_not_null())
    return Curve(NAMES[model], own["horizon_s"].to_numpy() / 3600, own["mae"].to_numpy(), is_own=model == OWN)


def _cells(found: pl.DataFrame, hours: int) -> tuple[Html | str, ...]:
    at = {r["model"]: r for r in found.filter(pl.col("horizon_s") == hours * 3600).iter_rows(named=True)}
    errors = ["" if m not in at or at[m]["mae"] is None else f"{at[m]['mae']:.2f}" for m in NAMES]
    own = at.get(OWN, {})
    held = ["" if own.get(c) is None else f"{100 * own[c]:.1f} %" for c in ("coverage80", "coverage95")]
    return (f"{hours} h", f"{own.get('n_quantiles', 0):,}", *errors, *held)


def _reliability(view: View, target: str) -> Html:
    drawn = [_diagram(view, target, *group) for group in GROUPS]
    return joined([tag("h3", POLLUTANTS[target]), tag("div", *drawn, class_="grid")])


def _diagram(view: View, target: str, first_h: int, last_h: int, words: str) -> Html:
    rows, n = outcomes_of(view, target, first_h, last_h)
    shares = shares_below(_matrix(rows), rows["value"].to_numpy().astype(np.float64))
    title = f"{POLLUTANTS[target]}, {words}: share of {n:,} outcomes at or below each quantile"
    return tag("figure", tag("figcaption", f"{words}, {n:,} outcomes"), reliability_plot(shares, n, title))


def _matrix(rows: pl.DataFrame) -> "np.typing.NDArray[np.float64]":
    out: np.typing.NDArray[np.float64] = rows.select(QUANTILES).to_numpy().astype(np.float64)
    return out
