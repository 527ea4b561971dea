"""What apps decided: ``GET /apps/{app}/decisions`` and ``/apps/{app}/forecasts``."""

from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.decisions import read_decisions
from veracity.home.models.of_system import said_of
from veracity.home.models.overrides import overrides_of
from veracity.models.decisions import OWN, QUANTILES
from veracity.models.forecast import LEVELS
from veracity.server.api.apps import find_app
from veracity.server.api.asking import (
    AppName,
    AsOf,
    Cursor1,
    Key,
    Limit,
    When,
    format_cursor,
    parse_cursor,
    parse_when,
    time_text,
)
from veracity.server.api.outcomes import outcomes_of_run
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Page, Shape, Time, next_url
from veracity.server.api.sharing import CityState
from veracity.server.api.state import MemoryState
from veracity.server.errors import NotThere

MAX_ROWS = 2_000  #: of one place in one run

ROUTER = APIRouter(tags=["apps"], route_class=ReadingRoute)


class DecisionRow(Shape):
    """One thing said. ``quantiles`` by level; ``override`` is what an officer put in its place."""

    record: int
    target: str
    key: str
    issued: Time
    due: Time
    horizon_s: int
    quantiles: dict[str, float]
    threshold: float | None
    probability: float | None
    action: str | None
    rung: str
    override: str | None
    receipt: str


class Run(Shape):
    """One run of an app, as the log has it. ``rows`` of one place, where one is asked for."""

    entry: int
    run: int
    made_at: Time
    model: str | None
    release: int | None
    stage: str
    n_rows: int
    rungs: dict[str, int]
    n_overrides: int
    simulated: bool
    receipt: str
    rows: list[DecisionRow] | None = None


class ForecastPoint(Shape):
    """What was said of one time, and what came: null while it is not known, or never came."""

    at: Time
    record: int
    quantiles: dict[str, float]
    threshold: float | None
    probability: float | None
    action: str | None
    rung: str
    outcome: float | None
    override: str | None
    receipt: str


class Forecast(Shape):
    """A forecast of one target at one place, from one run. ``origins`` are the last runs there are."""

    app: str
    key: str
    target: str
    unit: str
    origin: Time
    made_at: Time
    run: int
    decision: int
    receipt: str
    stage: str
    model: str | None
    release: int | None
    simulated: bool
    keys: list[str]
    targets: list[str]
    origins: list[Time]
    points: list[ForecastPoint]


@ROUTER.get("/apps/{app}/decisions", response_model=Page[Run], response_model_exclude_unset=False)
def list_decisions(
    request: Request,
    city: CityState,
    memory: MemoryState,
    app: AppName,
    key: Key = None,
    as_of: AsOf = None,
    limit: Limit = 50,
    cursor: Cursor1 = None,
) -> Response:
    """Runs of an app, newest first; of one place with what was said of it (at most 50 runs a page then)."""
    known, before = parse_when("as_of", as_of), parse_cursor(cursor, 1)
    n_runs = limit if key is None else min(limit, 50)

    def make(home: Home) -> Page[Run]:
        find_app(home, app)
        said = said_of(home, "decide", app)
        if known is not None:
            said = [one for one in said if parse_time("made_at", str(one[1]["made_at"])) <= known]
        if before is not None:
            said = [one for one in said if int(one[1]["run"]) < before[0]]
        page = said[::-1][:n_runs]
        words = overrides_of(home, app)
        items = [_run(home, idx, p, key, words.get(int(p["run"]), {})) for idx, p in page]
        goes_on = format_cursor(items[-1].run) if len(said) > n_runs else None
        return Page[Run](items=items, next=next_url(request, goes_on))

    return memory.answer(request, city, make)


@ROUTER.get("/apps/{app}/forecasts", response_model=Forecast)
def show_forecast(
    request: Request,
    city: CityState,
    memory: MemoryState,
    app: AppName,
    key: Key = None,
    target: Annotated[str | None, Query(max_length=64)] = None,
    origin: When = None,
) -> Response:
    """A forecast with its intervals and what came; by default the newest, of the first place and target.

    ``origin``: of the last run made at or before this time.
    """
    until = parse_when("origin", origin)

    def make(home: Home) -> Forecast:
        declared = find_app(home, app)
        if target is not None and target not in declared.targets:
            raise NotThere(f"target: want one of {app}, got {target[:64]!r}")
        said = said_of(home, "decide", app)
        runs = [
            (idx, p) for idx, p in said if until is None or parse_time("made_at", str(p["made_at"])) <= until
        ]
        if not runs:
            raise NotThere(f"forecast: want an app that has run by then, got {app} without a run")
        idx, p = runs[-1]
        run = int(p["run"])
        rows = read_decisions(home, app, run).with_row_index("record").filter(pl.col("model") == OWN)
        wanted_target = target or next(iter(declared.targets))
        keys = rows["key"].unique().sort().to_list()
        wanted_key = key if key is not None else (keys[0] if keys else "")
        if wanted_key not in keys:
            raise NotThere(f"key: want a place that run {run} speaks of, got {wanted_key[:64]!r}")
        rows = rows.filter(pl.col("key") == wanted_key, pl.col("target") == wanted_target).sort(
            "due", "record"
        )
        values = outcomes_of_run(home, app, idx, run)
        words = overrides_of(home, app).get(run, {})
        points = [_point(idx, r, values, words) for r in rows.head(MAX_ROWS).iter_rows(named=True)]
        return Forecast(
            app=app,
            key=wanted_key,
            target=wanted_target,
            unit=declared.targets[wanted_target],
            origin=str(time_text(rows["issued"].min())) if rows.height else str(p["made_at"]),  # type: ignore[arg-type]
            made_at=str(p["made_at"]),
            run=run,
            decision=idx,
            receipt=receipt_of(idx, points[0].record if points else 0),
            stage=str(p["stage"]),
            model=p["model"],
            release=p["release"],
            simulated=bool(p["simulated"]),
            keys=keys,
            targets=list(declared.targets),
            origins=[str(q["made_at"]) for _, q in said[-50:]],
            points=points,
        )

    return memory.answer(request, city, make)


def receipt_of(idx: int, record: int) -> str:
    """Return where the receipt is of a record of the run that a log entry says."""
    return f"/receipts/decisions/{idx}?record={record}"


def _run(home: Home, idx: int, p: dict[str, Any], key: str | None, words: dict[int, str]) -> Run:
    rows = None
    if key is not None:
        found = read_decisions(home, str(p["system"]), int(p["run"])).with_row_index("record")
        mine = found.filter(pl.col("model") == OWN, pl.col("key") == key).sort("target", "due", "record")
        rows = [_row(idx, r, words) for r in mine.head(MAX_ROWS).iter_rows(named=True)]
    return Run(
        entry=idx,
        run=int(p["run"]),
        made_at=str(p["made_at"]),
        model=p["model"],
        release=p["release"],
        stage=str(p["stage"]),
        n_rows=int(p["output"]["rows"]),
        rungs={str(n): int(v) for n, v in p["rungs"].items()},
        n_overrides=len(words),
        simulated=bool(p["simulated"]),
        receipt=receipt_of(idx, 0),
        rows=rows,
    )


def _row(idx: int, r: dict[str, Any], words: dict[int, str]) -> DecisionRow:
    return DecisionRow(
        target=r["target"],
        key=r["key"],
        issued=str(time_text(r["issued"])),
        due=str(time_text(r["due"])),
        horizon_s=r["horizon_s"],
        **told(idx, r, words),
    )


def _point(idx: int, r: dict[str, Any], values: dict[int, float], words: dict[int, str]) -> ForecastPoint:
    return ForecastPoint(
        at=str(time_text(r["due"])),
        outcome=values.get(r["record"]),
        **told(idx, r, words),
    )


def told(idx: int, r: dict[str, Any], words: dict[int, str]) -> dict[str, Any]:
    """Return what one decision of a run says, by the names that every answer has for it.

    Parameters
    ----------
    idx
        The run's place in the log.
    words
        What officers said in place of its decisions, by record.
    """
    return {
        "record": r["record"],
        "quantiles": _quantiles(r),
        "threshold": r["threshold"],
        "probability": r["probability"],
        "action": r["action"],
        "rung": r["rung"],
        "override": words.get(r["record"]),
        "receipt": receipt_of(idx, r["record"]),
    }


def _quantiles(r: dict[str, Any]) -> dict[str, float]:
    """Return what is said by level: ``{"0.1": …}``; empty where only a chance or an action is said."""
    named = zip(LEVELS, QUANTILES, strict=True)
    return {f"{level:g}": r[name] for level, name in named if r[name] is not None}
