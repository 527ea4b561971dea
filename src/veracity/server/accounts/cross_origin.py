"""What pages of other sites may do (CORS): read, all of them; write, those that the settings name.

Credentials of the browser (our session) never count from elsewhere: ``Access-Control-Allow-Credentials`` is
never sent. A page that may write does so with a token that its user gave it.
"""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.accounts.origin import own_origin, plain_origin
from veracity.server.accounts.pace import SAFE
from veracity.server.problems import problem
from veracity.server.settings import ServerSettings

MAX_AGE_S = 3_600
_EXPOSED = (
    "Accept-Ranges, Allow, Content-Disposition, Content-Range, ETag, Link, Location, NGSILD-Results-Count,"
    " Repr-Digest, Retry-After, WWW-Authenticate"
)
_REQUEST_HEADERS = (
    "Accept, Authorization, Content-Type, If-Match, If-None-Match, If-Range, Link, NGSILD-Tenant, Prefer,"
    " Range"
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"


class CrossOrigin:
    """Answers preflights, tells browsers who may read an answer, and refuses writes of other sites."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app, self._settings = app, settings
        self._origins = {plain_origin(origin) for origin in settings.origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        request = Request(scope) if scope["type"] == "http" else None
        origin = request.headers.get("origin") if request is not None else None
        if request is None or origin is None:
            await self._app(scope, receive, send)
            return
        may_write = plain_origin(origin) in {*self._origins, own_origin(request, self._settings)}
        asked = request.headers.get("access-control-request-method")
        if request.method == "OPTIONS" and asked is not None:
            await self._preflight(origin, asked, may_write)(scope, receive, send)
            return
        if request.method not in SAFE and not may_write:
            detail = f"origin: want a page of this city or one that may write here, got {origin[:80]!r}"
            await problem(403, "cross-site", detail, {"Vary": "Origin"})(scope, receive, send)
            return
        allowed = "*" if request.method in SAFE else origin

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = allowed
                headers["Access-Control-Expose-Headers"] = _EXPOSED
                if allowed != "*":
                    headers.add_vary_header("Origin")
            await send(message)

        await self._app(scope, receive, sent)

    def _preflight(self, origin: str, asked: str, may_write: bool) -> Response:
        headers = {"Vary": "Origin, Access-Control-Request-Method", "Cache-Control": "no-store"}
        if asked not in SAFE and not may_write:
            return problem(403, "cross-site", "origin: want one that may write here, got another", headers)
        allowed = {
            "Access-Control-Allow-Origin": origin if may_write else "*",
            "Access-Control-Allow-Methods": _METHODS if may_write else "GET, HEAD",
            "Access-Control-Allow-Headers": _REQUEST_HEADERS,
            "Access-Control-Max-Age": str(MAX_AGE_S),
        }
        return Response(status_code=204, headers=headers | allowed)
