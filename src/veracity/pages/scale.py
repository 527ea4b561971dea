"""Numbers, times and spans as people read them, and where ticks stand on an axis."""

import math
from datetime import UTC, datetime, timedelta

Tick = tuple[float, str]

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999
_STEPS_S = (
    1,
    5,
    15,
    30,
    60,
    300,
    900,
    1800,
    3600,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
)
_STEPS_MONTHS = (1, 2, 3, 4, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 12_000)
_UNITS_S = (("y", 31_557_600), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def number(value: float) -> str:
    """Write a number with six digits at most, thousands apart.

    Examples
    --------
    >>> number(1234567.0), number(0.1 + 0.2), number(-0.0), number(1e300)
    ('1,234,567', '0.3', '0', '1e+300')
    """
    if value == 0:
        return "0"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    text = f"{value:.6g}"
    return text if "e" in text else f"{float(text):,}".removesuffix(".0")


def share(part: int, whole: int) -> str:
    """Write a share in percent; one that is not nothing is not 0 %, one that is not all not 100 %.

    Examples
    --------
    >>> share(1, 10_000_000), share(1, 8), share(9_999_999, 10_000_000), share(0, 0)
    ('<0.01 %', '12.5 %', '>99.99 %', '0 %')
    """
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.01:
        return "<0.01 %"
    if 99.99 < percent < 100:
        return ">99.99 %"
    digits = 2 if percent < 1 or percent > 99 else 1
    return f"{percent:.{digits}f}".rstrip("0").rstrip(".") + " %" if percent else "0 %"


def span(seconds: float) -> str:
    """Write a length of time in its largest unit.

    Examples
    --------
    >>> span(90), span(3600), span(86_400 * 800), span(0.5)
    ('1.5 min', '1 h', '2.19 y', '0.5 s')
    """
    unit, size = next(((u, s) for u, s in _UNITS_S if seconds >= s), _UNITS_S[-1])
    return f"{seconds / size:.3g} {unit}"


def instant(time_us: int) -> str:
    """Write a time to the minute, or to the second where it has seconds: UTC.

    Examples
    --------
    >>> instant(1_741_226_400_000_000)
    '2025-03-06 02:00'
    """
    stamp = _stamp(time_us)
    seconds = f":{stamp.second:02}" if stamp.second else ""
    return f"{stamp.year:04}-{stamp.month:02}-{stamp.day:02} {stamp.hour:02}:{stamp.minute:02}{seconds}"


def number_ticks(low: float, high: float, most: int = 4) -> list[Tick]:
    """Return at most ``most`` round numbers within an axis, each with its place from 0 to 1."""
    room = high - low
    if not room > 0 or not math.isfinite(room):
        return [(0.5, number(low))]
    step = 10.0 ** math.floor(math.log10(room / most))
    while math.floor(high / step) - math.ceil(low / step) + 1 > most:
        step *= 2.5 if f"{step:.0e}"[0] == "2" else 2
    first = math.ceil(low / step - 1e-9)
    values = [(first + i) * step for i in range(most) if (first + i) * step <= high + 1e-9 * room]
    return [((v - low) / room, number(round(v, 12) if abs(v) < 1e3 else v)) for v in values]


def time_ticks(start_us: int, end_us: int, most: int = 5) -> list[Tick]:
    """Return at most ``most`` round times within an axis, UTC, each with its place from 0 to 1."""
    room = max(end_us - start_us, 1)
    for step in _STEPS_S:
        if room / (step * 1e6) < most:
            first = -(-start_us // (step * 1_000_000))
            stamps = [(first + i) * step * 1_000_000 for i in range(most)]
            return [((t - start_us) / room, _told(t, step)) for t in stamps if t < end_us]
    for months in _STEPS_MONTHS:
        if room / (months * 2.6298e12) < most:
            break
    found = [t for t in _month_starts(start_us, months, most) if start_us <= t < end_us]
    return [((t - start_us) / room, _told(t, months * 2_629_800)) for t in found]


def _month_starts(start_us: int, months: int, most: int) -> list[int]:
    stamp = _stamp(start_us)
    first = (stamp.year * 12 + stamp.month - 1) // months
    starts = [divmod((first + i) * months, 12) for i in range(most + 1)]
    stamps = [datetime(y, m + 1, 1, tzinfo=UTC) for y, m in starts if 1 <= y <= 9999]
    return [(s - _EPOCH) // timedelta(microseconds=1) for s in stamps]


def _told(time_us: int, step_s: float) -> str:
    stamp = _stamp(time_us)
    day = f"{stamp.day} {_MONTHS[stamp.month - 1]}"
    if step_s >= 31_000_000:
        return f"{stamp.year}"
    if step_s >= 2_600_000:
        return f"{_MONTHS[stamp.month - 1]} {stamp.year}"
    if step_s >= 86_400:
        return f"{day} {stamp.year}"
    clock = f"{stamp.hour:02}:{stamp.minute:02}" + (f":{stamp.second:02}" if step_s < 60 else "")
    return f"{day} {clock}"


def _stamp(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(time_us, _FIRST_US), _LAST_US))
