"""What OpenAPI says of the log's files, which are served as they lie and not by routes."""

from typing import Any

_PARTIAL = "256 of them; `.p/<W>` at its end: the first W"


def _path(what: str, media_type: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "get": {
            "tags": ["log"],
            "summary": what,
            "parameters": list(parameters),
            "responses": {
                "200": {
                    "description": "As C2SP tlog-tiles lays it out.",
                    "content": {media_type: {"schema": {"type": "string", "format": "binary"}}},
                }
            },
        }
    }


_LEVEL = {
    "name": "level",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 0, "maximum": 63},
}
_INDEX = {
    "name": "index",
    "in": "path",
    "required": True,
    "description": f"As tlog-tiles writes it: 000 to 999, beyond that x001/000. {_PARTIAL}.",
    "schema": {"type": "string", "pattern": r"^[0-9]{3}$"},
}

LOG_PATHS: dict[str, Any] = {
    "/log/checkpoint": _path("Size and root, signed and cosigned", "text/plain; charset=utf-8"),
    "/log/tile/{level}/{index}": _path("Hashes of a level", "application/octet-stream", _LEVEL, _INDEX),
    "/log/tile/entries/{index}": _path("Entries", "application/octet-stream", _INDEX),
}
