"""A log over HTTP, as C2SP tlog-tiles says, for anyone to read; nothing can be written or listed."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from veracity.errors import Unavailable, VeracityError
from veracity.log.bundles import Bundle, format_bundle
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import LogError, MalformedBundle, MalformedTile, ObjectMissing
from veracity.log.notes import parse_note
from veracity.log.reader import CHECKPOINT_PATH, ObjectTiles, read_bundle
from veracity.log.tiles import TILE_WIDTH, Tile, n_hashes, split_tile
from veracity.server.negotiation import accepts_gzip, is_known, strong_etag
from veracity.server.paths import asked_path
from veracity.server.problems import not_found, problem, wrong_method
from veracity.stores.served import CHECKPOINT_AGE_S, CHECKPOINT_TYPE, FILE_TYPE, IMMUTABLE

_GZIP_LEVEL = 6
_ALLOWED = "GET, HEAD, OPTIONS"
# A browser must be able to check the log from any page.
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": _ALLOWED,
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
    "Allow": _ALLOWED,
}


class NotShown(LogError):
    """What is asked for is beyond what is published."""

    code = "not-shown"


@dataclass(frozen=True)
class _Resource:
    read: Callable[[], bytes]
    media_type: str
    cache_control: str
    is_coded: bool = False  #: whether gzip is offered


class LogApp:
    """An ASGI application that serves the log in ``objects``: its checkpoint, tiles and bundles."""

    def __init__(self, objects: Objects, checkpoint_age_s: int = CHECKPOINT_AGE_S) -> None:
        self._objects = objects
        self._checkpoint_cache = f"public, max-age={checkpoint_age_s}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={**_CORS, **_PREFLIGHT})
        if request.method not in ("GET", "HEAD"):
            return wrong_method(request.method, _ALLOWED, _CORS)
        path = asked_path(request.scope)
        resource = self._resource(path)
        if resource is None:
            return not_found("path: want checkpoint, tile/<L>/<N> or tile/entries/<N>, got another", _CORS)
        try:
            body = await run_in_threadpool(resource.read)
        except NotShown:
            return not_found(f"{path}: want what the log has published, got none", _CORS)
        except ObjectMissing:
            # Of a log that is there, its checkpoint and what that covers are: its store is away.
            gone = f"{path}: want what the log has, got none now: nothing is published, or its store is away"
            return problem(503, "log-away", gone, {**_CORS, "Retry-After": "5"})
        except VeracityError as exc:
            status = 503 if isinstance(exc, Unavailable) else 500
            return problem(status, exc.code, str(exc), _CORS)
        return await _represented(request, resource, body)

    def _resource(self, path: str) -> _Resource | None:
        """Return what a path names; None for any spelling but the log's own."""
        if path == CHECKPOINT_PATH:
            return _Resource(
                lambda: self._objects.get(CHECKPOINT_PATH),
                CHECKPOINT_TYPE,
                self._checkpoint_cache,
            )
        try:
            if path.startswith("tile/entries/"):
                bundle = Bundle.parse(path)
                return _Resource(lambda: self._read_bundle(bundle), FILE_TYPE, IMMUTABLE, is_coded=True)
            tile = Tile.parse(path)
        except (MalformedBundle, MalformedTile):
            return None
        return _Resource(lambda: self._read_tile(tile), FILE_TYPE, IMMUTABLE)

    def _check_published(self, level: int, stop: int) -> None:
        """Show no hash or entry beyond what is published: what is immutable must never be taken back."""
        size = parse_checkpoint(parse_note(self._objects.get(CHECKPOINT_PATH)).text).size
        if stop > n_hashes(level, size):
            raise NotShown(f"want at most {size} entries, as published, got more")

    def _read_tile(self, tile: Tile) -> bytes:
        self._check_published(tile.level, tile.index * TILE_WIDTH + tile.width)
        data = ObjectTiles(self._objects).read_tiles([tile])[0]
        split_tile(tile, data)
        return data

    def _read_bundle(self, bundle: Bundle) -> bytes:
        self._check_published(0, bundle.index * TILE_WIDTH + bundle.width)
        return format_bundle(read_bundle(self._objects, bundle))


async def _represented(request: Request, resource: _Resource, body: bytes) -> Response:
    """Code the body as the client takes it, or tell it that it has it already."""
    headers = {
        **_CORS,
        "Cache-Control": resource.cache_control,
        "X-Content-Type-Options": "nosniff",
        "ETag": strong_etag(body),
    }
    gzipped = resource.is_coded and accepts_gzip(request.headers.get("accept-encoding"))
    if resource.is_coded:
        headers["Vary"] = "Accept-Encoding"
    if gzipped:
        headers |= {"Content-Encoding": "gzip", "ETag": headers["ETag"][:-1] + '-gzip"'}
    if is_known(request.headers.get("if-none-match"), headers["ETag"]):
        headers.pop("Content-Encoding", None)
        return Response(status_code=304, headers=headers)
    if gzipped:
        body = await run_in_threadpool(gzip.compress, body, _GZIP_LEVEL, mtime=0)
    headers["Content-Type"] = resource.media_type
    return Response(body, headers=headers)
