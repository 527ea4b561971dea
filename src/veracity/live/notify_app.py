"""Notifications of NGSI-LD brokers over HTTP: ``POST ngsi-ld/<name of the source>``.

A notification is answered only when its document is kept and its records are published. Whoever sends one
must have the token that the subscription gave the broker. Where our own broker is full the answer is 503;
what the other does then is its affair, and the source asks for what was missed.
"""

import hmac
import logging
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from veracity.errors import Unavailable, VeracityError
from veracity.feeds.ngsi_ld import TOKEN_HEADER, NgsiLd
from veracity.feeds.ngsi_ld_entities import MAX_BYTES
from veracity.feeds.source import Source, Stream
from veracity.live.outlet import Outlet
from veracity.live.threads import in_thread
from veracity.server.paths import asked_path
from veracity.server.problems import not_found, problem, status_of, wrong_method
from veracity.server.request_body import read_body

BODY_TIMEOUT_S = 15.0
PREFIX = "ngsi-ld/"

logger = logging.getLogger(__name__)


def notify_app(sources: Iterable[Source | Stream], outlet: Outlet) -> ASGIApp:
    """Return an application that takes notifications for those of the sources that are told."""
    return NotifyApp({source.name: source for source in sources if isinstance(source, NgsiLd)}, outlet)


class NotifyApp:
    """An ASGI application. Every other path than its own is not found."""

    def __init__(self, sources: dict[str, NgsiLd], outlet: Outlet) -> None:
        self._sources, self._outlet = sources, outlet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = asked_path(request.scope)
        source = self._sources.get(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        if source is None:
            return not_found("path: want ngsi-ld/<source>, got another")
        if request.method != "POST":
            return wrong_method(request.method, "POST")
        token = request.headers.get(TOKEN_HEADER, "").encode("latin-1")
        if not hmac.compare_digest(token, source.token.encode()):
            return problem(
                403, "wrong-token", f"notification: want the subscription's {TOKEN_HEADER}, got another"
            )
        body = await read_body(request, MAX_BYTES, BODY_TIMEOUT_S)
        if isinstance(body, Response):
            return body
        return await self._take(source, body)

    async def _take(self, source: NgsiLd, body: bytes) -> Response:
        try:
            fetched = await in_thread(source.notified, body)
            if fetched.records:
                await self._outlet.send(source.feed, source.name, fetched)
                source.published(fetched)
        except VeracityError as exc:
            logger.warning("notification for %s: %s", source.name, exc)
            if isinstance(exc, Unavailable):  # of our own broker and disk: none of the sender's affair
                return problem(503, exc.code, "notification: want it kept, got no room", {"Retry-After": "5"})
            return problem(status_of(exc), exc.code, str(exc))
        return Response(status_code=204)
