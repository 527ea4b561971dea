"""The methods that a path takes, over all of its routes: what ``Allow`` says (RFC 9110, section 10.2.1)."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts


def allowed_methods(app: FastAPI, path: str) -> str:
    """Return the methods of a path, with commas between; "" where no route has it."""
    found: set[str] = set()
    for context in iter_route_contexts(app.routes):
        pattern = getattr(context, "path_regex", None)
        if context.methods and pattern is not None and pattern.match(path):
            found |= context.methods
    return ", ".join(sorted(found))
