"""SensorThings over HTTP: ``/v1.1`` and ``/v2.0``. Parses a request, asks the service, renders."""

from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import Response

from veracity.server.answers import answer, json_answer
from veracity.server.documented import problems
from veracity.server.problems import problem
from veracity.server.sensorthings.errors import MalformedQuery, NoSuchEntity
from veracity.server.sensorthings.landing import landing_page
from veracity.server.sensorthings.openapi import json_response, page, parameters
from veracity.server.sensorthings.schema import V1, V2, Dialect
from veracity.server.sensorthings.service import Raw, Service

MAX_QUERY_BYTES = 16_384
MAX_OPTIONS = 30
_MAKING = Lock()
_OBJECT = {"type": "object"}


def service_of(request: Request) -> Service:
    """Return the application's service, made at the first request."""
    state = request.app.state
    with _MAKING:
        if not hasattr(state, "sensorthings"):
            state.sensorthings = Service(state.city)
        found: Service = state.sensorthings
    return found


def host_of(request: Request) -> str:
    """Return the URL of the server, without a slash at its end."""
    public: str | None = request.app.state.settings.public_url
    return public or str(request.base_url).rstrip("/")


def router() -> APIRouter:
    """Return the routes of both versions."""
    made = APIRouter()
    for dialect in (V1, V2):
        _add_landing(made, dialect)
        for entity_set in dialect.types:
            _add_set(made, dialect, entity_set)
    return made


def _add_landing(made: APIRouter, dialect: Dialect) -> None:
    def landing(request: Request) -> Response:
        """Say which entity sets there are, and which requirements of the standard are fulfilled."""
        root = f"{host_of(request)}/{dialect.prefix}"
        return json_answer(request, landing_page(dialect, root))

    path, said = f"/{dialect.prefix}", {200: json_response("The landing page.", _OBJECT)}
    _add(made, dialect, path, landing, f"{dialect.prefix}-landing", said, [])
    made.add_api_route(f"{path}/", landing, methods=["GET"], include_in_schema=False)


def _add_set(made: APIRouter, dialect: Dialect, entity_set: str) -> None:
    base = f"/{dialect.prefix}/{entity_set}"
    some = {200: json_response("A page of entities.", page(dialect)), **problems(400, 503)}
    one = {200: json_response("An entity.", _OBJECT), **problems(400, 404, 503)}
    inner = {
        200: json_response("Entities, an entity, a property, or its value as text.", _OBJECT),
        204: {"description": "A property without a value."},
        **problems(400, 404, 503),
    }
    inner[200]["content"]["text/plain"] = {"schema": {"type": "string"}}

    def entities(request: Request) -> Response:
        """Return a page of the entities of a set, with a link to the next."""
        return _read(request, dialect, entity_set)

    def references(request: Request) -> Response:
        """Return the links of a page of the entities of a set."""
        return _read(request, dialect, f"{entity_set}/$ref")

    def entity(request: Request, identity: str) -> Response:
        """Return one entity; its identifier stands in single quotes."""
        return _read(request, dialect, f"{entity_set}({identity})")

    def within(request: Request, identity: str, rest: str) -> Response:
        """Return what a path leads to: related entities, a property, its ``$value``, ``$ref``."""
        return _read(request, dialect, f"{entity_set}({identity})/{rest}")

    name = f"{dialect.prefix}-{entity_set}"
    of_set = parameters(entity_set, dialect, is_set=True)
    of_refs = parameters(entity_set, dialect, is_set=True, is_ref=True)
    of_one = parameters(entity_set, dialect, is_set=False)
    _add(made, dialect, base, entities, f"{name}-entities", some, of_set)
    _add(made, dialect, f"{base}/$ref", references, f"{name}-references", some, of_refs)
    _add(made, dialect, f"{base}({{identity}})", entity, f"{name}-entity", one, of_one)
    _add(made, dialect, f"{base}({{identity}})/{{rest:path}}", within, f"{name}-within", inner, of_set)


def _add(
    made: APIRouter,
    dialect: Dialect,
    path: str,
    endpoint: Any,
    name: str,
    said: Any,
    asked: list[dict[str, Any]],
) -> None:
    made.add_api_route(
        path,
        endpoint,
        methods=["GET"],
        tags=[f"SensorThings {dialect.version}"],
        name=name,
        operation_id=name,
        responses=said,
        response_class=Response,
        openapi_extra={"parameters": asked},
    )


def options_of(request: Request) -> list[tuple[str, str]]:
    """Return the names and values of a request's query, in order; MalformedQuery if there are too many."""
    raw = request.scope["query_string"]
    if len(raw) > MAX_QUERY_BYTES:
        raise MalformedQuery(f"query: want at most {MAX_QUERY_BYTES} bytes, got {len(raw)}")
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_OPTIONS)
    except ValueError as exc:
        raise MalformedQuery(f"query: want at most {MAX_OPTIONS} options in ASCII, got others") from exc


def _read(request: Request, dialect: Dialect, path: str) -> Response:
    """Answer a request for what is at a path below the version."""
    try:
        found = service_of(request).read(dialect, path, options_of(request), host_of(request))
    except NoSuchEntity as exc:
        return problem(404, exc.code, str(exc))
    if found is None:
        return Response(status_code=204)
    if isinstance(found, Raw):
        return answer(request, found.text.encode(), "text/plain; charset=utf-8")
    return json_answer(request, found)
