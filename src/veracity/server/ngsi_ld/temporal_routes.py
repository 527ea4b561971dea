"""``/ngsi-ld/v1/temporal``: entities over time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import polars as pl
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.clock import format_time
from veracity.server.links import public_url
from veracity.server.ngsi_ld.asking import (
    DEFAULT_LIMIT,
    Page,
    Representation,
    Selection,
    asked_page,
    parse_selection,
)
from veracity.server.ngsi_ld.entities import Entity, Shown
from veracity.server.ngsi_ld.errors import NoSuchEntity
from veracity.server.ngsi_ld.reading import newest_rows, selected_rows, selected_views, shown_as
from veracity.server.ngsi_ld.route import NgsiRoute, documents, ngsi_answer
from veracity.server.ngsi_ld.routes import (
    LANGUAGE,
    Attrs,
    Count,
    EntityId,
    Known,
    Offset,
    Represented,
    Selected,
    Text,
    city_of,
    page_headers,
)
from veracity.server.ngsi_ld.temporal import (
    MAX_INSTANCES,
    Period,
    between,
    course,
    entities_of,
    most_rows,
    n_attributes,
    parse_period,
)
from veracity.server.ngsi_ld.views import View, spelled

ROUTER = APIRouter(prefix="/ngsi-ld/v1/temporal", tags=["ngsi-ld"], route_class=NgsiRoute)
MAX_ENTITIES = 100  #: over time, in one answer

_TIME = {"format": "date-time"}
TemporalLimit = Annotated[int, Query(description="How many at most", ge=0, le=MAX_ENTITIES)]
Timerel = Annotated[Literal["before", "after", "between"] | None, Query(description="How `timeAt` is meant")]
TimeAt = Annotated[
    Text, Query(alias="timeAt", description="A time (RFC 3339)", max_length=40, json_schema_extra=_TIME)
]
EndTimeAt = Annotated[
    Text,
    Query(
        alias="endTimeAt", description="The other end of `between`", max_length=40, json_schema_extra=_TIME
    ),
]
LastN = Annotated[
    int | None,
    Query(alias="lastN", description="The newest of each attribute only", ge=1, le=MAX_INSTANCES),
]
Timeproperty = Annotated[Literal["observedAt"] | None, Query(description="`observedAt`, the only one")]
_PART: dict[int | str, dict[str, Any]] = {
    206: {"description": "A part of what was asked for: `Content-Range` says from when to when"}
}


def _period(*, is_needed: bool) -> Callable[..., Period]:
    """Return what reads the period asked about, which has to be there or not."""

    def read(
        timerel: Timerel = None,
        time_at: TimeAt = None,
        end_time_at: EndTimeAt = None,
        timeproperty: Timeproperty = None,  # noqa: ARG001 - the only one there is
        last_n: LastN = None,
    ) -> Period:
        return parse_period(timerel, time_at, end_time_at, last_n, is_needed=is_needed)

    return read


@dataclass(frozen=True)
class _Asked:
    selection: Selection
    period: Period
    representation: Representation
    page: Page
    as_of: datetime | None


@ROUTER.get(
    "/entities",
    response_class=Response,
    responses=documents("Temporal entities") | _PART,
    openapi_extra=LANGUAGE,
)
def entities(
    request: Request,
    selection: Selected,
    period: Annotated[Period, Depends(_period(is_needed=True))],
    representation: Represented,
    known: Known,
    limit: TemporalLimit = DEFAULT_LIMIT,
    offset: Offset = 0,
    count: Count = "false",
) -> Response:
    """Entities over time. Conditions are asked of what they are now, or were known to be as of ``asOf``."""
    page = asked_page(limit, offset, with_count=count == "true")
    asked = _Asked(selection, period, representation, page, known)
    found, n_all, cut = _found(request, asked)
    return _answer(request, found, cut, page_headers(request, asked.page, n_all))


@ROUTER.get(
    "/entities/{entity_id:path}",
    response_class=Response,
    responses=documents("Temporal entity", 404) | _PART,
    openapi_extra=LANGUAGE,
)
def entity(
    request: Request,
    entity_id: EntityId,
    period: Annotated[Period, Depends(_period(is_needed=False))],
    representation: Represented,
    known: Known,
    attrs: Attrs = None,
) -> Response:
    """One entity over time."""
    selection, page = parse_selection(id=spelled(entity_id), attrs=attrs), Page(1, 0, with_count=False)
    asked = _Asked(selection, period, representation, page, known)
    found, n_all, cut = _found(request, asked)
    if n_all == 0:
        raise NoSuchEntity(f"entity: want one that there is, got {entity_id[:200]!r}")
    name = spelled(entity_id)
    empty = {"id": name, "type": name.split(":")[2]}
    return _answer(request, found[0] if found else empty, cut, {})


def _found(request: Request, asked: _Asked) -> tuple[list[Entity], int, str | None]:
    """Return a page of temporal entities, how many are selected in all, and the range of what is not all."""
    city, url = city_of(request), public_url(request)
    skip, left, n_all = asked.page.offset, asked.page.limit, 0
    chosen: list[tuple[View, pl.DataFrame]] = []
    for view in selected_views(city, asked.selection):
        if view.time is None:
            continue
        rows = selected_rows(view, newest_rows(city, view, asked.as_of), asked.selection, url)
        n_all += rows.height
        part = rows.slice(skip, left)
        skip = max(0, skip - rows.height)
        left -= part.height
        if part.height:
            chosen.append((view, part))

    def shown(view: View) -> Shown:
        return shown_as(city, url, view, asked.selection.attributes, _plain(asked))

    sizes = [(view, part.height) for view, part in chosen]
    most = most_rows(sizes, lambda view: n_attributes(view, shown(view)), asked.period)
    with city.home() as home:
        courses = [course(home, view, part, asked.period, asked.as_of, most) for view, part in chosen]
    limits = between(courses)
    first = None if limits is None else limits[0]
    as_values = asked.representation.as_values or asked.representation.form == "keyValues"
    entities = [
        said for one in courses for said in entities_of(one, first, shown(one.view), as_values=as_values)
    ]
    if limits is None:
        return entities, n_all, None
    size = "*" if asked.period.last_n is None else asked.period.last_n
    return entities, n_all, f"date-time {format_time(limits[1])}-{format_time(limits[0])}/{size}"


def _plain(asked: _Asked) -> Representation:
    return Representation("normalized", with_times=False, as_values=asked.representation.as_values)


def _answer(request: Request, said: object, part: str | None, headers: dict[str, str]) -> Response:
    if part is None:
        return ngsi_answer(request, said, headers=headers)
    return ngsi_answer(request, said, status=206, headers=headers | {"Content-Range": part})
