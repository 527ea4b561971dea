"""Routes whose readers are told of their own mistakes, and not of what is wrong with the city's files."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from veracity.errors import VeracityError
from veracity.home.errors import RecordNotFound
from veracity.server.as_of_route import AsOfRoute
from veracity.server.errors import CityUnreadable, ServerError

logger = logging.getLogger(__name__)


class ReadingRoute(AsOfRoute):
    """A route that reads the home: what it cannot read is 503, whatever the kind of the error.

    One that knows only what is now refuses ``as_of``: who asks what was known then must not be told more.

    An error of a core says what a file or a statement of the city is not; a reader has done nothing wrong,
    and its words may name places.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with its errors told apart."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except (ServerError, RecordNotFound):
                raise
            except VeracityError as exc:
                logger.warning("%s: %s: %s", request.url.path, exc.code, exc)
                raise CityUnreadable("city: want what this answer is made of, got an error") from exc

        return handler
