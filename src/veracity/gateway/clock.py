"""Times as the gateway writes them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_ns(ns: int) -> str:
    """Write nanoseconds since 1970 as UTC to the microsecond; sorts as text.

    >>> format_ns(1_800_000_000_123_456_789)
    '2027-01-15T08:00:00.123456Z'
    """
    stamp = _EPOCH + timedelta(microseconds=ns // 1_000)
    return stamp.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
