"""The page of one station: a fan for each pollutant, and what was said hour by hour."""

import numpy as np
import polars as pl

from veracity.apps.environment.limits import LIMITS, WARN_FROM, WHO_2021
from veracity.apps.environment.pages.frame import (
    POLLUTANTS,
    UNIT,
    app_page,
    badge,
    data_link,
    local,
    shift_us,
    station_file,
    station_name,
)
from veracity.apps.environment.pages.index import percent
from veracity.apps.environment.pages.spoken import LANGUAGES, category_name, spoken
from veracity.apps.environment.state import State
from veracity.models.app import App
from veracity.models.decisions import OWN, QUANTILES
from veracity.models.view import View
from veracity.pages.document import rows_table
from veracity.pages.fan import Fan, fan_legend, fan_plot
from veracity.pages.html import Html, shown, tag

PAST_H = 72
IN_TABLE_H = (1, 3, 6, 12, 18, 24, 36, 48)


def station_page(app: App, view: View, state: State) -> bytes:
    """Return the page."""
    rows = view.rows.filter(pl.col("model") == OWN, pl.col("key") == state.key)
    return app_page(
        app,
        view,
        f"Station {station_name(app, state.key)}",
        _outlook(state),
        _rungs(app, rows),
        tag("h2", "Measured and forecast"),
        fan_legend(),
        *(_figure(view, state, rows, target) for target in POLLUTANTS),
        data_link(station_file(state.key)),
    )


def own_fan(view: View, key: str, target: str, rows: pl.DataFrame) -> Fan:
    """Return the fan of one pollutant; ``rows`` are the station's own decisions."""
    panel = view.panel.rows(slice(max(0, view.panel.n_times - PAST_H), None))
    at, column = panel.keys.index(key), panel.index(target)
    values = np.where(panel.measured[:, at, column], panel.values[:, at, column], np.nan)
    of_target = rows.filter(pl.col("target") == target).sort("due")
    ahead, guess = of_target.filter(pl.col("horizon_s") > 0), of_target.filter(pl.col("horizon_s") == 0)
    return Fan(
        panel.times_us.astype(np.float64),
        values,
        _times(guess),
        _quantiles(guess),
        _times(ahead),
        _quantiles(ahead),
        int(panel.times_us[-1]),
        _limits(target),
    )


def _limits(target: str) -> list[tuple[float, str]]:
    warning = (LIMITS[target][WARN_FROM - 1], "index above 100: sensitive people are warned")
    who = (WHO_2021[target], "WHO guideline 2021 for a longer mean, for orientation")
    return sorted([who, (LIMITS[target][0], "index above 50"), warning])


def _times(rows: pl.DataFrame) -> "np.typing.NDArray[np.float64]":
    return rows["due"].dt.epoch("us").to_numpy().astype(np.float64)


def _quantiles(rows: pl.DataFrame) -> "np.typing.NDArray[np.float64]":
    out: np.typing.NDArray[np.float64] = rows.select(QUANTILES).to_numpy().astype(np.float64)
    return out


def _outlook(state: State) -> Html:
    place = state.outlook.place
    if place is None:
        return tag("p", "Nothing is known of the next 24 hours here.", class_="verdict no")
    head = tag("p", "Be ready in the next 24 hours for: ", badge(place), class_="verdict")
    columns = [
        tag("div", tag("h3", f"{name}: {category_name(place, lang)}"), spoken(place, lang), lang=lang)
        for lang, name in LANGUAGES.items()
    ]
    return tag("section", head, tag("div", *columns, class_="advice"))


def _rungs(app: App, rows: pl.DataFrame) -> Html | None:
    used = set(rows["rung"].to_list())
    rungs = [r for r in app.ladder if r.name in used]
    items = [tag("li", tag("code", r.name), ": ", r.words["en"]) for r in rungs]
    return tag("section", tag("p", "What these figures stand on:"), tag("ul", *items)) if items else None


def _figure(view: View, state: State, rows: pl.DataFrame, target: str) -> Html:
    fan = own_fan(view, state.key, target, rows)
    title = f"{POLLUTANTS[target]} at {shown(state.key)}: measured, and forecast for 48 hours"
    return tag(
        "figure",
        tag("h3", POLLUTANTS[target]),
        fan_plot(fan, title, UNIT, shift_us(view)),
        _table(view, rows.filter(pl.col("target") == target), target),
    )


def _table(view: View, rows: pl.DataFrame, target: str) -> Html:
    heads = ("for", "middle", "80 % range", "95 % range", "chance index > 100", "from")
    wanted = rows.filter(pl.col("horizon_s").is_in([0, *(h * 3600 for h in IN_TABLE_H)])).sort("due")
    cells = [_cells(view, row) for row in wanted.iter_rows(named=True)]
    return rows_table(
        f"{POLLUTANTS[target]}, {UNIT}, means of the hour that ends then", heads, cells, words=(0, 5)
    )


def _cells(view: View, row: dict[str, object]) -> tuple[Html | str, ...]:
    when = local(view, row["due"])  # type: ignore[arg-type]  # a row of decisions.SCHEMA
    if row["q50"] is None:
        return (when, "not known", "", "", "", str(row["rung"]))

    def q(name: str) -> str:
        return f"{float(row[name]):.1f}"  # type: ignore[arg-type]  # as above

    chance = row["probability"]
    said = percent(chance) if isinstance(chance, float) else ""
    return (
        when,
        q("q50"),
        f"{q('q10')} to {q('q90')}",
        f"{q('q025')} to {q('q975')}",
        said,
        str(row["rung"]),
    )
