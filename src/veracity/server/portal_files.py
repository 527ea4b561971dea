"""The portal: the files that ``make`` built into the package, each known by its name before it is asked for.

A path is looked up in a list made when the server starts; no path of a client is ever opened.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from veracity.server.answers import FRESH, IMMUTABLE, answer
from veracity.server.inline_policy import inline_policy
from veracity.server.negotiation import accepts_gzip
from veracity.server.paths import asked_path
from veracity.server.problems import not_found, wrong_method

INDEX = "index.html"
_ALLOWED = "GET, HEAD"
_HASHED = re.compile(r"assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+")  # as Vite names what it built
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".pbf": "application/x-protobuf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
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


@dataclass(frozen=True)
class _File:
    place: Traversable
    gzipped: Traversable | None
    media_type: str
    cache_control: str
    policy: str | None = None  # of a page that has its scripts inside


class PortalFiles:
    """An ASGI application that serves the files of the portal; ``/`` is its ``index.html``."""

    def __init__(self, folder: Traversable | None = None) -> None:
        self._files = _listed(files("veracity") / "portal" if folder is None else folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = asked_path(request.scope) or INDEX
        found = self._files.get(path)
        is_missing = found is None and path == INDEX
        if found is None and not is_missing:
            return not_found("path: want one of this server, got another")
        if request.method not in ("GET", "HEAD"):
            return wrong_method(request.method, _ALLOWED)
        if found is None:
            return answer(request, _MISSING, "text/html; charset=utf-8", headers=_NOSNIFF)
        coded = found.gzipped is not None and accepts_gzip(request.headers.get("accept-encoding"))
        place = found.gzipped if coded and found.gzipped is not None else found.place
        try:
            body = await run_in_threadpool(place.read_bytes)
        except OSError:
            return not_found("path: want a file of the portal, got one that is gone")
        headers = dict(_NOSNIFF)
        if found.policy is not None:
            headers["Content-Security-Policy"] = found.policy
        if found.gzipped is not None:
            headers["Vary"] = "Accept-Encoding"
        if coded:
            headers["Content-Encoding"] = "gzip"
        return answer(request, body, found.media_type, cache_control=found.cache_control, headers=headers)


def _listed(folder: Traversable) -> Mapping[str, _File]:
    """Return the files of a folder by their paths in it; none if it is not there."""
    found: dict[str, Traversable] = {}
    waiting = [("", folder)] if folder.is_dir() else []
    while waiting:
        prefix, at = waiting.pop()
        for child in at.iterdir():
            if child.is_dir():
                waiting.append((f"{prefix}{child.name}/", child))
            else:
                found[prefix + child.name] = child
    listed = {}
    for path, place in found.items():
        dot = path.rfind(".")
        suffix = path[dot:] if dot > path.rfind("/") else ""
        kind = _TYPES.get(suffix)
        if kind is None:
            continue  # what has no type of ours is no part of the portal
        is_text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
        listed[path] = _File(
            place,
            found.get(path + ".gz"),
            f"{kind}; charset=utf-8" if is_text else kind,
            IMMUTABLE if _HASHED.fullmatch(path) else FRESH,
            inline_policy(place.read_bytes()) if kind == "text/html" else None,
        )
    return listed
