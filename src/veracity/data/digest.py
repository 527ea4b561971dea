"""The digest of a frame: SHA-256 over its values, whatever file or engine holds them.

The bytes hashed, in order:

1. canonical JSON of ``{"columns": [[name, type], …], "rows": n}`` and a newline;
2. per column: the validity bits (least significant first, padded to a byte), then the values
   with 0 for null: numbers and times as little-endian two's complement or IEEE 754, booleans
   as one byte, text as little-endian uint32 lengths in bytes and then the UTF-8 of all.

A negative zero is hashed as zero and every NaN as one NaN, because engines differ there.
Types are ``string int32 int64 float64 bool timestamp[us,UTC] date list<string>`` (a list is
its lengths, then its items as a column of text) and ``enum["a","b"]`` (one byte, the position in
the list, which is written as canonical JSON).
"""

import hashlib
from typing import Any

import numpy as np
import polars as pl

from veracity.canonical import canonical_json

ENUM_NAMES = 256  # positions are one byte
_NAMES: list[tuple[pl.DataType, str]] = [
    (pl.String(), "string"),
    (pl.Int32(), "int32"),
    (pl.Int64(), "int64"),
    (pl.Float64(), "float64"),
    (pl.Boolean(), "bool"),
    (pl.Datetime("us", "UTC"), "timestamp[us,UTC]"),
    (pl.Date(), "date"),
    (pl.List(pl.String()), "list<string>"),
]


def frame_digest(frame: pl.DataFrame) -> str:
    """Return the lowercase hex digest of ``frame``: same values in the same order, same digest.

    Raises
    ------
    TypeError
        For a column type outside the list above; our tables have no other.
    """
    columns = [[name, _name(dtype)] for name, dtype in frame.schema.items()]
    hasher = hashlib.sha256(canonical_json({"columns": columns, "rows": frame.height}) + b"\n")
    _update(hasher, frame)
    return hasher.hexdigest()


def _name(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Enum):
        names = dtype.categories.to_list()
        if len(names) > ENUM_NAMES:
            raise TypeError(f"frame digest: want an enum of at most {ENUM_NAMES} names, got {len(names)}")
        return f"enum{canonical_json(names).decode()}"
    for known, name in _NAMES:
        if dtype == known:
            return name
    raise TypeError(f"frame digest: want one of {[n for _, n in _NAMES]}, got {dtype}")


def _update(hasher: Any, frame: pl.DataFrame) -> None:
    # What is hashed of all columns is one query: each costs more than the values of a small frame.
    has_nulls = [series.name for series in frame.get_columns() if series.null_count()]
    valid = frame.select(pl.col(has_nulls).is_not_null())
    numbers = frame.select(_numbers(name, dtype) for name, dtype in frame.schema.items())
    for series, number in zip(frame.get_columns(), numbers.get_columns(), strict=True):
        hasher.update(_bits(valid[series.name] if series.name in has_nulls else None, series.len()))
        hasher.update(_little_endian(series.dtype, number.to_numpy()))
        if series.dtype == pl.String:
            hasher.update((series.str.join("").item() or "").encode() if series.len() else b"")
        elif isinstance(series.dtype, pl.List):
            _update(hasher, series.explode(empty_as_null=False, keep_nulls=False).to_frame())


def _numbers(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return what is hashed of a column as numbers, 0 for null."""
    column = pl.col(name)
    if isinstance(dtype, pl.List):
        return column.list.len().fill_null(0)
    if dtype == pl.String:
        return column.str.len_bytes().fill_null(0)
    if dtype == pl.Boolean:
        return column.fill_null(value=False)
    return column.to_physical().fill_null(0)


def _bits(valid: pl.Series | None, n: int) -> bytes:
    if valid is None:
        full, rest = divmod(n, 8)
        return b"\xff" * full + (bytes([(1 << rest) - 1]) if rest else b"")
    return np.packbits(valid.to_numpy(), bitorder="little").tobytes()


def _little_endian(dtype: pl.DataType, numbers: np.ndarray[Any, Any]) -> bytes | memoryview:
    if dtype == pl.Float64:
        values = numbers + 0.0  # -0.0 + 0.0 is 0.0
        if np.isnan(values.min(initial=0.0)):
            values[np.isnan(values)] = np.nan
        return np.ascontiguousarray(values, dtype="<f8").data
    if isinstance(dtype, pl.Enum | pl.Boolean):
        return numbers.astype("u1").tobytes()
    if isinstance(dtype, pl.List | pl.String):
        return numbers.astype("<u4").tobytes()
    width = "<i4" if dtype in (pl.Int32, pl.Date) else "<i8"
    return np.ascontiguousarray(numbers, dtype=width).data
