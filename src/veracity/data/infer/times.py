"""Columns that hold times: in which shapes, and of which zone."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from veracity.data.contract_field import Field
from veracity.data.infer.names import words
from veracity.data.infer.readings import Column
from veracity.data.timeformat import strptime_format
from veracity.data.typed import MICROSECONDS, parse_timestamps

_DATES = (
    *("yyyy-MM-dd", "yyyy/MM/dd", "dd/MM/yyyy", "MM/dd/yyyy", "dd-MM-yyyy", "MM-dd-yyyy", "dd.MM.yyyy"),
    *(
        "yyyy.MM.dd",
        "yyyyMMdd",
        "dd-MMM-yyyy",
        "dd MMM yyyy",
        "MMM dd, yyyy",
        "MMM dd yyyy",
        "dd/MM/yy",
        "MM/dd/yy",
    ),
)
_CLOCKS = ("HH:mm:ss", "HH:mm", "hh:mm:ss a", "hh:mm a", "HH.mm.ss", "HH.mm", "HHmm", "HHmmss")
_TRIED = 400
_SHAPES = 5
_MOSTLY = 0.95
_CLOCK = r"^[0-9]{1,2}[:.][0-9]{2}([:.][0-9]{2})?( ?[AaPp][Mm])?$"
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_ZONE_MARKS = {
    "kst": "Asia/Seoul",
    "jst": "Asia/Tokyo",
    "ict": "Asia/Ho_Chi_Minh",
    "utc": "UTC",
    "gmt": "UTC",
    "sgt": "Asia/Singapore",
    "hkt": "Asia/Hong_Kong",
    "wib": "Asia/Jakarta",
    "cet": "Europe/Paris",
}
_PLACES = {
    "Asia/Ho_Chi_Minh": "vietnam viet_nam da_nang danang ha_noi hanoi ho_chi_minh hcmc can_tho hai_phong",
    "Asia/Seoul": "korea seoul busan",
    "Asia/Shanghai": "china beijing shanghai",
    "Asia/Taipei": "taiwan taipei",
    "Asia/Tokyo": "japan tokyo",
    "Asia/Singapore": "singapore",
    "Asia/Bangkok": "thailand bangkok",
    "Asia/Jakarta": "jakarta",
    "Asia/Manila": "philippines manila",
    "Asia/Kuala_Lumpur": "malaysia kuala_lumpur",
    "America/Chicago": "chicago",
    "America/New_York": "new_york",
    "Europe/London": "london",
    "Europe/Paris": "paris",
    "Europe/Rome": "italy rome",
    "Europe/Berlin": "berlin germany",
}
_BOXES = {  # south, north, west, east
    "Asia/Ho_Chi_Minh": (8.0, 23.5, 104.5, 110.0),
    "Asia/Taipei": (21.8, 25.5, 119.9, 122.1),
    "Asia/Seoul": (33.0, 38.7, 125.5, 129.7),
    "Asia/Singapore": (1.1, 1.5, 103.5, 104.1),
}


@dataclass(frozen=True)
class Times:
    """Times read from a column, or from some joined by a blank.

    Attributes
    ----------
    headers
        The source's column, or the columns to join.
    shapes
        As a contract writes them (JDK letters); () where ISO 8601 does.
    stamps
        (n,) UTC microseconds, zoneless ones as if they were UTC.
    is_zoned
        Whether each text gives its offset.
    is_date
        Whether all are dates without a time of day.
    """

    headers: tuple[str, ...]
    shapes: tuple[str, ...]
    stamps: pl.Series
    is_zoned: bool
    is_date: bool
    why: tuple[str, ...]


def read_times(column: Column) -> Times | None:
    """Read a column as times; None unless nearly all of its values are."""
    if isinstance(column.native, pl.Datetime) or column.native == pl.Date:
        zoned = isinstance(column.native, pl.Datetime) and column.native.time_zone is not None
        stamps = _parsed(column.text, ())
        why = (
            "a native date"
            if column.native == pl.Date
            else "a native time " + ("with its zone" if zoned else "without a zone")
        )
        return Times((column.header,), (), stamps, zoned, column.native == pl.Date, (why,))
    if column.native != pl.String or not _may_be_times(column.text):
        return None
    return _read(column.text, (column.header,))


def is_clock(column: Column) -> bool:
    """Tell whether a column holds times of day, such as ``18.00.00``."""
    n = column.n_present
    return n > 0 and int(column.text.str.contains(_CLOCK).sum()) > _MOSTLY * n


def read_joined(columns: Sequence[Column]) -> Times | None:
    """Read columns joined by a blank as times; None unless nearly all rows can be read."""
    text = pl.select(pl.concat_str([c.text for c in columns], separator=" ")).to_series()
    found = _read(text, tuple(c.header for c in columns))
    return None if found is None or found.is_date else found


def _may_be_times(text: pl.Series) -> bool:
    some = text.drop_nulls().head(_TRIED)
    if some.is_empty():
        return False
    shape = r"^[0-9A-Za-z][0-9A-Za-z ,.:/+-]{5,39}$"
    digits = some.str.contains(shape) & some.str.contains(r"[0-9]") & ~some.str.contains(r"^[0-9.]{1,7}$")
    parts = some.str.contains(r"[0-9][-/: .T].*[0-9][-/: .T].*[0-9]|[A-Za-z]{3}.*[0-9]") | some.str.contains(
        r"^(19|20)[0-9]{6}([0-9]{4}|[0-9]{6})?$"
    )
    return int((digits & parts).sum()) > _MOSTLY * some.len()


def _read(text: pl.Series, headers: tuple[str, ...]) -> Times | None:
    """Take shapes one by one, each that which reads the most of what is left."""
    present = text.drop_nulls().unique(maintain_order=True)
    some = present.gather_every(max(present.len() // _TRIED, 1)).head(_TRIED)
    shapes: list[str] = []
    notes: list[str] = []
    left = some.filter(_good(_parsed(some, ())).not_())
    n_iso = some.len() - left.len()
    zoned = n_iso == some.len() and bool(some.str.contains(r"(Z|[+-][0-9]{2}:?[0-9]{2})$").all())
    while left.len() and len(shapes) < _SHAPES:
        ranked = _ranked(left, present, shapes)
        if not ranked:
            break
        shape, n, doubt = ranked
        shapes.append(shape)
        notes.append(f"{shape!r} reads {n:,} of {left.len():,} distinct texts looked at" + doubt)
        left = left.filter(_good(_parsed(left, (shape,))).not_())
    stamps = _parsed(text, tuple(shapes))
    n_present = text.len() - text.null_count()
    if n_present == 0 or stamps.count() < _MOSTLY * n_present:
        return None
    if not shapes:
        notes.append("ISO 8601 reads all, with offsets" if zoned else "ISO 8601 reads all")
    if stamps.count() < n_present:
        notes.append(f"{n_present - stamps.count():,} of {n_present:,} values are no times")
    is_date = not any(re.search("[Hh]", s) for s in shapes) and not some.str.contains("[0-9]:[0-9]").any()
    return Times(headers, tuple(shapes), stamps, zoned, is_date, tuple(notes))


def _ranked(left: pl.Series, present: pl.Series, before: Sequence[str]) -> tuple[str, int, str] | None:
    """Return the shape that reads most of ``left``, how many, and what is doubtful about it.

    Where day and month may change places, the shapes ``before`` say which; else that which reads
    more of all texts ``present``; else that which gives the shorter time.
    """
    found: list[tuple[int, bool, int, float, int, str]] = []
    for order, shape in enumerate(_shapes()):
        stamps = _by_shape(left, shape)
        good = _good(stamps)
        n = int(good.sum())
        if n:
            inside = stamps.filter(good)
            span_s = (inside.max() - inside.min()).total_seconds()  # type: ignore[operator,union-attr]  # of times
            found.append((-n, not any(shape[:3] == b[:3] for b in before), 0, span_s, order, shape))
    if not found:
        return None
    most, unlike = min(found)[:2]
    tied = [f for f in found if f[:2] == (most, unlike)]
    shapes = {f[5] for f in tied}
    if any(_turned(s) in shapes for s in shapes):
        tied = [(f[0], f[1], -int(_good(_by_shape(present, f[5])).sum()), *f[3:]) for f in tied]
    best = min(tied)
    turned = next((f for f in tied if f[5] == _turned(best[5])), None)
    if turned is not None and turned[2] == best[2]:
        return best[5], -most, f"; CHECK day and month: {turned[5]!r} reads as many, over a longer time"
    return best[5], -most, ""


def _turned(shape: str) -> str | None:
    for a, b in (("dd/MM/", "MM/dd/"), ("dd-MM-", "MM-dd-")):
        if a in shape:
            return shape.replace(a, b)
        if b in shape:
            return shape.replace(b, a)
    return None


def _shapes() -> Iterable[str]:
    yield from ("yyyyMMddHHmm", "yyyyMMddHHmmss")
    yield from _DATES
    for date in _DATES:
        for clock in _CLOCKS:
            yield f"{date} {clock}"
            yield f"{date}'T'{clock}"
            yield f"{clock} {date}"


def _by_shape(text: pl.Series, shape: str) -> pl.Series:
    try:
        stamps = text.str.to_datetime(strptime_format("time", shape), strict=False, time_unit="us")
    except pl.exceptions.PolarsError:
        return pl.repeat(None, text.len(), dtype=MICROSECONDS, eager=True)
    return stamps.dt.replace_time_zone("UTC")


def _good(stamps: pl.Series) -> pl.Series:
    """Tell which are times of a year that a city has readings of."""
    return ((stamps >= _FIRST) & (stamps < _LAST)).fill_null(value=False)


def _parsed(text: pl.Series, shapes: tuple[str, ...]) -> pl.Series:
    patterns = tuple(strptime_format("time", s) for s in shapes)
    stamps = parse_timestamps(text, Field("time", "timestamp", ("time",), formats=patterns))
    return pl.select(pl.when(_good(stamps)).then(stamps)).to_series()


def guess_zone(
    header: str, texts: Iterable[str], positions: tuple[pl.Series, pl.Series] | None
) -> tuple[str, str]:
    """Guess the zone of times that give no offset: from the header, positions, places named.

    Parameters
    ----------
    texts
        File names and values that may name a place.
    positions
        Latitudes and longitudes of the rows, if there are any.

    Returns
    -------
    zone, why
    """
    for word in words(header).split("_"):
        if word in _ZONE_MARKS:
            return _ZONE_MARKS[word], f"zone (likely): {word!r} in the name {header!r}"
    if positions is not None:
        for zone, (south, north, west, east) in _BOXES.items():
            lat, lon = positions
            inside = lat.is_between(south, north) & lon.is_between(west, east)
            if inside.count() and float(inside.mean() or 0) > _MOSTLY:  # type: ignore[arg-type]  # a share
                return zone, "zone (likely): nearly all positions lie there"
    spoken = "_".join(words(t) for t in texts)
    named = {
        zone: place
        for zone, places in _PLACES.items()
        for place in places.split()
        if f"_{place}_" in f"_{spoken}_"
    }
    if len(named) == 1:
        ((zone, place),) = named.items()
        return zone, f"zone (a guess): a name or value says {place!r}"
    return "UTC", "CHECK the zone: the times give no offset, and nothing says of which zone they are"


def read_as(text: pl.Series, headers: tuple[str, ...], shape: str) -> Times | None:
    """Read texts by one shape; None unless nearly all are times."""
    stamps = _parsed(text, (shape,))
    n = text.len() - text.null_count()
    if n == 0 or stamps.count() < _MOSTLY * n:
        return None
    return Times(
        headers, (shape,), stamps, False, "H" not in shape, (f"{shape!r}, columns joined by a blank",)
    )
