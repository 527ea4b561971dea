"""What an app says of all its places at one time: ``GET /apps/{app}/layers/{target}``, a layer of a map."""

from datetime import datetime
from typing import Annotated, Any, Literal

import polars as pl
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.decisions import read_decisions
from veracity.home.models.of_system import said_of
from veracity.home.models.overrides import overrides_of
from veracity.models.decisions import OWN
from veracity.server.api.apps import find_app
from veracity.server.api.asking import AppName, AsOf, When, parse_when, rough_now, time_text
from veracity.server.api.decisions import told
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Shape, Time
from veracity.server.api.sharing import CityState
from veracity.server.api.state import MemoryState
from veracity.server.errors import NotThere

MAX_PLACES = 5_000
NOW_STEP_S = 60  #: how exactly now is told, so that all who ask in a minute get one answer

ROUTER = APIRouter(tags=["apps"], route_class=ReadingRoute)


class LayerPlace(Shape):
    """What is said of one place: ``due`` is the time that it is said of, ``rung`` what it was made with.

    ``override`` is what an officer put in its place; ``receipt`` leads to the proof of just this.
    """

    key: str
    due: Time
    horizon_s: int
    record: int
    quantiles: dict[str, float]
    threshold: float | None
    probability: float | None
    action: str | None
    rung: str
    override: str | None
    receipt: str


class Layer(Shape):
    """What one run of an app says of every place, each of the first time after ``at``; else of the last.

    ``state`` is the same for all: nothing here was measured. ``silent`` are places of the app of which the
    run says nothing. ``made_before`` is when the run before was made, by which one can tell that this is old.
    """

    app: str
    target: str
    unit: str
    state: Literal["forecast"]
    at: Time
    as_of: Time | None
    made_at: Time
    made_before: Time | None
    every_s: int
    run: int
    decision: int
    stage: str
    model: str | None
    release: int | None
    simulated: bool
    items: list[LayerPlace]
    silent: list[str]
    is_cut: bool


@ROUTER.get("/apps/{app}/layers/{target}", response_model=Layer)
def show_layer(
    request: Request,
    city: CityState,
    memory: MemoryState,
    app: AppName,
    target: Annotated[str, Path(min_length=1, max_length=64)],
    at: When = None,
    as_of: AsOf = None,
) -> Response:
    """What an app says of all its places at one time, in one answer.

    It is of the last run made at or before ``at`` and ``as_of``. Without ``at`` it is of now; where the run
    says nothing of times after now, as in a city that fell silent, of the time that it was made at.
    """
    wanted, known = parse_when("at", at), parse_when("as_of", as_of)
    until = min((time for time in (wanted, known) if time is not None), default=None)
    now = wanted or known or rough_now(city.clock, NOW_STEP_S)

    def make(home: Home) -> Layer:
        declared = find_app(home, app)
        if target not in declared.targets:
            raise NotThere(f"target: want one of {app}, got {target[:64]!r}")
        made = [(idx, p, parse_time("made_at", str(p["made_at"]))) for idx, p in said_of(home, "decide", app)]
        runs = [one for one in made if until is None or one[2] <= until]
        if not runs:
            raise NotThere(f"layer: want an app that has run by then, got {app} without a run")
        idx, p, made_at = runs[-1]
        rows = read_decisions(home, app, int(p["run"])).with_row_index("record")
        rows = rows.filter(pl.col("model") == OWN, pl.col("target") == target)
        last = rows["due"].max()
        is_silent = wanted is None and known is None and isinstance(last, datetime) and last <= now
        time = made_at if is_silent else now
        found = nearest(rows, time)
        words = _words(home, app, known).get(int(p["run"]), {})
        items = [_place(idx, row, words) for row in found.head(MAX_PLACES).iter_rows(named=True)]
        return Layer(
            app=app,
            target=target,
            unit=declared.targets[target],
            state="forecast",
            at=str(time_text(time)),
            as_of=time_text(known),
            made_at=str(p["made_at"]),
            made_before=time_text(runs[-2][2]) if len(runs) > 1 else None,
            every_s=declared.every_s,
            run=int(p["run"]),
            decision=idx,
            stage=str(p["stage"]),
            model=p["model"],
            release=p["release"],
            simulated=bool(p["simulated"]),
            items=items,
            silent=sorted(declared.attributes.keys() - set(found["key"]))[:MAX_PLACES],
            is_cut=found.height > MAX_PLACES,
        )

    return memory.answer(request, city, make, now, until, known)


def nearest(rows: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return of each key the row that is due first after a time, else the one due last, by key.

    Of several that are due at once, the first by its record.
    """
    rows = rows.sort("due", "record")
    coming = rows.filter(pl.col("due") > at).unique("key", keep="first", maintain_order=True)
    gone = rows.filter(pl.col("due") <= at).join(coming, on="key", how="anti")
    latest = gone.filter(pl.col("due") == pl.col("due").max().over("key"))
    return pl.concat([coming, latest.unique("key", keep="first", maintain_order=True)]).sort("key")


def _words(home: Home, app: str, known: datetime | None) -> dict[int, dict[int, str]]:
    """Return what officers said in place of decisions, as known then."""
    later = [
        idx
        for idx, p in said_of(home, "override", app)
        if known is not None and parse_time("overridden_at", str(p["overridden_at"])) > known
    ]
    return overrides_of(home, app, min(later, default=None))


def _place(idx: int, row: dict[str, Any], words: dict[int, str]) -> LayerPlace:
    return LayerPlace(
        key=row["key"],
        due=str(time_text(row["due"])),
        horizon_s=row["horizon_s"],
        **told(idx, row, words),
    )
