"""Errors of NGSI-LD as ETSI GS CIM 009, section 6.3.2 names them, in the one error body of the server."""

import json

from starlette.responses import Response

from veracity.errors import Malformed
from veracity.server.errors import ServerError

_BASE = "https://uri.etsi.org/ngsi-ld/errors/"
MEDIA_TYPE = "application/problem+json"


class BadRequestData(ServerError, Malformed):
    """The request's parameters or body are not what NGSI-LD asks for."""

    code = "bad-request-data"


class NoSuchEntity(ServerError, Malformed):
    """There is no such entity, type or attribute."""

    code = "resource-not-found"


def ngsi_problem(error: Malformed) -> Response:
    """Return the answer for what a client got wrong: 404 for what is not there, else 400."""
    is_missing = isinstance(error, NoSuchEntity)
    status, name = (404, "ResourceNotFound") if is_missing else (400, "BadRequestData")
    document = {
        "type": _BASE + name,
        "title": name,
        "status": status,
        "code": error.code,
        "detail": str(error)[:1000],
    }
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(body, status, headers, media_type=MEDIA_TYPE)
