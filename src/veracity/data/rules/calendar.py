"""Calendars: when a sensor is meant to report, and how much of that time has passed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 24 * 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_LONGEST_DAYS = 40_000

Period = tuple[int, int]  # from and to, microseconds since 1970 UTC


@dataclass(frozen=True)
class Hours:
    """Hours of some days of the week, in local time.

    Attributes
    ----------
    days
        0 for Monday to 6 for Sunday: the days on which the hours begin.
    start_min, end_min
        Minutes after midnight. Where the end is not after the start it is on the next day.
    """

    days: tuple[int, ...]
    start_min: int
    end_min: int


def instant_us(at: datetime) -> int:
    """Return an aware time as microseconds since 1970 UTC."""
    return (at - EPOCH) // timedelta(microseconds=1)


def active_since_us(
    now_us: int, active_us: int, calendar: Sequence[Hours], zone: str, outages: Sequence[Period]
) -> int | None:
    """Return the earliest time from which to ``now_us`` no more than ``active_us`` were active.

    Active are the hours of the calendar, all of them if it is empty, without the outages. None if
    there are not so many active hours in the last hundred years.
    """
    days = min(active_us // _DAY_US + 8, _LONGEST_DAYS)
    while True:
        start_us = now_us - days * _DAY_US
        periods = _without(_merged(_calendar(start_us, now_us, calendar, zone)), _merged(outages))
        left = active_us
        for begin, end in reversed(periods):
            if end - begin > left:
                return end - left
            left -= end - begin
        if days == _LONGEST_DAYS:
            return None
        days = min(days * 4, _LONGEST_DAYS)


def _calendar(start_us: int, now_us: int, calendar: Sequence[Hours], zone: str) -> Iterator[Period]:
    if not calendar:
        yield start_us, now_us
        return
    for hours in calendar:
        for begin, end in _weekly(hours, start_us // _DAY_US - 2, now_us // _DAY_US + 2, zone):
            if begin < now_us and end > start_us:
                yield max(begin, start_us), min(end, now_us)


@lru_cache(maxsize=16)
def _weekly(hours: Hours, first_day: int, last_day: int, zone: str) -> tuple[Period, ...]:
    """Return the hours of each day; days are counted since 1970-01-01, a Thursday."""
    local = ZoneInfo(zone)
    end_min = hours.end_min if hours.end_min > hours.start_min else hours.end_min + DAY_MIN
    midnight = datetime(1970, 1, 1)  # noqa: DTZ001 - local time; the zone is added with the hour
    out = []
    for day in range(max(first_day, -700_000), min(last_day, 2_900_000) + 1):
        if (day + 3) % 7 in hours.days:
            ends = (midnight + timedelta(days=day, minutes=m) for m in (hours.start_min, end_min))
            begin, end = (instant_us(at.replace(tzinfo=local)) for at in ends)
            out.append((begin, end))
    return tuple(out)


def _merged(periods: Iterator[Period] | Sequence[Period]) -> list[Period]:
    """Return the periods in order, those that overlap or touch made one, empty ones left out."""
    out: list[Period] = []
    for begin, end in sorted(p for p in periods if p[0] < p[1]):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


def _without(periods: list[Period], cut: list[Period]) -> list[Period]:
    """Return what the periods have outside ``cut``; both in order and apart."""
    out: list[Period] = []
    at = 0
    for begin, end in periods:
        while at < len(cut) and cut[at][1] <= begin:
            at += 1
        here = at
        while here < len(cut) and cut[here][0] < end:
            if cut[here][0] > begin:
                out.append((begin, cut[here][0]))
            begin = max(begin, cut[here][1])
            here += 1
        if begin < end:
            out.append((begin, end))
    return out
