"""Rows of a columnar file as canonical NDJSON (RFC 8785), the form their evidence is hashed in.

A Parquet file is kept and hashed whole as received; so that one row of it can be shown and
proven alone, its rows are rendered as lines, 64 to a page. The rendering is the rows' RFC
8785 form: keys sorted, numbers as ECMAScript prints them. It is built from whole columns:
about 5 million values a second and core.

A null cell is ``null`` and so is a NaN. A float32 prints as the shortest decimal that rounds
to it. An integer beyond 2**53 and a decimal are text, because JSON numbers cannot carry them
exactly; so are times, binary and the rest, as `value_text` has them. A list or a struct is the
text of its canonical JSON, so that every line is flat.
"""

import io

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.canonical import canonical_json
from veracity.data.errors import WrongFile
from veracity.data.value_text import FEW, by_distinct, shortest, value_text

_SMALL = (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32)  # every value below 2**53
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
        For a column type that no file has (a Python object).
    """
    lines = _objects(frame, flat=True).to_frame("line")
    buffer = io.BytesIO()
    lines.write_csv(buffer, include_header=False, quote_style="never")
    ends = np.cumsum(lines["line"].str.len_bytes().to_numpy().astype(np.int64) + 1)
    return buffer.getvalue(), ends


def as_text(series: pl.Series) -> pl.Series:
    """Return what a reader of the rendered lines finds in a column, as text; null for null and NaN."""
    text = value_text(series)
    return (_nested(series) if text is None else text).alias(series.name)


def _objects(frame: pl.DataFrame, *, flat: bool) -> pl.Series:
    """Return each row as one JSON object; what is nested in it as text if ``flat``."""
    # RFC 8785 sorts names by UTF-16 code units.
    names = sorted(frame.columns, key=lambda n: n.encode("utf-16-be"))
    parts: list[pl.Expr] = []
    columns: list[pl.Series] = []
    between = "{"
    for i, name in enumerate(names):
        texts, is_bare = _column(frame[name], flat=flat)
        quote = '"' if is_bare else ""
        parts.append(pl.lit(between + canonical_json(name).decode() + ":" + quote))
        columns.append(texts.alias(str(i)))
        parts.append(pl.col(str(i)))
        between = quote + ","
    parts.append(pl.lit(between[:-1] + "}"))
    return pl.DataFrame(columns).select(pl.concat_str(parts)).to_series()


def _column(series: pl.Series, *, flat: bool) -> tuple[pl.Series, bool]:
    """Return one column's values as JSON texts without nulls, and whether all still want their quotes.

    Quotes that every value wants are cheaper put on with the names between the columns.
    """
    dtype = series.dtype
    if dtype.is_float():
        return _floats(series).fill_null("null"), False
    if dtype.is_integer():
        return _integers(series).fill_null("null"), False
    if dtype == pl.Boolean:
        return series.cast(pl.String).fill_null("null"), False
    if dtype == pl.Null:
        return pl.repeat("null", series.len(), eager=True), False
    if dtype.is_nested() and not flat:
        return _nested(series).fill_null("null"), False
    text = as_text(series)
    if dtype.is_nested() or dtype == pl.String or isinstance(dtype, (pl.Categorical, pl.Enum)):
        return _strings(text)
    return _wrapped(text)


def _wrapped(texts: pl.Series) -> tuple[pl.Series, bool]:
    """Put quotes on, but for nulls; leave them to the caller where there is no null."""
    return (texts, True) if texts.null_count() == 0 else (_quoted(texts).fill_null("null"), False)


def _strings(series: pl.Series) -> tuple[pl.Series, bool]:
    distinct = series.unique() if series.len() > FEW else series
    if not distinct.str.contains(_ESCAPED).any():
        return _wrapped(series)
    return by_distinct(series, _escaped).fill_null("null"), False


def _escaped(series: pl.Series) -> pl.Series:
    odd = series.str.contains(_ESCAPED).fill_null(value=False)
    texts = [canonical_json(v).decode() for v in series.filter(odd)]
    return _quoted(series).scatter(odd.arg_true(), texts)


def _quoted(series: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"v": series})
    return frame.select(pl.concat_str([pl.lit('"'), pl.col("v"), pl.lit('"')])).to_series()


def _nested(series: pl.Series) -> pl.Series:
    """Return lists and structs as canonical JSON; null where the value is."""
    dtype = series.dtype
    if isinstance(dtype, pl.Array):
        series = series.arr.to_list()
    elif isinstance(dtype, pl.Struct):
        return _or_null(
            series, _objects(series.struct.unnest(), flat=False) if dtype.fields else _repeated(series, "{}")
        )
    elif not isinstance(dtype, pl.List):
        raise WrongFile(f"column {series.name!r}: want values that a file holds, got {dtype}")
    lengths = series.list.len()
    items, is_bare = _column(series.explode(empty_as_null=False, keep_nulls=False), flat=False)
    if is_bare:
        items = _quoted(items)
    rows = pl.int_range(series.len(), eager=True).gather(
        np.repeat(np.arange(series.len()), lengths.fill_null(0).to_numpy())
    )
    joined = pl.DataFrame({"row": rows, "item": items}).group_by("row").agg(pl.col("item").str.join(","))
    inner = (
        pl.DataFrame({"row": pl.int_range(series.len(), eager=True)})
        .join(joined, on="row", how="left", maintain_order="left")["item"]
        .fill_null("")
    )
    return _or_null(series, "[" + inner + "]")


def _or_null(series: pl.Series, text: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"text": text, "there": series.is_not_null()})
    return frame.select(pl.when("there").then("text")).to_series()


def _repeated(series: pl.Series, text: str) -> pl.Series:
    return pl.repeat(text, series.len(), eager=True)


def _floats(series: pl.Series) -> pl.Series:
    texts, odd = shortest(series)
    # Polars goes over to exponents earlier than ECMAScript: those are printed one by one.
    return texts.scatter(odd, [_number(t) for t in texts.gather(odd)]) if len(odd) else texts


def _number(text: str) -> str:
    value = float(text)  # of the shortest decimal, so that a float32 keeps its own
    if value in (float("inf"), float("-inf")):
        return f'"{text}"'
    return canonical_json(value).decode()


def _integers(series: pl.Series) -> pl.Series:
    text = series.cast(pl.String)
    if series.dtype in _SMALL or series.is_empty():
        return text
    beyond = series > 2**53 - 1
    if series.dtype.is_signed_integer():
        beyond |= series < -(2**53) + 1
    beyond = beyond.fill_null(value=False)
    return text.scatter(beyond.arg_true(), _quoted(text.filter(beyond))) if beyond.any() else text
