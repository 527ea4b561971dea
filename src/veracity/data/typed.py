"""From a received value, text or native, to a value of the contract's type.

One promise holds for every type: a value and its canonical JSON rendering (``render.py``)
come out the same; `received.as_rendered` sees to it before. That is why a float32 is read as the
shortest decimal that rounds to it (-0.7, not -0.699999988079071): that decimal is what the
rendered page shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from veracity.data.contract_field import Field
from veracity.data.timeformat import ISO_NAIVE, ISO_ZONED, is_zoned
from veracity.data.value_text import FEW, within_years

MICROSECONDS = pl.Datetime("us", "UTC")
_DAY_US = 86_400_000_000
_TRUE, _FALSE = ["true", "1", "yes", "t", "y"], ["false", "0", "no", "f", "n"]


@dataclass(frozen=True)
class Typed:
    """``value``: null where absent or unreadable. ``present``: the source had something there."""

    value: pl.Expr
    present: pl.Expr


@lru_cache(maxsize=4_096)
def typed(f: Field, dtype: pl.DataType) -> Typed:
    """Return expressions over ``f.name`` (`as_rendered`) and ``time:<name>`` (parsed times and dates)."""
    column = pl.col(f.name)
    present = (_text(f) if dtype == pl.String else column).is_not_null()
    if f.type in ("timestamp", "date"):
        return Typed(pl.col(f"time:{f.name}"), present)
    if f.type in ("number", "integer"):
        number, present = _number(f, dtype)
        return Typed(_scaled(f, number), present)
    text = _text(f)
    if f.type == "boolean":
        lower = text.str.to_lowercase()
        value = pl.when(lower.is_in(_TRUE)).then(True).when(lower.is_in(_FALSE)).then(False)
        return Typed(value, present)
    return Typed(text, present)


def _text(f: Field) -> pl.Expr:
    """Return the value as stripped text, null where absent or one of the contract's missing tokens."""
    text = pl.col(f.name).str.strip_chars()
    return pl.when(~text.is_in(["", *sorted(f.missing)])).then(text)


def _number(f: Field, dtype: pl.DataType) -> tuple[pl.Expr, pl.Expr]:
    column = pl.col(f.name)
    plain = _text(f) if dtype == pl.String else column
    present = plain.is_not_null()
    if dtype == pl.String and f.decimal != ".":
        plain = plain.str.replace(f.decimal, ".", literal=True)
    number = plain.cast(pl.Float64, strict=False)
    tokens = _missing_numbers(f)
    if tokens:
        present = present & ~number.is_in(tokens).fill_null(value=False)
    if f.type == "number":
        fits, value = number.is_finite(), number
    elif dtype == pl.Float64:
        fits, value = None, _whole(number)
    else:
        exact = plain.cast(pl.Int64, strict=False)
        fits, value = None, exact if dtype.is_integer() else pl.coalesce([exact, _whole(number)])
    if tokens:
        fits = present if fits is None else present & fits
    return value if fits is None else pl.when(fits).then(value), present


def _missing_numbers(f: Field) -> list[float]:
    """Return the missing tokens that are numbers: however a number is written, it is the same one."""
    if not f.missing:
        return []
    tokens = pl.Series(sorted(f.missing), dtype=pl.String).str.replace(f.decimal, ".", literal=True)
    numbers = tokens.cast(pl.Float64, strict=False).drop_nulls()
    return numbers.filter(numbers.is_not_nan()).to_list()


def _whole(number: pl.Expr) -> pl.Expr:
    return (
        pl.when((number == number.floor()) & (number.abs() < 2.0**53))
        .then(number)
        .cast(pl.Int64, strict=False)
    )


def _scaled(f: Field, number: pl.Expr) -> pl.Expr:
    if f.scale == 1.0 and f.offset == 0.0:
        return number
    scaled = number.cast(pl.Float64) * f.scale + f.offset
    if f.type == "integer":
        return scaled.round(0).cast(pl.Int64, strict=False)
    return pl.when(scaled.is_finite()).then(scaled)  # no number of the table's unit: nothing could write it


def parse_timestamps(series: pl.Series, f: Field) -> pl.Series:
    """Read times of any of the field's shapes into UTC microseconds; null where none fits.

    A time without an offset is local to ``f.zone``. An hour that a zone repeats is taken as
    the earlier one; one that it skips is unreadable, and so is a time outside the years 1 to
    9999 UTC. Work is done once per distinct text.
    """
    if isinstance(series.dtype, pl.Datetime):
        return _instants(within_years(series).dt.cast_time_unit("us"), f.zone)
    if series.dtype == pl.Date:
        return _instants(within_years(series).cast(pl.Datetime("us")), f.zone)
    return _by_distinct_text(series, lambda text: _parse_text(text, f))


def parse_dates(series: pl.Series, f: Field) -> pl.Series:
    """Read dates of any of the field's shapes, ISO 8601, or an ISO 8601 time that is midnight UTC."""
    if series.dtype == pl.Date:
        return within_years(series)
    return _by_distinct_text(series, lambda text: _parse_dates(text, f))


def _by_distinct_text(series: pl.Series, parse: Callable[[pl.Series], pl.Series]) -> pl.Series:
    text = series.cast(pl.String).str.strip_chars()
    if text.len() > FEW and text.n_unique() < text.len() // 4:
        distinct = text.unique()
        table = pl.DataFrame({"text": distinct, "time": parse(distinct)})
        joined = pl.DataFrame({"text": text}).join(
            table, on="text", how="left", maintain_order="left", nulls_equal=True
        )
        return joined["time"].alias(series.name)
    return parse(text).alias(series.name)


def _present(text: pl.Series, f: Field) -> pl.Series:
    """Return the rows that hold a value."""
    return (text.is_not_null() & ~text.is_in(["", *sorted(f.missing)])).arg_true()


def _parse_text(text: pl.Series, f: Field) -> pl.Series:
    out = pl.repeat(None, text.len(), dtype=MICROSECONDS, eager=True)
    left = _present(text, f)
    for shape in (*f.formats, *ISO_ZONED, *ISO_NAIVE):
        if left.is_empty():
            break
        try:
            found = text.gather(left).str.to_datetime(shape, strict=False, time_unit="us")
        except pl.exceptions.PolarsError:
            continue  # chrono refuses the shape as a whole, e.g. a date-only shape: no text fits it
        good = found.is_not_null()
        stamps = _instants(within_years(found), "UTC" if is_zoned(shape) else f.zone)
        out = out.scatter(left.filter(good), stamps.filter(good))
        left = left.filter(~good)
    return out


def _parse_dates(text: pl.Series, f: Field) -> pl.Series:
    out = pl.repeat(None, text.len(), dtype=pl.Date, eager=True)
    left = _present(text, f)
    for shape in (*f.formats, "%Y-%m-%d"):
        if left.is_empty():
            return out
        try:
            found = text.gather(left).str.to_date(shape, strict=False)
        except pl.exceptions.PolarsError:
            continue
        good = found.is_not_null()
        out = out.scatter(left.filter(good), within_years(found).filter(good))
        left = left.filter(~good)
    times = _parse_text(text.gather(left), replace(f, formats=()))
    midnight = (times.to_physical() % _DAY_US == 0).fill_null(value=False)
    return out.scatter(left.filter(midnight), times.filter(midnight).dt.date())


def _instants(stamps: pl.Series, zone: str) -> pl.Series:
    """Return times as UTC, null outside the years that UTC has; those without a zone are of ``zone``."""
    if isinstance(stamps.dtype, pl.Datetime) and stamps.dtype.time_zone is None:
        stamps = stamps.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return within_years(stamps.dt.convert_time_zone("UTC"))
