"""Things and what belongs to them, made over HTTP: one entity, or one with others inside it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from veracity.server.problems import problem
from veracity.server.sensorthings.describing import CREATABLE, INSIDE
from veracity.server.sensorthings.errors import NoSuchEntity
from veracity.server.sensorthings.posts import OBJECT, add_post, body_of, created, created_responses, sealed
from veracity.server.sensorthings.resource_path import parse_path
from veracity.server.sensorthings.routes import service_of
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.sent import Making
from veracity.server.sensorthings.taking import Sender

MAX_BODY_BYTES = 262_144


def add_entity_routes(made: APIRouter, dialect: Dialect, door: Callable[..., Any], denied: Any) -> None:
    """Add the routes of one version."""
    for entity_set in CREATABLE:
        _add_set(made, dialect, entity_set, door, denied)
    for owner, relation in INSIDE:
        _add_inside(made, dialect, owner, relation, door, denied)


def _add_set(
    made: APIRouter, dialect: Dialect, entity_set: str, door: Callable[..., Any], denied: Any
) -> None:
    async def create(request: Request, account: Annotated[Any, Depends(door)]) -> Response:
        """Make an entity, and those described inside it; link those named by an identifier."""
        return await _created(request, dialect, entity_set, account, None)

    said = created_responses(denied)
    add_post(made, dialect, entity_set, create, f"{entity_set}-create", said, OBJECT)


def _add_inside(
    made: APIRouter, dialect: Dialect, owner: str, relation: str, door: Callable[..., Any], denied: Any
) -> None:
    async def create_in(request: Request, identity: str, account: Annotated[Any, Depends(door)]) -> Response:
        """Make an entity that is linked to that of the path; its identifier stands in single quotes."""
        try:
            found = parse_path(f"{owner}({identity})")[0].id
        except NoSuchEntity as exc:
            return problem(404, exc.code, str(exc))
        return await _created(request, dialect, relation, account, (owner, found or ""))

    path, name = f"{owner}({{identity}})/{relation}", f"{owner}-{relation}-create"
    add_post(made, dialect, path, create_in, name, created_responses(denied), OBJECT)


async def _created(
    request: Request, dialect: Dialect, entity_set: str, account: Sender, inside: tuple[str, str] | None
) -> Response:
    body = await body_of(request, MAX_BODY_BYTES)
    if isinstance(body, Response):
        return body
    found = await sealed(request, service_of(request).entity, dialect, entity_set, body, account, inside)
    if isinstance(found, Response):
        return found
    made = found[0]
    assert isinstance(made, Making), "what the service makes of entities"
    return created(request, dialect, entity_set, made.plan.root)
