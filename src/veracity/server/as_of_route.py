"""Routes that know only what is now, and say so to who asks what was known then."""

from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from veracity.server.errors import MalformedQuery

AS_OF = "as_of"


class AsOfRoute(APIRoute):
    """A route that refuses ``as_of`` unless it takes it: none may be told more than was known then."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        inner = super().get_route_handler()
        if AS_OF in signature(self.endpoint).parameters:
            return inner

        async def handler(request: Request) -> Response:
            if AS_OF in request.query_params:
                raise MalformedQuery(f"{AS_OF}: want none, as this is told of now alone, got one")
            return await inner(request)

        return handler
