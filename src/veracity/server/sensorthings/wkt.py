"""Geometry as a query writes it: well-known text (OGC 06-103r4, section 7). Pure, of bounded size."""

import math
import re
from typing import Any

from veracity.server.sensorthings.geometry import Geometry, Point, Ring

MAX_POINTS = 2_000
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|([A-Za-z]+)|([(),]))")
_SRID = re.compile(r"\s*SRID\s*=\s*(\d{1,6})\s*;", re.IGNORECASE)


def parse_wkt(text: str) -> Geometry:
    """Parse well-known text; ValueError if it is none, or has more than ``MAX_POINTS`` points."""
    srid = _SRID.match(text)
    if srid is not None:
        if srid.group(1) not in ("4326", "4979"):
            raise ValueError(f"want SRID 4326, got {srid.group(1)}")
        text = text[srid.end() :]
    tokens, at = list[str](), 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(tokens) > 8 * MAX_POINTS:
            raise ValueError(f"want well-known text, got {text[at : at + 20]!r}")
        tokens.append(match.group(match.lastindex or 1))
        at = match.end()
    if not tokens:
        raise ValueError("want well-known text, got none")
    kind = tokens.pop(0).upper()
    if tokens and tokens[0].upper() in ("Z", "M", "ZM"):
        tokens.pop(0)
    return _shaped(kind, _Nested(tokens).read())


class _Nested:
    """Nested lists of coordinates out of tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at, self._n = tokens, 0, 0

    def read(self) -> Any:
        value = self._group(0)
        if self._at != len(self._tokens):
            raise ValueError(f"want the end, got {self._tokens[self._at]!r}")
        return value

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise ValueError("want more coordinates, got the end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _group(self, depth: int) -> list[Any]:
        """Return what one pair of brackets holds: positions, or groups."""
        if self._take() != "(" or depth > 4:
            raise ValueError("want a group of coordinates, got none")
        found: list[Any] = []
        while True:
            if self._at < len(self._tokens) and self._tokens[self._at] == "(":
                found.append(self._group(depth + 1))
            else:
                found.append(self._position())
            ends = self._take()
            if ends == ")":
                return found
            if ends != ",":
                raise ValueError(f"want a comma or an end, got {ends!r}")

    def _position(self) -> Point:
        numbers = []
        while self._at < len(self._tokens) and self._tokens[self._at] not in ("(", ")", ","):
            numbers.append(_finite(float(self._take())))
        if not 2 <= len(numbers) <= 4:
            raise ValueError(f"want two coordinates, got {len(numbers)}")
        self._n += 1
        if self._n > MAX_POINTS:
            raise ValueError(f"want at most {MAX_POINTS} points, got more")
        return numbers[0], numbers[1]


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("want a finite coordinate, got another")
    return number


def _shaped(kind: str, nested: list[Any]) -> Geometry:
    try:
        if kind == "POINT" and len(nested) == 1:
            return Geometry(points=(_as_point(nested[0]),))
        if kind == "MULTIPOINT":
            return Geometry(points=tuple(_as_point(p[0] if isinstance(p, list) else p) for p in nested))
        if kind == "LINESTRING":
            return Geometry(lines=(_line(nested),))
        if kind == "MULTILINESTRING":
            return Geometry(lines=tuple(map(_line, nested)))
        if kind == "POLYGON":
            return Geometry(polygons=(tuple(map(_ring, nested)),))
        if kind == "MULTIPOLYGON":
            return Geometry(polygons=tuple(tuple(map(_ring, rings)) for rings in nested))
    except (TypeError, IndexError) as exc:
        raise ValueError(f"want the coordinates of a {kind}, got others") from exc
    raise ValueError(f"want a point, line string or polygon, got {kind[:20]!r}")


def _as_point(position: Any) -> Point:
    if not isinstance(position, tuple):
        raise TypeError(position)
    return position


def _line(nested: Any) -> Ring:
    points = tuple(map(_as_point, nested))
    if len(points) < 2:
        raise ValueError("line: want two points, got one")
    return points


def _ring(nested: Any) -> Ring:
    points = tuple(map(_as_point, nested))
    if len(points) < 4 or points[0] != points[-1]:
        raise ValueError("ring: want it closed, of four points or more, got another")
    return points
