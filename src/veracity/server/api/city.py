"""The city: ``GET /city``."""

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from veracity import apps
from veracity.errors import VeracityError
from veracity.home.clock import format_time
from veracity.home.home import Home
from veracity.log.policy import MAX_POLICY_BYTES, format_policy
from veracity.server.api.asking import rough_now
from veracity.server.api.ground import GroundShape
from veracity.server.api.log import published_log
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Shape, Time
from veracity.server.api.sharing import CityState
from veracity.server.api.state import Memory, MemoryState
from veracity.server.base_map import BaseMap
from veracity.server.positions import Survey
from veracity.server.registers import Spot
from veracity.server.settings import ServerSettings

ZONE = "Asia/Ho_Chi_Minh"  #: of the first city's clocks on the wall

ROUTER = APIRouter(tags=["city"], route_class=ReadingRoute)


class CityLog(Shape):
    """The log in short. ``published_at`` is by its witnesses, null without any."""

    size: int
    root: str
    published_at: Time | None
    is_published: bool


class BaseMapShape(Shape):
    """An online map that readers may ask for. ``tiles`` has {z}, {x} and {y} in it."""

    tiles: str
    attribution: str
    max_zoom: int

    @classmethod
    def of(cls, base_map: BaseMap | None) -> "BaseMapShape | None":
        """Return what is told of one."""
        if base_map is None:
            return None
        return cls(tiles=base_map.tiles, attribution=base_map.attribution, max_zoom=base_map.max_zoom)


class CityShape(Shape):
    """The city. ``now`` is its clock, to ten seconds; ``bbox`` west, south, east, north of known places."""

    name: str
    origin: str
    simulated: bool
    timezone: str
    now: Time
    speed_known: Literal[False] = False
    bbox: list[float] | None
    log: CityLog
    policy: str
    ground: GroundShape | None
    base_map: BaseMapShape | None
    feeds: int
    apps: int
    models: int


@ROUTER.get("/city", response_model=CityShape)
def show_city(request: Request, city: CityState, memory: MemoryState) -> Response:
    """Name, clock, log, trust policy, and how much there is."""
    now = rough_now(city.clock)
    with city.home() as home:
        published = published_log(home)
        note = b"" if published is None else published.checkpoint_note
    ground = GroundShape.of(memory.ground.of(city.root))
    settings: ServerSettings = request.app.state.settings
    base_map = BaseMapShape.of(settings.base_map)
    return memory.answer(
        request, city, lambda home: _city(home, memory, now, ground, base_map), now, note, ground
    )


def _city(
    home: Home, memory: Memory, now: datetime, ground: GroundShape | None, base_map: BaseMapShape | None
) -> CityShape:
    feeds = home.feeds()
    reader, published = home.reader(), published_log(home)
    at: int | None = None
    if published is not None:
        try:
            at = max(home.policy.cosigned_times(published.checkpoint_note).values(), default=None)
        except VeracityError:
            at = None  # a cosignature that does not verify tells no time
    of_feeds = memory.slowly.get(home, "all spots", lambda: _spots(home))
    origin = home.directory.origin
    return CityShape(
        name=origin.rpartition("/")[2] or origin,
        origin=origin,
        simulated=any(f.contract.simulated for f in feeds.values()),
        timezone=ZONE,
        now=format_time(now),
        bbox=_box(of_feeds),
        log=CityLog(
            size=reader.size,
            root=b64encode(reader.checkpoint.root).decode(),
            published_at=None if at is None else format_time(datetime.fromtimestamp(at, now.tzinfo)),
            is_published=published is not None and published.size == reader.size,
        ),
        policy=_policy_text(home),
        ground=ground,
        base_map=base_map,
        feeds=len(feeds),
        apps=len(apps.names()),
        models=len({str(p["model"]) for _, p in home.index.predicates("train")}),
    )


def _spots(home: Home) -> list[Spot]:
    """Return all places of the city that are known beside its rows."""
    survey = Survey(home)
    return [spot for feed in home.feeds().values() for spot in survey.of(feed.contract).spots]


def _policy_text(home: Home) -> str:
    """Return the text of the trust policy that the home hands out; as it was read where the file is gone."""
    try:
        with home.directory.policy.open("rb") as file:
            return file.read(MAX_POLICY_BYTES).decode("utf-8", "replace")
    except OSError:
        return format_policy(home.policy)


def _box(found: Iterable[Spot]) -> list[float] | None:
    lons, lats = [], []
    for site in found:
        lons.append(site.lon)
        lats.append(site.lat)
    return [min(lons), min(lats), max(lons), max(lats)] if lons else None
