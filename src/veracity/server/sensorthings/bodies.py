"""Parts of bodies that clients send: each is what it must be, or the body is refused. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from veracity.server.sensorthings.errors import MalformedEntity

MAX_DEPTH = 12  #: levels of a document
_DERIVED = {"observedArea", "phenomenonTime", "resultTime"}  # of datastreams: the server knows them

#: controls but tabs and line ends, and marks by which text reads in another order than it stands
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def parse_json(body: bytes) -> Any:
    """Parse a body; MalformedEntity if it is no JSON."""
    try:
        return orjson.loads(body)
    except ValueError as exc:
        raise MalformedEntity(f"body: want JSON, got: {str(exc)[:120]}") from exc


def identity_in(said: Mapping[str, Any]) -> str | None:
    """Return the identifier in an object; None without one."""
    found = said.get("@iot.id", said.get("id"))
    if found is not None and not isinstance(found, str):
        raise MalformedEntity(f"@iot.id: want a text, got {str(found)[:40]!r}")
    return found


def observed_in(said: Mapping[str, Any]) -> Any:
    """Return the one observed property in a datastream; None without any."""
    if said.get("ObservedProperties") is None:
        return said.get("ObservedProperty")
    found = list_in(said, "ObservedProperties")
    if len(found) > 1:
        raise MalformedEntity(f"ObservedProperties: want one of a datastream, got {len(found)}")
    return found[0] if found else None


def object_in(value: Any, what: str) -> Mapping[str, Any]:
    """Return a value that has to be an object."""
    if not isinstance(value, Mapping):
        raise MalformedEntity(f"{what}: want an object, got {'none' if value is None else 'another value'}")
    return value


def list_in(said: Mapping[str, Any], name: str) -> Sequence[Any]:
    """Return a list in an object; [] without one."""
    found = said.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise MalformedEntity(f"{name}: want a list, got another value")
    return found


def text_in(said: Mapping[str, Any], name: str, what: str) -> str:
    """Return a text in an object, which has to be there."""
    found = said.get(name)
    if not isinstance(found, str) or not found:
        raise MalformedEntity(f"{what}: want {name}, a text, got {'none' if found is None else 'another'}")
    return found


def check_shown(text: str, what: str, name: str) -> None:
    """Raise unless a text for people shows itself: no control but line ends and tabs, no turned direction."""
    found = _UNSHOWN.search(text)
    if found is not None:
        raise MalformedEntity(f"{what}: {name}: want characters that are shown, got U+{ord(found[0]):04X}")


def check_members(said: Mapping[str, Any], what: str, names: str) -> None:
    """Raise unless all that an object has is of these names, or empty."""
    known = {*names.split(), "@iot.id", "id", *(_DERIVED if what == "Datastreams" else ())}
    unknown = [name for name, value in said.items() if name not in known and value not in (None, [])]
    if unknown:
        raise MalformedEntity(f"{what}: want {names}, got {min(unknown)[:60]!r}")


def depth_of(value: Any) -> int:
    """Return how many levels a value has, counted no further than is allowed."""
    level, n = [value], 0
    while level and n <= MAX_DEPTH:
        inner = [
            list(v.values()) if isinstance(v, Mapping) else v for v in level if isinstance(v, (Mapping, list))
        ]
        level, n = [v for values in inner for v in values], n + 1
    return n
