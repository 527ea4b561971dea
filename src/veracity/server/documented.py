"""What the API's description says of answers that are not made by models: problems, documents, files."""

from typing import Any

_PROBLEM = {"$ref": "#/components/schemas/Problem"}  #: ``openapi.complete`` adds it
_WHY = {
    400: "What was asked for is malformed",
    401: "An account is needed, and the request brings none that counts",
    403: "Not for everybody",
    404: "There is no such thing",
    406: "No form of it that is accepted",
    409: "It does not fit what there is",
    413: "The body is too large",
    416: "The file has no such part",
    422: "A parameter or the body is not what the route takes",
    429: "Too many requests: wait",
    503: "Not now: try again",
}
_OBJECT = {"type": "object"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe errors of these statuses by the one body that they all have (RFC 9457).

    Of those not named ``openapi.complete`` says 4XX and 5XX.
    """
    content = {"application/problem+json": {"schema": _PROBLEM}}
    return {status: {"description": _WHY[status], "content": dict(content)} for status in statuses}


def document(
    *media_types: str, about: str = "The document", schema: Any = None
) -> dict[int | str, dict[str, Any]]:
    """Describe a document, in one media type or several."""
    content = {
        m: {"schema": (schema or _OBJECT) if "json" in m or "yaml" in m else {"type": "string"}}
        for m in media_types
    }
    return {200: {"description": about, "content": content}, 304: {"description": "As the reader has it"}}


def listing(about: str) -> dict[int | str, dict[str, Any]]:
    """Describe a list as every list is: ``items`` and the address of the ``next`` part."""
    schema = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": _OBJECT},
            "next": {"type": ["string", "null"]},
        },
    }
    return document("application/json", about=about, schema=schema)


def binary(*media_types: str, about: str = "The file") -> dict[int | str, dict[str, Any]]:
    """Describe a file, of which parts may be asked for."""
    content = {m: {"schema": {"type": "string", "format": "binary"}} for m in media_types}
    return {
        200: {"description": about, "content": content},
        206: {"description": "The part asked for", "content": content},
        304: {"description": "As the reader has it"},
    }
