"""The scoreboard as a page: errors by horizon beside baselines, coverage over days, and all in tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from veracity.data.rules.language import unit_symbol
from veracity.models.decision_rows import OVERRIDDEN, OVERRIDE
from veracity.models.decisions import OWN
from veracity.models.scoreboard import key_horizons
from veracity.pages.document import document
from veracity.pages.errors_by_horizon import ERRORS_STYLE, Curve, errors_plot
from veracity.pages.html import Html, joined, shown, tag
from veracity.pages.plot import HEIGHT, WIDTH, dots, legend, path, plot
from veracity.pages.scale import Tick, number, span
from veracity.pages.score_words import model_name, score_cell, share_cell

MOST_ROWS = 200
_SHARES: tuple[Tick, ...] = ((0.0, "0 %"), (0.5, "50 %"), (0.8, "80 %"), (0.95, "95 %"))
_HEADS = (
    *("n", "missing", "MAE", "RMSE", "bias", "CRPS", "in 80 %", "in 95 %"),
    *("Brier", "POD", "FAR", "lead", "cost", "skill"),
)


@dataclass(frozen=True)
class Board:
    """What a scoreboard shows.

    Attributes
    ----------
    system, title
        The name, and the one for people.
    units
        Of each target (UCUM).
    by_horizon, by_day, by_rung
        Summaries by ``target`` and ``horizon_s``, ``day``, ``rung``; see ``models.scoreboard.summary``.
    contradictions
        Rows of ``models.matching.OUTCOMES``: outcomes measured again otherwise.
    n_scorings, until, entry
        How many scorings there are, up to when, and the last one's place in the log; None for none.
    missing, repeated
        Decisions whose outcome never came; outcomes that came again, the same.
    """

    system: str
    title: str
    units: Mapping[str, str]
    simulated: bool
    by_horizon: pl.DataFrame
    by_day: pl.DataFrame
    by_rung: pl.DataFrame
    contradictions: pl.DataFrame
    n_scorings: int
    until: str | None
    entry: int | None
    missing: int
    repeated: int


def scoreboard_page(board: Board) -> bytes:
    """Return the page as UTF-8: no script, nothing to load. The same board gives the same bytes."""
    title = f"Scoreboard of {shown(board.title)}"
    targets = board.by_horizon["target"].unique().sort().to_list()
    body = [tag("h1", title), _head(board), *(_target(board, str(t)) for t in targets)]
    return document(title, *body, _rungs(board), _contradictions(board), style=ERRORS_STYLE)


def _head(board: Board) -> Html:
    if board.until is None:
        facts: list[Html | str | None] = [tag("p", "Nothing is scored yet.")]
    else:
        facts = [
            tag(
                "p",
                f"{board.n_scorings:,} scorings up to {board.until}, the last at log entry {board.entry}.",
            ),
            tag(
                "p",
                f"{board.missing:,} decisions whose outcome never came; {board.repeated:,} outcomes came"
                f" again, the same; {board.contradictions.height:,} came again otherwise.",
            ),
        ]
    rule = (
        "Every decision was logged before its outcome was known and is scored once. A line that was added to"
        " this board is never taken off it."
    )
    mark = tag("p", tag("span", "SIMULATED", class_="sim")) if board.simulated else None
    return joined([mark, *facts, tag("p", rule, class_="soft")])


def _target(board: Board, target: str) -> Html:
    unit = unit_symbol(board.units.get(target, ""))
    of_target = board.by_horizon.filter(pl.col("target") == target)
    name = shown(target)
    parts = [
        tag("h2", f"{name}, {unit}" if unit else name),
        tag("h3", "Mean absolute error by horizon"),
        errors_plot(_curves(of_target), f"Mean absolute error of {name} by horizon", unit),
        tag("h3", "Share of outcomes inside the intervals, day by day"),
        _coverage(board.by_day.filter(pl.col("target") == target, pl.col("model") == OWN), name),
        _table(f"Scores of {name} by horizon", key_horizons(of_target), "horizon_s", "horizon"),
    ]
    return tag("section", *parts)


def _curves(rows: pl.DataFrame) -> list[Curve]:
    """Return the system's curve and those of the three baselines with the least error."""
    known = rows.filter(pl.col("mae").is_not_null(), ~pl.col("model").is_in([OVERRIDE, OVERRIDDEN]))
    mean = known.group_by("model").agg(pl.col("mae").mean()).sort("mae", "model")
    named = [OWN, *(m for m in mean["model"] if m != OWN)][:4]
    curves = []
    for model in named:
        one = known.filter(pl.col("model") == model).sort("horizon_s")
        hours = one["horizon_s"].to_numpy() / 3600
        if len(hours):
            curves.append(Curve(model_name(model), hours, one["mae"].to_numpy(), is_own=model == OWN))
    return curves


def _coverage(days: pl.DataFrame, name: str) -> Html:
    known = days.filter(pl.col("coverage80").is_not_null()).sort("day")
    if known.is_empty():
        return tag("p", "No intervals are scored yet.")
    first, last = known["day"][0], known["day"][-1]
    x = known["day"].to_physical().to_numpy().astype(np.float64)
    x = (x - x[0]) / max(x[-1] - x[0], 1.0)
    marks = [path(f"M0 {HEIGHT * (1 - level):.1f}H{WIDTH}", "bound") for level in (0.8, 0.95)]
    for column, class_ in (("coverage80", "err-0"), ("coverage95", "err-2")):
        y = known[column].to_numpy()
        points = [f"{WIDTH * a:.1f} {HEIGHT * (1 - b):.1f}" for a, b in zip(x, y, strict=True)]
        marks.append(path("M" + "L".join(points), class_) if len(points) > 1 else dots(x, y, "points"))
    title = f"Share of outcomes of {name} inside the 80 and 95 % intervals, by day"
    ends: list[Tick] = [(0.0, str(first))] if first == last else [(0.0, str(first)), (1.0, str(last))]
    key = legend((("err-0", "inside 80 %"), ("err-2", "inside 95 %"), ("dash", "as promised")))
    return tag("div", plot(marks, title, ends, _SHARES), key)


def _table(caption: str, rows: pl.DataFrame, column: str, head: str) -> Html:
    heads = (head, "model", *_HEADS)
    body = [_row(r, column) for r in rows.sort(column, "model").head(MOST_ROWS).iter_rows(named=True)]
    top = tag(
        "tr", *(tag("th", h, scope="col", class_=None if i < 2 else "num") for i, h in enumerate(heads))
    )
    table = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *body))
    return tag("div", table, class_="wide", tabindex="0", role="region", aria_label=caption)


def _row(row: Mapping[str, object], column: str) -> Html:
    value = row[column]
    first = span(float(value)) if column == "horizon_s" and isinstance(value, int) else shown(str(value))
    cells = [
        _count(row["n"]),
        _count(row["n_missing"]),
        *(score_cell(row[n]) for n in ("mae", "rmse", "bias", "crps")),
        *(share_cell(row[n]) for n in ("coverage80", "coverage95")),
        score_cell(row["brier"]),
        *(share_cell(row[n]) for n in ("pod", "far")),
        "–" if row["lead_s"] is None else span(float(str(row["lead_s"]))),
        score_cell(row["cost"]),
        share_cell(row["skill_mae"]),
    ]
    return tag(
        "tr",
        tag("th", first, scope="row"),
        tag("td", model_name(str(row["model"]))),
        *(tag("td", cell, class_="num") for cell in cells),
    )


def _rungs(board: Board) -> Html:
    rows = board.by_rung.filter(pl.col("model") == OWN)
    if rows.is_empty():
        return joined([])
    words = "Where something is missing, a fallback serves; each is scored like the rest."
    parts = [
        tag(
            "section",
            tag("h3", shown(str(t))),
            _table(f"Scores of {shown(str(t))} by rung", one, "rung", "rung"),
        )
        for (t,), one in sorted(
            rows.partition_by("target", as_dict=True).items(), key=lambda item: str(item[0])
        )
    ]
    return tag("section", tag("h2", "By rung of the ladder"), tag("p", words), *parts)


def _contradictions(board: Board) -> Html:
    rows = board.contradictions
    if rows.is_empty():
        return joined([])
    rule = (
        "An outcome that was scored and is then measured otherwise: the first counts, the other is kept here."
    )
    heads = ("target", "place", "time", "counts", "measured later")
    top = tag("tr", *(tag("th", h, scope="col") for h in heads))
    body = [
        tag("tr", *(tag("td", shown(cell)) for cell in _contradiction(r)))
        for r in rows.tail(MOST_ROWS).iter_rows(named=True)
    ]
    left = rows.height - MOST_ROWS
    more = tag("p", f"The last {MOST_ROWS}; {left:,} before them are in the files.") if left > 0 else None
    table = tag("table", tag("thead", top), tag("tbody", *body))
    return tag(
        "section", tag("h2", "Contradicted outcomes"), tag("p", rule), tag("div", table, class_="wide"), more
    )


def _contradiction(row: Mapping[str, object]) -> Sequence[str]:
    return (
        str(row["target"]),
        str(row["key"]),
        str(row["due"])[:16],
        number(float(str(row["first"]))),
        number(float(str(row["value"]))),
    )


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "–"
