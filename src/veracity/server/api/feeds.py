"""Feeds: ``GET /feeds`` and ``GET /feeds/{feed}``."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from veracity.server.api.asking import FeedName, rough_now
from veracity.server.api.feed_shapes import FeedShape, describe_feed
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Page, shaped
from veracity.server.api.sharing import CityState, find_feed
from veracity.server.api.state import MemoryState

ROUTER = APIRouter(tags=["feeds"], route_class=ReadingRoute)


@ROUTER.get("/feeds", response_model=Page[FeedShape])
def list_feeds(request: Request, city: CityState, memory: MemoryState) -> Response:
    """Every feed: its contract, how fresh it is, how its records are counted."""
    now = rough_now(city.clock)
    with city.home() as home:
        found = [describe_feed(home, f, memory.batches.of(home, n), now) for n, f in home.feeds().items()]
    return shaped(request, Page[FeedShape](items=found))


@ROUTER.get("/feeds/{feed}", response_model=FeedShape)
def show_feed(request: Request, city: CityState, memory: MemoryState, feed: FeedName) -> Response:
    """One feed."""
    now = rough_now(city.clock)
    with city.home() as home:
        found = describe_feed(home, find_feed(home, feed), memory.batches.of(home, feed), now)
    return shaped(request, found)
