"""How NGSI-LD answers: its errors, its media types, the link to its context."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from veracity.errors import Malformed
from veracity.server.answers import json_answer
from veracity.server.blame import is_of_city
from veracity.server.documented import document, problems
from veracity.server.links import public_url
from veracity.server.ngsi_ld.context import JSONLD, link_header, with_context
from veracity.server.ngsi_ld.errors import BadRequestData, ngsi_problem

JSON = "application/json"


class NgsiRoute(APIRoute):
    """A route whose errors are those of NGSI-LD: what a client got wrong is 400 or 404, never 422."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap what answers."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as exc:
                where = exc.errors()[0]
                said = f"{'.'.join(map(str, where['loc']))}: {where['msg']}"
                return ngsi_problem(BadRequestData(said[:500]))
            except Malformed as exc:
                if is_of_city(exc, request.method):
                    raise
                return ngsi_problem(exc)

        return answered


def ngsi_answer(
    request: Request,
    said: Any,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    bare: bool = False,
) -> Response:
    """Return entities, or what else is said, in the form accepted; ``bare`` without a context of its own.

    Plain JSON has its context in a header, JSON-LD in the document.
    """
    more = dict(headers or {})
    wants_ld = JSONLD in request.headers.get("accept", "")[:1000].lower()
    url = public_url(request)
    if not wants_ld:
        links = [link_header(url), *([more.pop("Link")] if "Link" in more else [])]
        more["Link"] = ", ".join(links)
    shown = with_context(said, url) if wants_ld and not bare else said
    response = json_answer(request, shown, JSONLD if wants_ld else JSON, headers=more)  # type: ignore[arg-type]
    if response.status_code == 200:
        response.status_code = status
    response.headers["Vary"] = "Accept"
    return response


def documents(about: str, *statuses: int, **more: Any) -> dict[int | str, dict[str, Any]]:
    """Describe what a route answers."""
    schema = more.get("schema", {"type": ["object", "array"]})
    return document(JSON, JSONLD, about=about, schema=schema) | problems(400, *statuses)
