"""What the routes that write have in common: how they are described, their bodies, their turn, the answer."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from veracity.home.errors import ClockBehind, HomeBusy
from veracity.server.documented import problems
from veracity.server.guard import leave_place
from veracity.server.problems import problem
from veracity.server.request_body import read_body
from veracity.server.sensorthings.errors import ContractReplaced, NoSuchEntity, NotAccepted, PostsWaiting
from veracity.server.sensorthings.routes import host_of
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.sent import Sent, Taken
from veracity.server.sensorthings.taking import WAIT_S

BODY_TIMEOUT_S = 10.0
MAX_MADE = 3  #: times that one post is made into records, where contracts are replaced meanwhile
OBJECT = {"type": "object"}
_RETRY, _RETRY_LATER = {"Retry-After": "2"}, {"Retry-After": "60"}


def created_responses(denied: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route that makes one entity."""
    return {
        201: {
            "description": "Taken in: its address is in ``Location``.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **problems(400, 403, 404, 409, 413, 503),
        **denied,
    }


def add_post(
    made: APIRouter, dialect: Dialect, path: str, endpoint: Any, name: str, said: Any, schema: dict[str, Any]
) -> None:
    """Add a route that writes, below the version's path."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    made.add_api_route(
        f"/{dialect.prefix}/{path}",
        endpoint,
        methods=["POST"],
        tags=[f"SensorThings {dialect.version}"],
        name=f"{dialect.prefix}-{name}",
        operation_id=f"{dialect.prefix}-{name}",
        status_code=201,
        responses=said,
        response_class=Response,
        openapi_extra={"requestBody": body},
    )


async def body_of(request: Request, most: int | None = None) -> bytes | Response:
    """Return a request's body, or the answer to one that is too large or too slow."""
    allowed = request.app.state.settings.max_body_bytes
    return await read_body(request, allowed if most is None else min(allowed, most), BODY_TIMEOUT_S)


def address(request: Request, dialect: Dialect, entity_set: str, identity: str) -> str:
    """Return the address of an entity."""
    return f"{host_of(request)}/{dialect.prefix}/{entity_set}('{identity}')"


def created(request: Request, dialect: Dialect, entity_set: str, identity: str) -> Response:
    """Return the answer that an entity was made."""
    return Response(status_code=201, headers={"Location": address(request, dialect, entity_set, identity)})


async def sealed(
    request: Request, made: Callable[..., Sent], *what: Any
) -> tuple[Sent, list[Taken]] | Response:
    """Let what was sent wait for its turn, without a thread; return what became of it, or the answer to it.

    Parameters
    ----------
    made, what
        The function of the service that parses what was sent, and what it is given.
    """
    sent: Sent | None = None
    try:
        for _ in range(MAX_MADE):
            sent = await run_in_threadpool(made, *what)
            leave_place(request.scope)  # others are answered while it waits
            with suppress(ContractReplaced):
                return sent, await asyncio.wrap_future(sent.answer)
        request.state.is_recorded = True  # nothing was written
        again = "feed: want a contract that stays while this is sealed, got new ones: come again"
        return problem(503, ContractReplaced.code, again, _RETRY)
    except NoSuchEntity as exc:
        return problem(404, exc.code, str(exc))
    except NotAccepted as exc:
        request.state.is_written = sent is not None  # what was set aside is sealed too
        return problem(409, exc.code, str(exc))
    except PostsWaiting as exc:
        request.state.is_recorded = True  # nothing was written
        return problem(503, exc.code, str(exc), _RETRY)
    except (HomeBusy, ClockBehind) as exc:
        if sent is None or sent.is_begun:
            raise
        request.state.is_recorded = True  # nothing was written
        if isinstance(exc, ClockBehind):
            said = (
                "city: want a clock after its last batch of this feed, got one that was set back: come again"
            )
            return problem(503, exc.code, said, _RETRY_LATER)
        said = f"city: want a moment in {WAIT_S:.0f} s when no other program writes, got none: come again"
        return problem(503, exc.code, said, _RETRY)
