"""``$filter`` as tokens: names, literals and signs. Nothing is computed from a text that is no token."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal as OneOf

from veracity.server.sensorthings.errors import MalformedFilter
from veracity.server.sensorthings.expression import Constant, Interval
from veracity.server.sensorthings.wkt import parse_wkt

MAX_CHARS = 8_000
MAX_TOKENS = 1_000
_STAMP = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|z|[+ -]\d{2}:?\d{2})?"
_PARTS = [  # the first that fits
    ("typed", r"(?:geography|geometry|duration)'(?:[^']|'')*'"),
    ("text", r"'(?:[^']|'')*'"),
    ("interval", rf"{_STAMP}/{_STAMP}"),
    ("stamp", _STAMP),
    ("date", r"\d{4}-\d{2}-\d{2}(?![\dT])"),
    ("clock", r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?![\d:])"),
    ("number", r"\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?(?![\w.])"),
    ("name", r"[A-Za-z_@][A-Za-z0-9_@]*(?:\.[A-Za-z][A-Za-z0-9_]*)*"),
    ("sign", r"[(),/:*-]"),
]
_TOKEN = re.compile(r"\s*(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS) + ")")
_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,7}(?:\.\d{1,6})?)S)?)?"
)


@dataclass(frozen=True)
class Token:
    """A token: a name, a sign, a literal, or the end. ``text`` as it was written."""

    kind: OneOf["name", "sign", "literal", "end"]
    text: str
    value: Constant = None


def tokens(text: str) -> list[Token]:
    """Cut an expression into tokens, the last of which is the end.

    Raises
    ------
    MalformedFilter
        At the first place where none begins, or if there are too many.
    """
    if len(text) > MAX_CHARS:
        raise MalformedFilter(f"filter: want at most {MAX_CHARS} characters, got {len(text)}")
    found, at = list[Token](), 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise MalformedFilter(
                f"filter: want a name, a literal or an operator, got {text[at : at + 20]!r}"
            )
        if len(found) >= MAX_TOKENS:
            raise MalformedFilter(f"filter: want at most {MAX_TOKENS} tokens, got more")
        found.append(_token(match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return [*found, Token("end", "the end")]


def _token(kind: str, text: str) -> Token:
    if kind == "name":
        named: dict[str, Constant] = {"true": True, "false": False, "null": None}
        return Token("literal", text, named[text]) if text in named else Token("name", text)
    if kind == "sign":
        return Token("sign", text)
    try:
        return Token("literal", text, _literal(kind, text))
    except (ValueError, OverflowError) as exc:
        raise MalformedFilter(f"filter: want a {kind}, got {text[:60]!r}: {exc}") from exc


def _literal(kind: str, text: str) -> Constant:
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "typed":
        name, _, quoted = text.partition("'")
        inner = quoted[:-1].replace("''", "'")
        return parse_duration(inner) if name == "duration" else parse_wkt(inner)
    if kind == "number":
        number = float(text)
        if number == float("inf"):
            raise ValueError("too large")
        return number
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "clock":
        return time.fromisoformat(text)
    if kind == "interval":
        start, _, end = text.partition("/")
        return Interval(parse_stamp(start), parse_stamp(end))
    return parse_stamp(text)


def parse_stamp(text: str) -> datetime:
    """Parse an instant, in UTC where it has no offset; ValueError. A blank may stand for an unencoded plus.

    Examples
    --------
    >>> parse_stamp("2026-09-01T07:00:00 07:00").isoformat()
    '2026-09-01T00:00:00+00:00'
    """
    day, sep, rest = text.partition("T")
    stamp = datetime.fromisoformat(f"{day}{sep}{rest.replace(' ', '+').replace('z', 'Z')}")
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


def parse_duration(text: str) -> timedelta:
    """Parse an ISO 8601 duration of days and less; ValueError.

    Examples
    --------
    >>> parse_duration("P1DT2H")
    datetime.timedelta(days=1, seconds=7200)
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        raise ValueError("want a duration such as P1DT2H")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if match.group(1) == "-" else length
