"""SensorThings over HTTP, written to: observations into the feeds whose records they can be.

Other entities are not made by clients here: things, datastreams and the rest come from contracts and
registries, which are said in the log.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from veracity.server.problems import problem
from veracity.server.request_body import read_body
from veracity.server.sensorthings.errors import NoSuchEntity, NotAccepted
from veracity.server.sensorthings.openapi import json_response, problems
from veracity.server.sensorthings.resource_path import parse_path
from veracity.server.sensorthings.routes import host_of, service_of
from veracity.server.sensorthings.schema import V1, V2, Dialect
from veracity.server.sensorthings.taking import Sender

BODY_TIMEOUT_S = 10.0
_OBJECT = {"type": "object"}


def router(door: Callable[..., Any], denied: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the routes that write.

    Parameters
    ----------
    door
        A dependency that lets in who may send, and returns the account: ``needs("publisher")``.
    denied
        The responses of those whom the door does not let in.
    """
    made = APIRouter()
    for dialect in (V1, V2):
        _add_create(made, dialect, door, denied)
    _add_create_many(made, door, denied)
    return made


def _add_create(made: APIRouter, dialect: Dialect, door: Callable[..., Any], denied: Any) -> None:
    async def create(request: Request, account: Annotated[Any, Depends(door)]) -> Response:
        """Take in an observation of the datastream that it names."""
        return await _created(request, dialect, account, None)

    async def create_in(request: Request, identity: str, account: Annotated[Any, Depends(door)]) -> Response:
        """Take in an observation of a datastream; its identifier stands in single quotes."""
        try:
            datastream = parse_path(f"Datastreams({identity})")[0].id
        except NoSuchEntity as exc:
            return problem(404, exc.code, str(exc))
        return await _created(request, dialect, account, datastream)

    said = {
        201: {
            "description": "Taken in: its address is in ``Location``.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **problems(400, 404, 409, 413, 503),
        **denied,
    }
    base, name = f"/{dialect.prefix}", f"{dialect.prefix}-Observations"
    _add(made, dialect, f"{base}/Observations", create, f"{name}-create", said, _OBJECT)
    _add(
        made,
        dialect,
        f"{base}/Datastreams({{identity}})/Observations",
        create_in,
        f"{name}-create-in",
        said,
        _OBJECT,
    )


def _add_create_many(made: APIRouter, door: Callable[..., Any], denied: Any) -> None:
    async def create_all(request: Request, account: Annotated[Any, Depends(door)]) -> Response:
        """Take in many observations, as arrays; answer with the address of each, or ``error``."""
        body = await _body(request)
        if isinstance(body, Response):
            return body
        service, city = service_of(request), request.app.state.city
        try:
            made_ids = await run_in_threadpool(service.create_all, V1, body, account, city.clock)
        except NotAccepted as exc:
            return problem(409, exc.code, str(exc))
        return JSONResponse(["error" if i is None else _address(request, V1, i) for i in made_ids], 201)

    links = {"type": "array", "items": {"type": "string"}}
    said = {201: json_response("What became of each.", links), **problems(400, 409, 413, 503), **denied}
    schema = {"type": "array", "items": _OBJECT}
    _add(made, V1, "/v1.1/CreateObservations", create_all, "v1.1-CreateObservations", said, schema)


async def _body(request: Request) -> bytes | Response:
    return await read_body(request, request.app.state.settings.max_body_bytes, BODY_TIMEOUT_S)


async def _created(request: Request, dialect: Dialect, account: Sender, datastream: str | None) -> Response:
    body = await _body(request)
    if isinstance(body, Response):
        return body
    service, city = service_of(request), request.app.state.city
    try:
        identity = await run_in_threadpool(service.create, dialect, body, account, city.clock, datastream)
    except NoSuchEntity as exc:
        return problem(404, exc.code, str(exc))
    except NotAccepted as exc:
        return problem(409, exc.code, str(exc))
    return Response(status_code=201, headers={"Location": _address(request, dialect, identity)})


def _address(request: Request, dialect: Dialect, identity: str) -> str:
    return f"{host_of(request)}/{dialect.prefix}/Observations('{identity}')"


def _add(
    made: APIRouter, dialect: Dialect, path: str, endpoint: Any, name: str, said: Any, schema: dict[str, Any]
) -> None:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    made.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        tags=[f"SensorThings {dialect.version}"],
        name=name,
        operation_id=name,
        status_code=201,
        responses=said,
        response_class=Response,
        openapi_extra={"requestBody": body},
    )
