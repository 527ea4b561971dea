"""What a document of a source says, as rows of a feed: canonical JSON objects of plain values.

A renderer moves values and judges none: text stays text, a number a number, and the feed's contract says
what is wrong with it. What the document does not say is left out of the row. So is what cannot be a plain
value, such as an object where the standard has a number; the document itself is kept all the same.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from veracity.canonical import canonical_json
from veracity.feeds.errors import MalformedDocument

MAX_TEXT = 4_096
MAX_ROWS = 200_000
_SAFE = 2**53
_LAST_S = 253_402_300_799  # the end of the year 9999


def row(values: Mapping[str, Any], whole: Collection[str] = ()) -> bytes:
    """Return one row; names whose value is None, no plain one or blank are left out.

    Texts are cut at ``MAX_TEXT`` but for those named in ``whole``.

    Examples
    --------
    >>> row({"id": " A1 ", "speed": 2.0, "note": "", "of": [1]})
    b'{"id":"A1","speed":2}'
    """
    found = {name: plain(value, None if name in whole else MAX_TEXT) for name, value in values.items()}
    return canonical_json({name: value for name, value in found.items() if value is not None})


def plain(value: Any, max_chars: int | None = MAX_TEXT) -> str | int | float | bool | None:
    """Return a text (without blanks at its ends, cut at ``max_chars``), a number or a boolean; else None.

    A number that JSON does not carry exactly becomes its text.
    """
    if isinstance(value, str):
        return value.strip()[:max_chars].rstrip() or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_SAFE < value < _SAFE else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None


def joined(values: Iterable[Any], between: str = " ") -> str | None:
    """Join the plain values among some, each once, in their order; None if there are none.

    No value is cut: those that would make the text longer than ``MAX_TEXT`` are left out.
    """
    text = ""
    for part in dict.fromkeys(str(p) for p in map(plain, values) if p is not None):
        longer = f"{text}{between}{part}" if text else part
        if len(longer) > MAX_TEXT:
            break
        text = longer
    return text or None


def utc(seconds: int) -> str:
    """Write seconds since 1970 as a time; a number that is none of the years to 9999 as it stands.

    Examples
    --------
    >>> utc(1_788_220_800), utc(10**15)
    ('2026-09-01T00:00:00Z', '1000000000000000')
    """
    if not 0 <= seconds <= _LAST_S:
        return str(seconds)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_json(document: bytes, what: str) -> Any:
    """Read a JSON document, or raise MalformedDocument."""
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError as exc:
        raise MalformedDocument(f"{what}: want JSON, got: {exc}") from exc


def as_object(value: Any) -> Mapping[str, Any]:
    """Return an object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of an array; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def check_count(n_rows: int, what: str) -> None:
    """Raise MalformedDocument for a document of more rows than one may have."""
    if n_rows > MAX_ROWS:
        raise MalformedDocument(f"{what}: want at most {MAX_ROWS} rows, got {n_rows}")
