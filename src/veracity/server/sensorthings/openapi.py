"""What the interface's OpenAPI says: parameters and answers. The service parses and checks."""

from typing import Any

from veracity.server.sensorthings.query import MAX_CHARS, MAX_SKIP, MAX_TOP
from veracity.server.sensorthings.schema import Dialect

MAX_ASKED = 10**12


def _parameter(name: str, about: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def _text(name: str, about: str) -> dict[str, Any]:
    """Return a parameter in a language of its own, which JSON Schema cannot describe."""
    kind = name.removeprefix("$")
    bounded = f"{about} At most {MAX_CHARS:,} characters."
    return _parameter(name, bounded, type="string", format=f"odata-{kind}")


_AS_OF = _parameter("asOf", "A time: what was known then.", type="string", format="date-time")
_WITHIN = [
    _text("$select", "Names of properties and relations."),
    _text("$expand", "Relations to give within, with options of their own in brackets."),
    _AS_OF,
]
_OF_SETS = [
    _text("$filter", "A condition, such as `result gt 5`."),
    _text("$orderby", "Expressions, each with `asc` or `desc`."),
    _parameter(
        "$top", f"At most so many; {MAX_TOP:,} at once.", type="integer", minimum=0, maximum=MAX_ASKED
    ),
    _parameter("$skip", "Leave out so many.", type="integer", minimum=0, maximum=MAX_SKIP),
    _parameter("$count", "Whether to say how many there are in all.", type="boolean"),
]


def parameters(
    entity_set: str, dialect: Dialect, *, is_set: bool, is_ref: bool = False
) -> list[dict[str, Any]]:
    """Return the query parameters of a route."""
    found = [*(_OF_SETS if is_set else []), *([_AS_OF] if is_ref else _WITHIN)]
    if is_set and not is_ref and entity_set == "Observations" and dialect.is_old:
        about = "`dataArray`: observations as arrays."
        found.append(_parameter("$resultFormat", about, type="string", enum=["dataArray"]))
    return found


def json_response(about: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a response with JSON."""
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def page(dialect: Dialect) -> dict[str, Any]:
    """Return the schema of a page of entities."""
    return {
        "type": "object",
        "required": ["value"],
        "properties": {
            "value": {"type": "array", "items": {"type": "object"}},
            dialect.count: {"type": "integer"},
            dialect.next_link: {"type": "string"},
        },
    }
