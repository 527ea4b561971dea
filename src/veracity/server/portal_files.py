"""The portal: the files that ``make`` built into the package, each known by its name before it is asked for.

A path is looked up in what was read of the build; no path of a client is ever opened. A server that runs
shows a new build as soon as it is whole, and goes on answering for the parts of the one before: pages that
are open fetch theirs when a view is first looked at.
"""

import asyncio
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from veracity.server.answers import answer
from veracity.server.negotiation import accepts_gzip
from veracity.server.paths import asked_path
from veracity.server.portal_build import INDEX, Build, BuiltFile, stamp_of
from veracity.server.problems import not_found, wrong_method

_ALLOWED = "GET, HEAD"
_NOSNIFF = {"X-Content-Type-Options": "nosniff"}
_MISSING = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Veracity</title>
<h1>Veracity</h1>
<p>This server runs, but the portal is not built. Build it in the source tree with <code>make portal</code>,
or install a released package, which has it.</p>
<ul>
<li><a href="/api/v1/city">The city, as JSON</a></li>
<li><a href="/openapi.json">What this server answers (OpenAPI)</a></li>
<li><a href="/log/checkpoint">The log's checkpoint</a></li>
</ul>
</html>
"""


class PortalFiles:
    """An ASGI application that serves the files of the portal; ``/`` is its ``index.html``."""

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = files("veracity") / "portal" if folder is None else folder
        self._build = Build.read(self._folder)
        self._before: dict[str, BuiltFile] = {}  # parts of the build before
        self._reading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = asked_path(request.scope) or INDEX
        found = await self._find(path)
        is_missing = found is None and path == INDEX
        if found is None and not is_missing:
            return not_found("path: want one of this server, got another")
        if request.method not in ("GET", "HEAD"):
            return wrong_method(request.method, _ALLOWED)
        if found is None:
            return answer(request, _MISSING, "text/html; charset=utf-8", headers=_NOSNIFF)
        coded = found.gzipped is not None and accepts_gzip(request.headers.get("accept-encoding"))
        body = found.gzipped if coded and found.gzipped is not None else found.body
        headers = dict(_NOSNIFF)
        if found.policy is not None:
            headers["Content-Security-Policy"] = found.policy
        if found.gzipped is not None:
            headers["Vary"] = "Accept-Encoding"
        if coded:
            headers["Content-Encoding"] = "gzip"
        return answer(request, body, found.media_type, cache_control=found.cache_control, headers=headers)

    async def _find(self, path: str) -> BuiltFile | None:
        """Return a file of the newest build that is whole, or a part of the one before."""
        known = self._build.files.get(path)
        if known is not None and known.is_hashed:
            return known  # whatever was built since: its name is of its content
        if self._build.is_followed_by(stamp_of(self._folder)):
            async with self._reading:  # one reads it, for all who ask meanwhile
                await self._renew()
            known = self._build.files.get(path)
        return self._before.get(path) if known is None else known

    async def _renew(self) -> None:
        if self._build.is_followed_by(stamp_of(self._folder)):
            old, self._build = self._build, await run_in_threadpool(Build.read, self._folder)
            self._before = {name: file for name, file in old.files.items() if file.is_hashed}
