"""Places of a feed: ``GET /feeds/{feed}/places``, as GeoJSON (RFC 7946)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from veracity.data.contract import Contract
from veracity.home.home import Home
from veracity.server.api.asking import AsOf, FeedName, When, parse_when, rough_now, time_text
from veracity.server.api.readings import newest_rows
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Shape, Time
from veracity.server.api.sharing import CityState, age_s, open_feed
from veracity.server.api.state import MemoryState
from veracity.server.api.trusts import daily_scores, newest_scores
from veracity.server.contract_columns import key_columns
from veracity.server.created.simulated import is_simulated
from veracity.server.positions import Positions, positions

MAX_PLACES = 5_000
Scalar = float | bool | str | None

ROUTER = APIRouter(tags=["feeds"], route_class=ReadingRoute)


class ValueShape(Shape):
    """One value of a row, how it came to be, and which rules it broke."""

    value: Scalar
    unit: str | None
    state: Literal["measured", "filled", "estimated"]
    flags: list[str]


class PlaceProperties(Shape):
    """The last row of a place. ``trust`` is of its least trusted property."""

    key: str
    title: str | None
    agency: str | None
    observed_at: Time | None
    age_s: float | None
    record: str | None
    values: dict[str, ValueShape]
    flags: list[str]
    trust: float | None
    simulated: bool


class Point(Shape):
    """A position: longitude, latitude (WGS 84)."""

    type: Literal["Point"] = "Point"
    coordinates: Annotated[list[float], Field(min_length=2, max_length=2)]


class PlaceFeature(Shape):
    """A place; without a geometry where nobody knows it."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Point | None
    properties: PlaceProperties


class Places(Shape):
    """The places of a feed; ``is_cut`` where there are more than are told."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    feed: str
    simulated: bool
    is_cut: bool
    features: list[PlaceFeature]


@ROUTER.get("/feeds/{feed}/places", response_model=Places)
def list_places(
    request: Request,
    city: CityState,
    memory: MemoryState,
    feed: FeedName,
    as_of: AsOf = None,
    at: When = None,
) -> Response:
    """The last row of each place at or before ``at`` (event time), as known at ``as_of``."""
    known, until = parse_when("as_of", as_of), parse_when("at", at)

    now = until or rough_now(city.clock)

    def make(home: Home) -> Places:
        contract = open_feed(home, feed, known)
        simulated = is_simulated(home, contract)
        up_to = home.index.up_to(feed, known)
        rows = newest_rows(home, contract, up_to, until, MAX_PLACES + 1)
        flags = memory.flags.of(
            home, feed, memory.batches.of(home, feed), contract.carried, rows["_batch"].unique().to_list()
        )
        scores = memory.slowly.get(
            home,
            ("newest-trust", feed, known),
            lambda: newest_scores(daily_scores(memory.healths, home, contract, known)),
        )
        where = memory.slowly.get(home, ("sites", feed, known), lambda: positions(home, contract, known))
        features = [
            _feature(contract, row, flags, scores, where, now, simulated=simulated)
            for row in rows.head(MAX_PLACES).iter_rows(named=True)
        ]
        return Places(feed=feed, simulated=simulated, is_cut=rows.height > MAX_PLACES, features=features)

    return memory.answer(request, city, make, known, now, until is None)


def _feature(
    contract: Contract,
    row: Mapping[str, Any],
    flags: Mapping[tuple[int, int, str | None], tuple[str, ...]],
    scores: Mapping[str, float],
    where: Positions,
    now: datetime,
    *,
    simulated: bool,
) -> PlaceFeature:
    key, batch, record = str(row["_key"] or ""), int(row["_batch"]), int(row["_record"])
    carried = None if contract.carried is None else str(row[contract.carried])
    broken = flags.get((batch, record, carried), ())
    spot = where.of(row)
    left_out = {*key_columns(contract), contract.time, "simulated", *(where.columns or ())}
    values = {
        f.name: ValueShape(
            value=_plain(row[f.name]),
            unit=f.unit,
            state="measured",
            flags=[r for r in broken if f.name in contract.about(r)],
        )
        for f in contract.fields
        if f.name not in left_out
    }
    return PlaceFeature(
        id=key,
        geometry=None if spot is None else Point(coordinates=[spot.lon, spot.lat]),
        properties=PlaceProperties(
            key=key,
            title=None if spot is None else spot.title,
            agency=contract.agency,
            observed_at=time_text(row[contract.time]) if contract.time else None,
            age_s=age_s(now, row[contract.time]) if contract.time else None,
            record=f"{batch}:{record}",
            values=values,
            flags=list(broken),
            trust=scores.get(key),
            simulated=simulated,
        ),
    )


def _plain(value: Any) -> Scalar:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return float(value)
    return time_text(value) if isinstance(value, datetime) else str(value)
