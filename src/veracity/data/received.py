"""A received column, native types and all, as its rendered page reads.

A receipt shows the rendered line of a Parquet row and cleans that. So that the row of the table and
the receipt's are one, a native column is taken as it is only where reading its text gives the same
(and is slower); every other one becomes that text.
"""

import re

import polars as pl

from veracity.data.contract_field import Field
from veracity.data.render import as_text

# A missing token that might be the text of a native time.
_LIKE_A_TIME = re.compile(r"[-0-9].{8,}|-?[0-9]+(d|us|ms|ns)")


def as_rendered(series: pl.Series, f: Field) -> pl.Series:
    """Return a column as text, or as native numbers, times or dates that read like their text.

    Returns
    -------
    String; for a number Float64 without NaN, or an integer type; for an integer also Float64 below
    2**53; for a timestamp Datetime or Date; for a date Date.
    """
    dtype = series.dtype
    if dtype == pl.String:
        return series
    if f.type in ("number", "integer"):
        if dtype.is_integer() and dtype not in (pl.Int128, pl.UInt128):
            return series
        if dtype == pl.Float64 and (f.type == "number" or _is_exact(series)):
            return series.fill_nan(None) if series.is_nan().any() else series
    native = {"timestamp": (pl.Datetime, pl.Date), "date": (pl.Date,)}.get(f.type, ())
    if dtype in native and not f.formats and not any(_LIKE_A_TIME.fullmatch(t) for t in f.missing):
        return series
    return as_text(series)


def alike(columns: list[pl.Series]) -> list[pl.Series]:
    """Return columns of one type: as they are if they are, else as text."""
    return columns if len({c.dtype for c in columns}) == 1 else [as_text(c) for c in columns]


def _is_exact(series: pl.Series) -> bool:
    """Tell whether every float is below 2**53: from there on its decimal is another whole number."""
    size = series.abs().max()
    return size is None or bool(size < 2.0**53)  # type: ignore[operator]  # of a float column
