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
    parts: list[pl.Expr | pl.Series] = []
    columns: list[pl.Series] = []
    for i, name in enumerate(names):
        key = ("{" if i == 0 else ",") + canonical_json(name).decode() + ":"
        parts.append(pl.lit(key))
        columns.append(render_column(frame[name]).alias(str(i)))
        parts.append(pl.col(str(i)))
    lines = pl.DataFrame(columns).select(pl.concat_str([*parts, pl.lit("}")]).alias("line"))
    buffer = io.BytesIO()
    lines.write_csv(buffer, include_header=False, quote_style="never")
    ends = np.cumsum(lines["line"].str.len_bytes().to_numpy().astype(np.int64) + 1)
    return buffer.getvalue(), ends


def render_column(series: pl.Series) -> pl.Series:
    """Render one column's values as JSON texts (no nulls), each distinct value once where that pays."""
    if series.dtype == pl.String or isinstance(series.dtype, (pl.Categorical, pl.Enum)):
        return _by_distinct(series.cast(pl.String), _strings)
    if isinstance(series.dtype, pl.Datetime):
        return _by_distinct(series, _timestamps)
    if series.dtype.is_float():
        return _floats(series).fill_null("null")
    if series.dtype.is_integer():
        return _integers(series).fill_null("null")
    if series.dtype == pl.Boolean:
        return series.cast(pl.String).fill_null("null")
    if series.dtype in (pl.Date, pl.Time) or series.dtype.is_decimal():
        return _quoted(series.cast(pl.String)).fill_null("null")
    if series.dtype == pl.Null:
        return pl.repeat("null", series.len(), eager=True)
    raise WrongFile(f"column {series.name!r}: want text, numbers, booleans or times, got {series.dtype}")


def _by_distinct(series: pl.Series, render: Callable[[pl.Series], pl.Series]) -> pl.Series:
    if series.len() > 4_096 and series.n_unique() < series.len() // 4:
        distinct = series.unique()
        table = pl.DataFrame({"value": distinct, "text": render(distinct)})
        left = pl.DataFrame({"value": series})
        joined = left.join(table, on="value", how="left", maintain_order="left", nulls_equal=True)
        return joined["text"].fill_null("null")
    return render(series).fill_null("null")


def _strings(series: pl.Series) -> pl.Series:
    plain = _quoted(series)
    odd = series.str.contains(r'["\\\x00-\x1f]').fill_null(value=False)
    if not odd.any():
        return plain
    escaped = [canonical_json(v).decode() for v in series.filter(odd)]
    return plain.scatter(odd.arg_true(), escaped)


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
    return _quoted(text)


def _floats(series: pl.Series) -> pl.Series:
    text = series.fill_nan(None).cast(pl.String).str.strip_suffix(".0")
    # polars goes over to exponents earlier than ECMAScript: those few are printed one by one, and so is -0
    odd = text.str.contains("[ei]|^-0$").fill_null(value=False)
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
