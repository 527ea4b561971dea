"""The path of a request: from an entity set over entities and relations to what is asked for."""

import re
from dataclasses import dataclass

from veracity.server.sensorthings.errors import NoSuchEntity

MAX_STEPS = 12
_STEP = re.compile(r"([A-Za-z]{1,60})(?:\((.*)\))?|\$(ref|value)")


@dataclass(frozen=True)
class Step:
    """A name in a path, and the identifier behind it if there is one; ``$ref`` is a name too."""

    name: str
    id: str | None = None


def parse_path(text: str) -> list[Step]:
    """Parse what stands after the version.

    Raises
    ------
    NoSuchEntity
        If it is no path of the standard's.

    Examples
    --------
    >>> parse_path("Things('a')/Datastreams")
    [Step(name='Things', id='a'), Step(name='Datastreams', id=None)]
    """
    parts = _split(text)
    if len(parts) > MAX_STEPS:
        raise NoSuchEntity(f"path: want at most {MAX_STEPS} names, got {len(parts)}")
    return [_step(part) for part in parts]


def _split(text: str) -> list[str]:
    parts, quoted, start = [], False, 0
    for at, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif char == "/" and not quoted:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _step(part: str) -> Step:
    match = _STEP.fullmatch(part)
    if match is None:
        raise NoSuchEntity(f"path: want a name, or a name and an identifier, got {part[:60]!r}")
    name, identity, special = match.groups()
    if special is not None:
        return Step(f"${special}")
    return Step(name, None if identity is None else _id(identity))


def _id(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        inner = text[1:-1]
        if "'" in inner.replace("''", ""):
            raise NoSuchEntity(f"path: want quotes within an identifier doubled, got {text[:60]!r}")
        return inner.replace("''", "'")
    if not text or "'" in text:
        raise NoSuchEntity(f"path: want an identifier in quotes, got {text[:60]!r}")
    return text
