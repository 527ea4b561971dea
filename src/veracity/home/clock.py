"""The clock at the edge: the system's, or the one that ``SOURCE_DATE_EPOCH`` fixes.

``SOURCE_DATE_EPOCH`` (seconds since 1970, reproducible-builds.org) makes two runs give the
same statements to the byte. Times in statements are the city's word; witnesses add theirs.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from veracity.home.errors import BadName

Clock = Callable[[], datetime]


def system_clock() -> Clock:
    """Return a function that gives the time now, in UTC."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if fixed is None:
        return lambda: datetime.fromtimestamp(time.time(), UTC)
    if not fixed.isascii() or not fixed.isdigit() or len(fixed) > 11:
        raise BadName(f"SOURCE_DATE_EPOCH: want seconds since 1970, got {fixed[:20]!r}")
    return lambda: datetime.fromtimestamp(int(fixed), UTC)


def format_time(stamp: datetime) -> str:
    """Write a time as statements carry it: UTC, microseconds, ``Z``; sorts as text.

    One without an offset is UTC.
    """
    # isoformat, not strftime: that leaves the zeros out of a year below 1000
    return _utc(stamp).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(where: str, text: str) -> datetime:
    """Read an ISO 8601 time; one without an offset is UTC. ``BadName`` if it is none."""
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadName(f"{where}: want a time such as 2026-09-01T00:00:00Z, got {text[:40]!r}") from exc
    return take_time(where, stamp)


def take_time(where: str, stamp: datetime) -> datetime:
    """Return a time in UTC; one without an offset is UTC. ``BadName`` if no calendar there has it."""
    try:
        return _utc(stamp)
    except OverflowError as exc:
        raise BadName(f"{where}: want a time of the years 1 to 9999 in UTC, got {stamp.isoformat()}") from exc


def _utc(stamp: datetime) -> datetime:
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
