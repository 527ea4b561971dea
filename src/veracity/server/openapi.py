"""OpenAPI, complete and true: what every route answers beside its own answers is said in one place."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from veracity.server.answers import json_answer

PROBLEM = "application/problem+json"
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "The one error body (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/unknown-feed"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "Stable: callers may match on it."},
        "detail": {"type": "string"},
    },
}
_PROBLEM_ANSWER = {
    "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def complete(app: FastAPI, more_paths: Mapping[str, Any]) -> None:
    """Make an application tell all of its answers: problems of every route, and paths that are no routes."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            made["paths"].update(more_paths)
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = _PROBLEM_SCHEMA
            for operations in made["paths"].values():
                for method, operation in operations.items():
                    if method in _METHODS:
                        _add_problems(method, operation)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = made
        return app.openapi_schema

    def told(request: Request) -> Response:
        return json_answer(request, app.openapi())

    app.openapi = document  # type: ignore[method-assign]
    app.add_api_route("/openapi.json", told, methods=["GET", "HEAD"], include_in_schema=False)


def _add_problems(method: str, operation: dict[str, Any]) -> None:
    """Say that what fails is a problem, and that a reader who has an answer gets 304."""
    answers = operation.setdefault("responses", {})
    said = answers.get("422", {}).get("content", {}).get("application/json", {})
    if said.get("schema", {}).get("$ref", "").endswith("/HTTPValidationError"):
        del answers["422"]
    for range_, what in (("4XX", "Cannot be answered as asked."), ("5XX", "Cannot be answered now.")):
        answers.setdefault(range_, {"description": what, **_PROBLEM_ANSWER})
    if method == "get":
        answers.setdefault("304", {"description": "The reader has it already (If-None-Match)."})
