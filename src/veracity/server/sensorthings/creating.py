"""SensorThings over HTTP, written to: observations into the feeds that take them, and other entities."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from veracity.server.documented import problems
from veracity.server.problems import problem
from veracity.server.sensorthings.creating_entities import add_entity_routes
from veracity.server.sensorthings.errors import NoSuchEntity, NotAccepted
from veracity.server.sensorthings.openapi import json_response
from veracity.server.sensorthings.posts import (
    OBJECT,
    add_post,
    address,
    body_of,
    created,
    created_responses,
    sealed,
)
from veracity.server.sensorthings.resource_path import parse_path
from veracity.server.sensorthings.routes import service_of
from veracity.server.sensorthings.schema import V1, V2, Dialect
from veracity.server.sensorthings.taking import Sender


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
        add_entity_routes(made, dialect, door, denied)
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

    said = created_responses(denied)
    add_post(made, dialect, "Observations", create, "Observations-create", said, OBJECT)
    inside = "Datastreams({identity})/Observations"
    add_post(made, dialect, inside, create_in, "Observations-create-in", said, OBJECT)


def _add_create_many(made: APIRouter, door: Callable[..., Any], denied: Any) -> None:
    async def create_all(request: Request, account: Annotated[Any, Depends(door)]) -> Response:
        """Take in many observations, as arrays; answer with the address of each, or ``error``."""
        body = await body_of(request)
        if isinstance(body, Response):
            return body
        found = await sealed(request, service_of(request).observations, V1, body, account)
        if isinstance(found, Response):
            return found
        links = ["error" if t.id is None else address(request, V1, "Observations", t.id) for t in found[1]]
        return JSONResponse(links, 201)

    links = {"type": "array", "items": {"type": "string"}}
    said = {201: json_response("What became of each.", links), **problems(400, 409, 413, 503), **denied}
    schema = {"type": "array", "items": OBJECT}
    add_post(made, V1, "CreateObservations", create_all, "CreateObservations", said, schema)


async def _created(request: Request, dialect: Dialect, account: Sender, datastream: str | None) -> Response:
    body = await body_of(request)
    if isinstance(body, Response):
        return body
    found = await sealed(request, service_of(request).observation, dialect, body, account, datastream)
    if isinstance(found, Response):
        return found
    sent, (taken,) = found
    if taken.id is None:
        request.state.is_written = True  # what was set aside is sealed too
        feed = sent.posted[0].target.feed
        why = f" for {', '.join(taken.reasons)}" if taken.reasons else ""
        said = f"observation: want one that keeps the rules of {feed}, got one set aside{why}"
        return problem(409, NotAccepted.code, said)
    return created(request, dialect, "Observations", taken.id)
