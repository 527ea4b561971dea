"""What clients of the API ask with: times, pages of lists, names. Parsed once, here."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from fastapi import Path, Query

from veracity.home.clock import Clock, format_time
from veracity.server.errors import MalformedQuery

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)  #: of the calendar
MAX_ENTRY = 2**53 - 1  #: what every JSON reader takes as a whole number

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,40}))?(?:([Zz])|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_TIME = {"format": "date-time"}

AsOf = Annotated[
    str | None,
    Query(max_length=64, json_schema_extra=_TIME, description="As known at this time (RFC 3339)."),
]
When = Annotated[str | None, Query(max_length=64, json_schema_extra=_TIME)]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Items of a page.")]
FeedName = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
AppName = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{0,63}$")]
Number = Annotated[int, Path(ge=0, le=MAX_ENTRY)]
_NUMBERS = "^[0-9]{1,18}(-[0-9]{1,18}){%d}$"
Cursor1 = Annotated[str | None, Query(pattern=_NUMBERS % 0, description="Where a page before ended.")]
Cursor2 = Annotated[str | None, Query(pattern=_NUMBERS % 1, description="Where a page before ended.")]
Cursor3 = Annotated[str | None, Query(pattern=_NUMBERS % 2, description="Where a page before ended.")]
Key = Annotated[str | None, Query(max_length=256, description="Of one place or sensor.")]


def parse_when(name: str, text: str | None) -> datetime | None:
    """Read a time of a query: RFC 3339, with its offset. The calendar's ends stand for what is beyond them.

    Raises
    ------
    MalformedQuery
        If it is none.

    Examples
    --------
    >>> parse_when("at", "2026-09-01T07:00:00+07:00").isoformat()
    '2026-09-01T00:00:00+00:00'
    """
    if text is None:
        return None
    match = _RFC3339.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        return _time(match)
    except ValueError as exc:
        raise MalformedQuery(f"{name}: want a time such as 2026-09-01T00:00:00Z, got {text[:40]!r}") from exc


def _time(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    micro = int((match[7] or "0").ljust(6, "0")[:6])
    if second == 60:  # a leap second, which our clocks do not have
        second, micro = 59, 999_999
    offset = timedelta(0)
    if match[9]:
        hours, minutes = int(match[10]), int(match[11])
        if hours > 23 or minutes > 59:
            raise ValueError(match[0])
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if match[9] == "-" else 1)
    if year == 0:
        return FIRST
    local = datetime(year, month, day, hour, minute, second, micro, timezone(offset))
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return FIRST if year == 1 else LAST


def time_text(stamp: datetime | None) -> str | None:
    """Return a time as answers have it: RFC 3339, UTC, ``Z``."""
    return None if stamp is None else format_time(stamp)


def rough_now(clock: Clock, step_s: int = 10) -> datetime:
    """Return the time now, rounded down: so that ages do not make each answer another."""
    now = clock()
    return datetime.fromtimestamp(int(now.timestamp()) // step_s * step_s, UTC)


def parse_cursor(text: str | None, n: int) -> tuple[int, ...] | None:
    """Read a cursor of ``n`` whole numbers as ``format_cursor`` writes it; ``MalformedQuery`` for others."""
    if text is None:
        return None
    parts = text.split("-")
    if len(parts) != n or not all(p.isascii() and p.isdigit() and len(p) <= 18 for p in parts):
        raise MalformedQuery(f"cursor: want one that a page before gave, got {text[:40]!r}")
    return tuple(int(p) for p in parts)


def format_cursor(*numbers: int) -> str:
    """Return where a list goes on."""
    return "-".join(map(str, numbers))
