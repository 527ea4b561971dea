"""``/ngsi-ld/v1``: entities as they are now, types, attributes, the context. Nothing can be written."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.server.answers import json_answer
from veracity.server.city_reader import CityReader
from veracity.server.documented import document, problems
from veracity.server.links import public_url
from veracity.server.ngsi_ld.asking import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    Page,
    Representation,
    Selection,
    asked_page,
    parse_as_of,
    parse_representation,
    parse_selection,
)
from veracity.server.ngsi_ld.context import JSONLD, context_document
from veracity.server.ngsi_ld.errors import NoSuchEntity
from veracity.server.ngsi_ld.kinds_listing import (
    attribute_information,
    attribute_list,
    type_information,
    type_list,
)
from veracity.server.ngsi_ld.reading import all_views, find, newest_rows
from veracity.server.ngsi_ld.route import NgsiRoute, documents, ngsi_answer
from veracity.server.ngsi_ld.views import spelled

ROUTER = APIRouter(prefix="/ngsi-ld/v1", tags=["ngsi-ld"], route_class=NgsiRoute)

_LIST = r"^[^,\s]+(,[^,\s]+)*$"
_OPTION = "(keyValues|simplified|concise|normalized|sysAttrs|temporalValues)"
_FORM_NAMES = Literal["simplified", "keyValues", "concise", "normalized", "temporalValues"]
_GEOMETRIES = Literal["Point", "MultiPoint", "LineString", "Polygon", "MultiPolygon"]
#: Of routes whose parameters are a language of their own: what fits their schema may still be no sentence.
LANGUAGE = {"x-query-language": "NGSI-LD"}

Text = str | None
EntityId = Annotated[str, Path(description="An identifier", max_length=2_048)]
Name = Annotated[str, Path(description="A name, short or as an IRI", max_length=512)]
Id = Annotated[Text, Query(description="Identifiers, separated by commas", pattern=_LIST, max_length=20_000)]
Type = Annotated[
    Text,
    Query(
        description="Types, short or as IRIs, separated by commas; * for all",
        pattern=_LIST,
        max_length=20_000,
    ),
]
IdPattern = Annotated[
    Text, Query(alias="idPattern", description="A regular expression on identifiers", max_length=200)
]
Attrs = Annotated[
    Text,
    Query(
        description="Attributes wanted; entities without any are left out", pattern=_LIST, max_length=20_000
    ),
]
Q = Annotated[
    Text, Query(description="Conditions on attributes: `pm25>20;simulated==true`", max_length=4_000)
]
Georel = Annotated[
    Text, Query(description="`near;maxDistance==2000`, `within`, `intersects`, `disjoint`, …", max_length=100)
]
Geometry = Annotated[_GEOMETRIES | None, Query(description="Type of the GeoJSON geometry in `coordinates`")]
Coordinates = Annotated[Text, Query(description="A GeoJSON geometry's coordinates", max_length=120_000)]
Geoproperty = Annotated[Literal["location"] | None, Query(description="`location`, the only one")]
Options = Annotated[
    Text,
    Query(
        description="`keyValues`, `concise`, `normalized`, `sysAttrs`",
        pattern=f"^{_OPTION}(,{_OPTION})*$",
        max_length=200,
    ),
]
Format = Annotated[
    _FORM_NAMES | None, Query(alias="format", description="`simplified`, `concise`, `normalized`")
]
Limit = Annotated[int, Query(description="How many at most", ge=0, le=MAX_LIMIT)]
Offset = Annotated[int, Query(description="How many to pass over", ge=0, le=MAX_OFFSET)]
_Bool = Literal["true", "false"]
Count = Annotated[_Bool, Query(description="Say in `NGSILD-Results-Count` how many there are in all")]
AsOf = Annotated[
    Text,
    Query(
        alias="asOf",
        description="Our own: as known at this time (RFC 3339)",
        max_length=40,
        json_schema_extra={"format": "date-time"},
    ),
]
Details = Annotated[_Bool, Query(description="More of each")]


def _selection(
    id: Id = None,  # noqa: A002 - the standard's name
    type: Type = None,  # noqa: A002
    id_pattern: IdPattern = None,
    attrs: Attrs = None,
    q: Q = None,
    georel: Georel = None,
    geometry: Geometry = None,
    coordinates: Coordinates = None,
    geoproperty: Geoproperty = None,
) -> Selection:
    return parse_selection(
        id=id, type=type, id_pattern=id_pattern, attrs=attrs, q=q, georel=georel, geometry=geometry,
        coordinates=coordinates, geoproperty=geoproperty,
    )  # fmt: skip


def _representation(options: Options = None, form: Format = None) -> Representation:
    return parse_representation(options, form)


def _known(as_of: AsOf = None) -> datetime | None:
    return parse_as_of(as_of)


Selected = Annotated[Selection, Depends(_selection)]  #: which entities are asked for, by all its parameters
Represented = Annotated[Representation, Depends(_representation)]
Known = Annotated[datetime | None, Depends(_known)]  #: as of when


@ROUTER.get("/entities", response_class=Response, responses=documents("Entities"), openapi_extra=LANGUAGE)
def entities(
    request: Request,
    selection: Selected,
    asked: Represented,
    known: Known,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    count: Count = "false",
) -> Response:
    """Entities as they are now, or as known at a time."""
    url, page = public_url(request), asked_page(limit, offset, with_count=count == "true")
    found = find(city_of(request), url, selection, asked, page, known)
    return ngsi_answer(request, found.entities, headers=page_headers(request, page, found.n_all))


@ROUTER.get(
    "/entities/{entity_id:path}",
    response_class=Response,
    responses=documents("The entity", 404),
    openapi_extra=LANGUAGE,
)
def entity(
    request: Request, entity_id: EntityId, asked: Represented, known: Known, attrs: Attrs = None
) -> Response:
    """One entity as it is now, or as known at a time."""
    selection = parse_selection(id=spelled(entity_id), attrs=attrs)
    url, page = public_url(request), Page(1, 0, with_count=False)
    found = find(city_of(request), url, selection, asked, page, known).entities
    if not found:
        raise NoSuchEntity(f"entity: want one that there is, got {entity_id[:200]!r}")
    return ngsi_answer(request, found[0])


@ROUTER.get("/types", response_class=Response, responses=documents("Types of entities"))
def types(request: Request, details: Details = "false") -> Response:
    """The types of entities there are."""
    return ngsi_answer(request, type_list(all_views(city_of(request)), details=details == "true"))


@ROUTER.get("/types/{type}", response_class=Response, responses=documents("The type", 404))
def type_(request: Request, type: Name) -> Response:  # noqa: A002
    """One type: its attributes, and how many entities are of it."""
    views = all_views(city_of(request))
    return ngsi_answer(request, type_information(views, type, _counts(city_of(request), views)))


@ROUTER.get("/attributes", response_class=Response, responses=documents("Attributes"))
def attributes(request: Request, details: Details = "false") -> Response:
    """The attributes there are."""
    return ngsi_answer(request, attribute_list(all_views(city_of(request)), details=details == "true"))


@ROUTER.get("/attributes/{attribute}", response_class=Response, responses=documents("The attribute", 404))
def attribute(request: Request, attribute: Name) -> Response:
    """One attribute: the types that have it."""
    views = all_views(city_of(request))
    return ngsi_answer(request, attribute_information(views, attribute, _counts(city_of(request), views)))


@ROUTER.get(
    "/jsonldContexts",
    response_class=Response,
    responses=document("application/json", schema={"type": "array"}) | problems(400),
)
def contexts(request: Request) -> Response:
    """The contexts served here: one."""
    return json_answer(request, [f"{public_url(request)}{ROUTER.prefix}/jsonldContexts/veracity"])


@ROUTER.get("/jsonldContexts/veracity", response_class=Response, responses=document(JSONLD) | problems(400))
def context(request: Request) -> Response:
    """The context of our entities: short names to IRIs."""
    return json_answer(request, context_document(all_views(city_of(request))), JSONLD)


def city_of(request: Request) -> CityReader:
    """Return the reader of the city's home."""
    reader: CityReader = request.app.state.city
    return reader


def page_headers(request: Request, page: Page, n_all: int) -> dict[str, str]:
    """Return the headers of one page of several: how many in all, where the next is."""
    headers: dict[str, str] = {}
    if page.with_count:
        headers["NGSILD-Results-Count"] = str(n_all)
    following = page.offset + page.limit
    if page.limit > 0 and following < n_all:
        url = request.url.include_query_params(offset=following, limit=page.limit)
        headers["Link"] = (
            f'<{public_url(request)}{url.path}?{url.query}>; rel="next"; type="application/json"'
        )
    return headers


def _counts(city: CityReader, views: Any) -> dict[str, int]:
    return {view.feed: newest_rows(city, view, None).height for view in views}
