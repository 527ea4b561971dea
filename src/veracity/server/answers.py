"""Answers to readers: bytes with an entity tag, which caches and browsers need not fetch twice."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from veracity.server.negotiation import is_known, strong_etag

IMMUTABLE = "public, max-age=31536000, immutable"
FRESH = "public, max-age=0, must-revalidate"  #: of what changes with the log: ask again, pay little
PRIVATE = "private, no-store"  #: of what depends on who asks


def answer(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    cache_control: str = FRESH,
    headers: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Return a body with its entity tag, or 304 to who has it already (RFC 9110, section 13.1.2)."""
    etag = strong_etag(body)
    sent = {"Cache-Control": cache_control, "ETag": etag, **(headers or {})}
    if status == 200 and is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=sent)
    return Response(body, status, sent, media_type=media_type)


def json_answer(
    request: Request, document: object, media_type: str = "application/json", **more: str
) -> Response:
    """Return a document as JSON with its entity tag; ``more`` as ``answer`` has it: ``cache_control``."""
    body = orjson.dumps(document, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)
    return answer(request, body, media_type, **more)  # type: ignore[arg-type]
