"""Rows of a columnar file as canonical NDJSON (RFC 8785), the form their evidence is hashed in.

A Parquet file is kept and hashed whole as received; so that one row of it can be shown and
proven alone, its rows are rendered as lines, 64 to a page. The rendering is the rows' RFC
8785 form: keys sorted, numbers as ECMAScript prints them. It is built from whole columns:
about 5 million values a second and core.

A null cell is ``null`` and so is a NaN. A float32 prints as the shortest decimal that rounds
to it. A timestamp is ISO 8601 text, with ``Z`` if the column has a time zone; an integer
beyond 2**53 and a decimal are text, because JSON numbers cannot carry them exactly.
"""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.canonical import canonical_json
from veracity.data.errors import WrongFile

_PLAIN_LOW, _PLAIN_HIGH = 1e-5, 1e13
_FEW = 4_096  # rows below which looking for repeated values costs more than it saves
_ESCAPED = r'["\\\x00-\x1f]'


def render_rows(frame: pl.DataFrame) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Render rows as canonical NDJSON.

    Returns
    -------
    data, ends
        The lines, each ended by one newline; (n,) int64 offset of the end of each.

    Raises
    ------
    WrongFile
        For a column type that has no rendering (nested, binary).
    """
    # RFC 8785 sorts names by UTF-16 code units.
    names = sorted(frame.columns, key=lambda n: n.encode("utf-16-be"))
    parts: list[pl.Expr] = []
    columns: list[pl.Series] = []
    between = "{"
    for i, name in enumerate(names):
        texts, is_bare = _column(frame[name])
        quote = '"' if is_bare else ""
        parts.append(pl.lit(between + canonical_json(name).decode() + ":" + quote))
        columns.append(texts.alias(str(i)))
        parts.append(pl.col(str(i)))
        between = quote + ","
    parts.append(pl.lit(between[:-1] + "}"))
    lines = pl.DataFrame(columns).select(pl.concat_str(parts).alias("line"))
    buffer = io.BytesIO()
    lines.write_csv(buffer, include_header=False, quote_style="never")
    ends = np.cumsum(lines["line"].str.len_bytes().to_numpy().astype(np.int64) + 1)
    return buffer.getvalue(), ends


def _column(series: pl.Series) -> tuple[pl.Series, bool]:
    """Return one column's values as JSON texts without nulls, and whether all still want their quotes.

    Quotes that every value wants are cheaper put on with the names between the columns.
    """
    dtype = series.dtype
    if dtype == pl.String or isinstance(dtype, (pl.Categorical, pl.Enum)):
        return _strings(series.cast(pl.String))
    if isinstance(dtype, pl.Datetime):
        return _wrapped(_by_distinct(series, _timestamps))
    if dtype in (pl.Date, pl.Time) or dtype.is_decimal():
        return _wrapped(series.cast(pl.String))
    if dtype.is_float():
        return _floats(series).fill_null("null"), False
    if dtype.is_integer():
        return _integers(series).fill_null("null"), False
    if dtype == pl.Boolean:
        return series.cast(pl.String).fill_null("null"), False
    if dtype == pl.Null:
        return pl.repeat("null", series.len(), eager=True), False
    raise WrongFile(f"column {series.name!r}: want text, numbers, booleans or times, got {dtype}")


def _wrapped(texts: pl.Series) -> tuple[pl.Series, bool]:
    """Put quotes on, but for nulls; leave them to the caller where there is no null."""
    return (texts, True) if texts.null_count() == 0 else (_quoted(texts).fill_null("null"), False)


def _by_distinct(series: pl.Series, render: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Render each distinct value once where that pays."""
    distinct = series.unique() if series.len() > _FEW else series
    if distinct.len() > series.len() // 4:
        return render(series)
    table = pl.DataFrame({"value": distinct, "text": render(distinct)})
    left = pl.DataFrame({"value": series})
    return left.join(table, on="value", how="left", maintain_order="left", nulls_equal=True)["text"]


def _strings(series: pl.Series) -> tuple[pl.Series, bool]:
    distinct = series.unique() if series.len() > _FEW else series
    if not distinct.str.contains(_ESCAPED).any():
        return _wrapped(series)
    return _by_distinct(series, _escaped).fill_null("null"), False


def _escaped(series: pl.Series) -> pl.Series:
    odd = series.str.contains(_ESCAPED).fill_null(value=False)
    texts = [canonical_json(v).decode() for v in series.filter(odd)]
    return _quoted(series).scatter(odd.arg_true(), texts)


def _quoted(series: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"v": series})
    return frame.select(pl.concat_str([pl.lit('"'), pl.col("v"), pl.lit('"')])).to_series()


def _timestamps(series: pl.Series) -> pl.Series:
    zoned = isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is not None
    stamps = series.dt.convert_time_zone("UTC") if zoned else series
    stamps = stamps.dt.cast_time_unit("us")
    whole = (stamps.dt.microsecond() == 0).all()
    shape = "%Y-%m-%dT%H:%M:%S" + ("" if whole else "%.6f") + ("Z" if zoned else "")
    text = stamps.dt.strftime(shape)
    if not whole:  # one value, one text: no fraction where it is zero
        text = text.str.replace(".000000", "", literal=True)
    return text


def _floats(series: pl.Series) -> pl.Series:
    value = pl.col("v")
    unsigned = pl.when(value == 0).then(pl.lit(0, series.dtype)).otherwise(value)  # -0 prints as 0
    plain = pl.DataFrame({"v": series}).select(unsigned.fill_nan(None)).to_series()
    text = plain.cast(pl.String).str.strip_suffix(".0")
    # Outside these polars goes over to exponents earlier than ECMAScript: those are printed one by one.
    size = plain.abs()
    odd = (((size < _PLAIN_LOW) & (size > 0)) | (size >= _PLAIN_HIGH)).fill_null(value=False)
    if not odd.any():
        return text
    return text.scatter(odd.arg_true(), [_number(t) for t in text.filter(odd)])


def _number(text: str) -> str:
    value = float(text)  # of the shortest decimal, so that a float32 keeps its own
    if value in (float("inf"), float("-inf")):
        return f'"{text}"'
    return canonical_json(value).decode()


def _integers(series: pl.Series) -> pl.Series:
    text = series.cast(pl.String)
    if series.dtype.is_signed_integer() and series.dtype != pl.Int64:
        return text
    beyond = ((series > 2**53 - 1) | (series < -(2**53) + 1)).fill_null(value=False) if series.len() else None
    if beyond is None or not beyond.any():
        return text
    return text.scatter(beyond.arg_true(), _quoted(text.filter(beyond)))
