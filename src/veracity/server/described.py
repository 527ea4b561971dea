"""What the OpenAPI description says of errors: the one body they all have (RFC 9457)."""

from http import HTTPStatus
from typing import Any

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "Stable: callers may match on it."},
        "detail": {"type": "string", "description": "What, wanted, got; one line."},
    },
}


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return ``responses`` of a route for the errors that it answers with."""
    content = {"application/problem+json": {"schema": _SCHEMA}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}
