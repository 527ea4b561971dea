"""What is in a message, cut into records: one JSON object, several on lines of their own, an array, or CSV.

A record is a run of the bytes received, as they are. Of an array only the brackets, the commas and the
blanks between its items are left out; of lines only their ends. Whether a record is any good is not
asked here: each is read, and refused or not, with the others of its batch. But where it ends must follow
from its own bytes, whatever comes before it or after: in a batch of many messages each is to be found
again, and no message may reach into the next.
"""

import re
from functools import cache
from typing import Literal

import orjson

from veracity.data.errors import MalformedBody

_BLANK = b" \t\r\n"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]|,', re.DOTALL)
_LOOSE = re.compile(rb"[}\]]\s+,|,\s+[{\[]")


def cut_body(body: bytes, kind: Literal["csv", "ndjson"], separator: str = ",") -> list[bytes]:
    """Return the records of a message without their line ends; blank lines are none.

    ``separator`` is what stands between the fields of CSV.

    Raises
    ------
    MalformedBody
        If there is no record; if an array is no JSON array of objects; if a record of JSON goes over
        several lines; if a quote in CSV neither opens a field nor closes it on its line.
    """
    text = body.strip(_BLANK)
    if not text:
        raise MalformedBody("body: want at least one record, got none")
    if kind == "ndjson" and text[:1] == b"[":
        return _items(text)
    return _lines(text, kind, separator)


def _lines(text: bytes, kind: str, separator: str) -> list[bytes]:
    lines = [line.rstrip(b"\r") for line in text.split(b"\n")]
    records = [line for line in lines if line.strip(_BLANK)]
    if kind == "csv" and b'"' in text:
        fields = _fields(separator)
        if not all(fields.fullmatch(line) for line in records if b'"' in line):
            raise MalformedBody("body: want quoted fields that end on their line, got one that does not")
    if kind == "ndjson" and records[0].strip(_BLANK) in (b"{", b"["):
        raise MalformedBody("body: want each JSON object on one line, got one over several")
    return records


@cache
def _fields(separator: str) -> re.Pattern[bytes]:
    """Return what a line of CSV fields is, each quoted as a whole or without a quote."""
    mark = re.escape(separator.encode())
    field = rb'(?:"(?:[^"]|"")*"|[^"' + mark + rb"]*)"
    return re.compile(field + rb"(?:" + mark + field + rb")*")


def _items(text: bytes) -> list[bytes]:
    """Return the items of a JSON array of objects as they stand in it."""
    if b"\n" in text or b"\r" in text:
        raise MalformedBody(
            "body: want an array on one line (or its objects on a line each), got line breaks"
        )
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise MalformedBody(f"body: want a JSON array of objects, got: {exc}") from exc
    if not values or not all(isinstance(v, dict) for v in values):
        raise MalformedBody("body: want a JSON array of one object or more, got something else in it")
    inner = text[1:-1].strip(_BLANK)
    if not _LOOSE.search(inner):
        pieces = inner[1:-1].split(b"},{")
        if len(pieces) == len(values):  # no string holds those three characters: each is a boundary
            return [b"{" + piece + b"}" for piece in pieces]
    return _walked(inner)


def _walked(inner: bytes) -> list[bytes]:
    """Cut at the commas outside of everything."""
    items, depth, start = [], 0, 0
    for token in _TOKEN.finditer(inner):
        mark = token.group()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
        elif mark == b"," and depth == 0:
            items.append(inner[start : token.start()].strip(_BLANK))
            start = token.end()
    return [*items, inner[start:].strip(_BLANK)]
