"""The text of a native value: what a reader of its rendered line finds, quotes undone.

A string is itself; a boolean ``true`` or ``false``; a number its shortest decimal, written out
in full; a time ISO 8601, with ``Z`` if the column has a zone, to the microsecond; a decimal keeps its
places; a duration is ISO 8601 (``PT5.5S``); binary is base64. A null and a NaN have no text. A time
or date outside the years 1 to 9999 is its count since 1970 and the unit: ``-10000000000000000000us``.
"""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import polars as pl

# Within these polars prints a float as ECMAScript does, and in full.
_PLAIN_LOW, _PLAIN_HIGH = 1e-5, 1e13
FEW = 4_096  # rows below which looking for repeated values costs more than it saves

FIRST_US, AFTER_US = -62_135_596_800_000_000, 253_402_300_800_000_000  # years 1 to 9999, since 1970
FIRST_DAY, LAST_DAY = -719_162, 2_932_896


def value_text(series: pl.Series) -> pl.Series | None:
    """Return the text of each value of a flat column, null for null and NaN.

    None for nested types, which have no text of their own (`render` writes them as JSON).
    """
    dtype = series.dtype
    if dtype.is_float():
        texts, odd = shortest(series)
        if len(odd):
            texts = texts.scatter(odd, [_in_full(t) for t in texts.gather(odd)])
        return texts
    if isinstance(dtype, pl.Datetime):
        return by_distinct(series, _timestamps)
    if dtype == pl.Date:
        return _dates(series)
    if dtype == pl.Time:
        return _no_zero_fraction(series.dt.strftime("%H:%M:%S%.9f"), 9)
    if dtype == pl.Duration:
        return series.dt.to_string("iso")
    if dtype == pl.Binary:
        return series.bin.encode("base64")
    if dtype.is_nested() or dtype in (pl.Object, pl.Unknown):
        return None
    return series.cast(pl.String)


def by_distinct(series: pl.Series, render: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Render each distinct value once where that pays."""
    distinct = series.unique() if series.len() > FEW else series
    if distinct.len() > series.len() // 4:
        return render(series)
    table = pl.DataFrame({"value": distinct, "text": render(distinct)})
    left = pl.DataFrame({"value": series})
    return left.join(table, on="value", how="left", maintain_order="left", nulls_equal=True)["text"]


def shortest(series: pl.Series) -> tuple[pl.Series, npt.NDArray[np.uint32]]:
    """Print floats as the shortest decimals that round to them, null for NaN.

    Returns
    -------
    texts, odd
        As polars prints them, without ``.0``; the rows whose text may have an exponent or be
        ``inf``, for the caller to print again.
    """
    if series.dtype == pl.Float16:
        series = series.cast(pl.Float32)  # polars prints a float16 as the float32 it is
    value = pl.col("v")
    unsigned = pl.when(value == 0).then(pl.lit(0, series.dtype)).otherwise(value)  # -0 prints as 0
    plain = pl.DataFrame({"v": series}).select(unsigned.fill_nan(None)).to_series()
    texts = plain.cast(pl.String).str.strip_suffix(".0")
    size = np.abs(plain.to_numpy())  # null is NaN here, of which no comparison holds
    odd = np.flatnonzero(((size < _PLAIN_LOW) & (size > 0)) | (size >= _PLAIN_HIGH))
    return texts, odd.astype(np.uint32)


def _in_full(text: str) -> str:
    return text if "inf" in text else f"{Decimal(text):f}".removesuffix(".0")


def within_years(stamps: pl.Series) -> pl.Series:
    """Null the times and dates outside the years 1 to 9999, before anything computes with them.

    Polars computes with times that no calendar of ours can print, and stops the process there.
    """
    numbers = stamps.to_physical()
    if isinstance(stamps.dtype, pl.Datetime):
        first, after = _limits(stamps.dtype)
        if first is None:
            return stamps
    else:
        first, after = FIRST_DAY, LAST_DAY + 1
    low, high = numbers.min(), numbers.max()
    if low is None or (low >= first and high < after):  # type: ignore[operator]  # of an integer column
        return stamps
    frame = pl.DataFrame({"v": stamps, "n": numbers})
    return frame.select(pl.when(pl.col("n").is_between(first, after - 1)).then(pl.col("v"))).to_series()


def _limits(dtype: pl.Datetime) -> tuple[int | None, int]:
    if dtype.time_unit == "ns":
        return None, 0  # 64 bits of nanoseconds end in the year 2262
    per = 1_000 if dtype.time_unit == "ms" else 1
    return FIRST_US // per, AFTER_US // per


def _timestamps(series: pl.Series) -> pl.Series:
    zoned = isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is not None
    inside = within_years(series)
    stamps = (inside.dt.convert_time_zone("UTC") if zoned else inside).dt.cast_time_unit("us")
    whole = (stamps.dt.microsecond() == 0).all()
    text = stamps.dt.strftime("%Y-%m-%dT%H:%M:%S" + ("" if whole else "%.6f"))
    if not whole:  # one value, one text: no fraction where it is zero
        text = _no_zero_fraction(text, 6)
    if zoned:
        text = text + "Z"
    return _counted(series, inside, text, series.dtype.time_unit)  # type: ignore[attr-defined]


def _dates(series: pl.Series) -> pl.Series:
    inside = within_years(series)
    return _counted(series, inside, inside.cast(pl.String), "d")


def _counted(series: pl.Series, inside: pl.Series, text: pl.Series, unit: str) -> pl.Series:
    """Put the plain count where a value lies outside the calendar."""
    if inside.null_count() == series.null_count():
        return text
    outside = (inside.is_null() & series.is_not_null()).arg_true()
    return text.scatter(outside, series.to_physical().gather(outside).cast(pl.String) + unit)


def _no_zero_fraction(text: pl.Series, n_digits: int) -> pl.Series:
    return text.str.replace("." + "0" * n_digits, "", literal=True)
