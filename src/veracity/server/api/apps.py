"""City applications: ``GET /apps``, ``/apps/{app}``, and their scoreboards."""

from typing import Annotated, Any, Literal

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity import apps
from veracity.data.panel_definition import parse_panel
from veracity.errors import VeracityError
from veracity.home.home import Home
from veracity.home.models.places import placed
from veracity.home.models.register import entry
from veracity.home.models.scoreboard import scoreboard
from veracity.home.models.stages import in_force
from veracity.home.panels import is_any_simulated
from veracity.models.app import App
from veracity.server.answers import json_answer
from veracity.server.api.asking import AppName, rough_now
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Page, Shape, Words, shaped
from veracity.server.api.sharing import CityState
from veracity.server.api.state import MemoryState
from veracity.server.errors import NotThere

ROUTER = APIRouter(tags=["apps"], route_class=ReadingRoute)
BY = {
    "horizon": ["target", "horizon_s"],
    "place": ["target", "key"],
    "day": ["target", "day"],
    "all": ["target"],
}


class RungShape(Shape):
    """A rung of the ladder of fallbacks, and what people are told while it serves."""

    name: str
    words: Words


class AppShape(Shape):
    """An app. ``stage`` is where it stands, null while nothing serves; ``furthest`` as far as it may go."""

    app: str
    title: Words
    description: Words
    affected: Words
    appeal: Words
    owner: str
    risk: str
    risk_why: str
    stage: Literal["shadow", "advise", "act"] | None
    furthest: Literal["shadow", "advise", "act"]
    release: int | None
    model: str | None
    targets: dict[str, str]
    horizons: list[int]
    every_s: int
    feeds: list[str]
    keys: list[str]
    ladder: list[RungShape]
    simulated: bool


class ScoreLine(Shape):
    """How a model, or a baseline beside it, scored. ``day`` is of the outcome (UTC)."""

    model: str
    target: str
    key: str | None
    horizon_s: int | None
    day: str | None
    n: int
    n_missing: int
    mae: float | None
    rmse: float | None
    bias: float | None
    crps: float | None
    coverage80: float | None
    coverage95: float | None
    brier: float | None
    pod: float | None
    far: float | None
    lead_s: float | None
    best: str | None
    skill_mae: float | None
    skill_crps: float | None


def find_app(home: Home, name: str) -> App:
    """Return an app at the places of this city; ``NotThere`` if it is not installed."""
    if name not in apps.names():
        raise NotThere(f"app: want one that is installed, got {name!r}")
    return placed(home, apps.find(name))


@ROUTER.get("/apps", response_model=Page[AppShape])
def list_apps(request: Request, city: CityState, memory: MemoryState) -> Response:
    """Every app that is installed and whose feeds this city has, or that ever ran here."""

    def make(home: Home) -> Page[AppShape]:
        feeds = set(home.feed_names())
        ran = {str(p["system"]) for _, p in home.index.predicates("decide")}
        found = []
        for name in apps.names():
            try:
                app = find_app(home, name)
            except VeracityError:
                continue  # an app that cannot be loaded is none
            if name in ran or set(parse_panel(app.panel).feeds) <= feeds:
                found.append(_app(home, app))
        return Page[AppShape](items=found)

    return memory.answer(request, city, make, None)


@ROUTER.get("/apps/{app}", response_model=AppShape)
def show_app(request: Request, city: CityState, memory: MemoryState, app: AppName) -> Response:
    """One app."""
    return memory.answer(request, city, lambda home: _app(home, find_app(home, app)), None)


@ROUTER.get("/apps/{app}/register", response_model=dict[str, Any])
def show_register(request: Request, city: CityState, memory: MemoryState, app: AppName) -> Response:
    """Its entry in the public register (veracity.register/v1): facts and the entries that prove them."""
    now = rough_now(city.clock, 60)
    with city.home() as home:
        found = find_app(home, app)
        said = memory.slowly.get(home, ("register", app), lambda: entry(home, app, found, now).to_document())
    return json_answer(request, said)


@ROUTER.get("/apps/{app}/scoreboard", response_model=Page[ScoreLine])
def show_scoreboard(
    request: Request,
    city: CityState,
    memory: MemoryState,
    app: AppName,
    by: Annotated[
        Literal["horizon", "place", "day", "all"], Query(description="What scores are summed by.")
    ] = "horizon",
) -> Response:
    """Scores of what the app said and of baselines beside it; no day can be taken off."""
    with city.home() as home:
        find_app(home, app)
        scores = memory.slowly.get(home, ("scores", app, by), lambda: scoreboard(home, app, BY[by]))
    return shaped(request, Page[ScoreLine](items=[_line(row) for row in _rows(scores)]))


def _rows(scores: pl.DataFrame) -> list[dict[str, Any]]:
    days = [pl.col(n).cast(pl.String) for n, t in scores.schema.items() if t == pl.Date]
    return scores.with_columns(days).head(20_000).to_dicts()


def _line(row: dict[str, Any]) -> ScoreLine:
    return ScoreLine.model_validate({name: row.get(name) for name in ScoreLine.model_fields})


def _app(home: Home, app: App) -> AppShape:
    serving, feeds = in_force(home, app.name), parse_panel(app.panel).feeds
    return AppShape(
        app=app.name,
        title=_words(app.title),
        description=_words(app.purpose),
        affected=_words(app.affected),
        appeal=_words(app.appeal),
        owner=app.owner,
        risk=app.risk[0],
        risk_why=app.risk[1],
        stage=serving.stage if serving else None,
        furthest=app.stage,
        release=serving.idx if serving else None,
        model=serving.model_sha256 if serving else None,
        targets=dict(app.targets),
        horizons=list(app.horizons),
        every_s=app.every_s,
        feeds=list(feeds),
        keys=sorted(app.attributes),
        ladder=[RungShape(name=r.name, words=_words(r.words)) for r in app.ladder],
        simulated=is_any_simulated(home, feeds),
    )


def _words(words: Any) -> Words:
    return {str(language): str(text) for language, text in words.items()}
