"""What JSON leaves open and evidence must not: names given twice, half characters, depth.

Readers differ on all three (Polars takes the first of two equal names, JavaScript the last),
so a record that has one means different things to different people and is refused.
"""

import json
import re
from typing import Any

import numpy as np
import orjson

from veracity.data.bytescan import QUOTE, Offsets, following

DEPTH = 64

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_LOOSE_NAME = re.compile(rb'"[ \t\r\n]+:')


class NotOneObject(Exception):
    """The record is not one unambiguous JSON object: a verdict on one record, kept inside `data`."""


def load_object(record: bytes) -> dict[str, Any]:
    """Parse a record (RFC 8259, no NaN, no lone surrogates), or raise ``NotOneObject``."""
    if not record.strip(b" \t\r\n"):
        raise NotOneObject("want an object, got nothing")
    try:
        value = orjson.loads(record)
    except orjson.JSONDecodeError as exc:
        raise NotOneObject(f"want one JSON object, got: {exc}") from exc
    if not isinstance(value, dict):
        raise NotOneObject(f"want a JSON object, got {_KINDS.get(type(value), 'a number')}")
    return value


_KINDS = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def check_names(record: bytes) -> None:
    """Raise ``NotOneObject`` if a parsable record nests too deep or gives a name twice."""
    if record.count(b"{") + record.count(b"[") > DEPTH and _depth(record) > DEPTH:
        raise NotOneObject(f"want at most {DEPTH} levels, got more")
    value = load_object(record)
    if record.count(b'":') == len(value) and not _LOOSE_NAME.search(record):
        return
    json.loads(record, object_pairs_hook=_no_twins)


def _no_twins(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for i, name in enumerate(names) if name in names[:i])
        raise NotOneObject(f"want each name once, got {twin[:40]!r} twice")


def _depth(record: bytes) -> int:
    """Return how deep arrays and objects nest, brackets inside strings aside."""
    deepest = level = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', record):
        if token[0] in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif token[0] in b"]}":
            level -= 1
    return deepest


def half_characters(data: bytes) -> Offsets:
    r"""Return the offsets of escapes like ``\ud8ab``: in pairs they are fine, one alone is not."""
    found = [m.start() for m in _HALF.finditer(data)] if b"\\" in data else []
    return np.array(found, np.int64)


def name_ends(data: bytes) -> tuple[Offsets, Offsets]:
    """Return the colons right after a quote, and those right after a blank.

    The first end a name, or stand in a string after an escaped quote; the second may.
    """
    return following(data, ord(":"), lambda before: before == QUOTE, lambda before: before <= 0x20)
