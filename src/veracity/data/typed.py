"""From a received value, text or native, to a value of the contract's type.

One promise holds for every type: a value and its canonical JSON rendering (``render.py``)
come out the same. That is why a float32 is read as the shortest decimal that rounds to it
(-0.7, not -0.699999988079071): that decimal is what the rendered page shows.
"""

from dataclasses import dataclass

import polars as pl

from veracity.data.contract_field import Field
from veracity.data.timeformat import ISO_NAIVE, ISO_ZONED, is_zoned

MICROSECONDS = pl.Datetime("us", "UTC")
_TRUE, _FALSE = ["true", "1", "yes", "t", "y"], ["false", "0", "no", "f", "n"]


@dataclass(frozen=True)
class Typed:
    """``value``: null where absent or unreadable. ``present``: the source had something there."""

    value: pl.Expr
    present: pl.Expr


def typed(f: Field, dtype: pl.DataType) -> Typed:
    """Return expressions over the columns ``f.name`` (as received) and ``time:<name>`` (parsed)."""
    text = _text(f, dtype)
    if f.type == "timestamp":
        present = text if dtype == pl.String else pl.col(f.name)
        return Typed(pl.col(f"time:{f.name}"), present.is_not_null())
    if f.type in ("number", "integer"):
        number, present = _number(f, dtype, text)
        return Typed(_scaled(f, number), present)
    if f.type == "boolean":
        lower = text.str.to_lowercase()
        value = pl.when(lower.is_in(_TRUE)).then(True).when(lower.is_in(_FALSE)).then(False)
        return Typed(value, text.is_not_null())
    if f.type == "date":
        if dtype == pl.Date:
            return Typed(pl.col(f.name), pl.col(f.name).is_not_null())
        formats = (*f.formats, "%Y-%m-%d")
        return Typed(pl.coalesce([text.str.to_date(x, strict=False) for x in formats]), text.is_not_null())
    return Typed(text, text.is_not_null())


def _text(f: Field, dtype: pl.DataType) -> pl.Expr:
    """Return the value as stripped text, null where absent or one of the contract's missing tokens."""
    column = pl.col(f.name)
    if dtype == pl.Null:
        return pl.lit(None, pl.String)
    if dtype == pl.Float32:
        column = column.fill_nan(None)
    if dtype != pl.String and not f.missing:
        return column.cast(pl.String)
    text = column.cast(pl.String).str.strip_chars()
    return pl.when(~text.is_in(["", *sorted(f.missing)])).then(text)


def _number(f: Field, dtype: pl.DataType, text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    column = pl.col(f.name)
    if dtype == pl.Float64 or dtype.is_integer():
        value = column.cast(pl.Float64) if f.type == "number" else column
        tokens = [float(t) for t in f.missing if _is_number(t)]
        present = column.is_not_null()
        if dtype == pl.Float64:
            present = present & column.is_not_nan()
        if tokens:
            present = present & ~column.cast(pl.Float64).is_in(tokens)
        number: pl.Expr = pl.when(present).then(value)
    else:
        plain = text if f.decimal == "." else text.str.replace(f.decimal, ".", literal=True)
        number, present = plain.cast(pl.Float64, strict=False), text.is_not_null()
        if f.type == "integer":
            exact = plain.cast(pl.Int64, strict=False)
            number = pl.coalesce([exact, _whole(number)])
    if f.type == "integer" and not dtype.is_integer():
        return (number if dtype != pl.Float64 else _whole(number)), present
    return (
        pl.when(number.is_finite()).then(number) if f.type == "number" else number.cast(pl.Int64)
    ), present


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
    return scaled.round(0).cast(pl.Int64, strict=False) if f.type == "integer" else scaled


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def parse_timestamps(series: pl.Series, f: Field) -> pl.Series:
    """Read times of any of the field's shapes into UTC microseconds; null where none fits.

    A time without an offset is local to ``f.zone``. An hour that a zone repeats is taken as
    the earlier one; one that it skips is unreadable. Work is done once per distinct text.
    """
    if isinstance(series.dtype, pl.Datetime):
        stamps = series.dt.cast_time_unit("us")
        return _utc(stamps, f.zone) if series.dtype.time_zone is None else stamps.dt.convert_time_zone("UTC")
    if series.dtype == pl.Date:
        return _utc(series.cast(pl.Datetime("us")), f.zone)
    text = series.cast(pl.String).str.strip_chars()
    if text.len() > 4_096 and text.n_unique() < text.len() // 4:
        distinct = text.unique()
        table = pl.DataFrame({"text": distinct, "time": _parse_text(distinct, f)})
        joined = pl.DataFrame({"text": text}).join(
            table, on="text", how="left", maintain_order="left", nulls_equal=True
        )
        return joined["time"].alias(series.name)
    return _parse_text(text, f).alias(series.name)


def _parse_text(text: pl.Series, f: Field) -> pl.Series:
    out = pl.repeat(None, text.len(), dtype=MICROSECONDS, eager=True)
    absent = text.is_null() | text.is_in(["", *sorted(f.missing)])
    left = (~absent).arg_true()
    for shape in (*f.formats, *ISO_ZONED, *ISO_NAIVE):
        if left.is_empty():
            break
        try:
            found = text.gather(left).str.to_datetime(shape, strict=False, time_unit="us")
        except pl.exceptions.PolarsError:
            continue  # chrono refuses the shape as a whole, e.g. a date-only shape: no text fits it
        stamps = found.dt.convert_time_zone("UTC") if is_zoned(shape) else _utc(found, f.zone)
        good = found.is_not_null()
        out = out.scatter(left.filter(good), stamps.filter(good))
        left = left.filter(~good)
    return out


def _utc(stamps: pl.Series, zone: str) -> pl.Series:
    local = stamps.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")
