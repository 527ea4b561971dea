"""The rules that a row can break by itself: its values typed, and a mask for each rule that is broken.

Most columns of text say few things many times: those are typed and judged once for each distinct
text. And a rule is asked of all rows only where a look at the column as a whole (its least and
greatest value, how many are absent) cannot already say that nothing breaks it.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.rules.coded import Coded, Codings, code_text
from veracity.data.rules.rule import Rule
from veracity.data.typed import MICROSECONDS, parse_dates, parse_timestamps, typed
from veracity.data.value_text import FEW

CLOCK_TOLERANCE_S = 300  # a device's clock may run ahead by this much
Masks = dict[str, pl.Series]


def row_rules(
    fields: pl.DataFrame, contract: Contract, received_at: datetime
) -> tuple[pl.DataFrame, Masks, Codings]:
    """Type the rows and hold them to the rules that each can break by itself.

    Parameters
    ----------
    fields
        ``_record`` and the contract's columns as received.

    Returns
    -------
    values, masks
        The typed rows; by reason a mask (n,) of the rows that break a rule.
    codings
        The text columns that were found to say few things, coded.
    """
    coded = {f.name: c for f in contract.fields if (c := _coded(f, fields[f.name])) is not None}
    plain = tuple(f for f in contract.fields if f.name not in coded)
    columns = _judged(plain, fields.select(f.name for f in plain))
    for f in contract.fields:
        if f.name in coded:
            columns[f.name] = _from_distinct(f, fields[f.name], coded[f.name])
    values = pl.DataFrame([*(columns[f.name].value for f in contract.fields), fields["_record"]])
    masks: Masks = {}
    for f in contract.fields:
        masks |= columns[f.name].broken
    if contract.time is not None:
        masks |= _future(values[contract.time], contract.time, received_at)
    if contract.row_rules:
        exprs = [r.broken().fill_null(value=False).alias(cast(Rule, r).reason) for r in contract.row_rules]
        masks |= {s.name: s for s in values.select(exprs).get_columns()}
    codings = {name: c.coded for name, c in columns.items() if c.coded is not None}
    return values, {reason: mask for reason, mask in masks.items() if mask.any()}, codings


@dataclass(frozen=True)
class _Column:
    """One column typed, and its broken rules."""

    value: pl.Series
    broken: Mapping[str, pl.Series]
    coded: Coded | None = None


def _from_distinct(f: Field, received: pl.Series, coded: Coded) -> _Column:
    small = _judged((f,), pl.DataFrame([coded.distinct.alias(f.name)]))[f.name]
    broken = {reason: pl.Series(mask.to_numpy()[coded.place]) for reason, mask in small.broken.items()}
    if small.value.dtype == received.dtype and small.value.equals(coded.distinct, null_equal=True):
        return _Column(received, broken, coded)
    return _Column(small.value.gather(pl.Series(coded.place)), broken)


def _coded(f: Field, received: pl.Series) -> Coded | None:
    """Return a column of text coded, if it says few things; one that is to be judged row by row: None."""
    few = received.len() > FEW and received.dtype == pl.String and f.type in ("string", "boolean")
    if not few or received.head(FEW).n_unique() * 4 > FEW:
        return None
    coded = code_text(received)
    return coded if coded.distinct.len() * 4 <= received.len() else None


def _judged(fields: Sequence[Field], frame: pl.DataFrame) -> dict[str, _Column]:
    """Type and judge some columns row by row, all at once."""
    if not fields:
        return {}
    parsers = {"timestamp": parse_timestamps, "date": parse_dates}
    times = [parsers[f.type](frame[f.name], f).alias(f"time:{f.name}") for f in fields if f.type in parsers]
    parsed = {f.name: typed(f, frame.schema[f.name]) for f in fields}
    made = frame.with_columns(times).select(
        *(p.value.alias(name) for name, p in parsed.items()),
        *(p.present.alias(f"has:{name}") for name, p in parsed.items()),
    )
    rules = {f.name: field_rules(f, made[f.name], made[f"has:{f.name}"]) for f in fields}
    asked = [e.fill_null(value=False).alias(r) for of_field in rules.values() for r, e in of_field.items()]
    masks = made.select(asked) if asked else pl.DataFrame()
    broken = {mask.name: mask for mask in masks.get_columns() if mask.any()}
    return {n: _Column(made[n], {r: broken[r] for r in rules[n] if r in broken}) for n in parsed}


def field_rules(f: Field, values: pl.Series, present: pl.Series) -> dict[str, pl.Expr]:
    """Return the field's rules that a row may break: reason -> expression, true where broken.

    Parameters
    ----------
    values
        (n,) typed, null where absent or unreadable.
    present
        (n,) Boolean: the source had something there.
    """
    value, has = pl.col(f.name), pl.col(f"has:{f.name}")
    n_present = int(present.sum() or 0)
    rules: dict[str, pl.Expr] = {}
    if values.len() - values.null_count() != n_present:
        rules[f"type:{f.name}"] = has & value.is_null()
    if f.required and n_present != values.len():
        rules[f"required:{f.name}"] = ~has
    outside = _outside(f, values, value)
    if outside:
        rules[f"range:{f.name}"] = pl.any_horizontal(*outside)
    if f.pattern is not None:
        rules[f"pattern:{f.name}"] = ~value.str.contains(f.pattern)
    if f.min_length is not None:
        rules[f"length:{f.name}"] = value.str.len_chars() < f.min_length
    if f.max_length is not None:
        long = value.str.len_chars() > f.max_length
        rules[f"length:{f.name}"] = rules.get(f"length:{f.name}", pl.lit(value=False)) | long
    if f.values is not None:
        rules[f"enum:{f.name}"] = ~value.cast(pl.String).is_in(list(f.values))
    return rules


def _outside(f: Field, values: pl.Series, value: pl.Expr) -> list[pl.Expr]:
    """Return the bounds that some value breaks."""
    least, most = values.min(), values.max()
    bounds = (
        (f.minimum, operator.lt, least),
        (f.maximum, operator.gt, most),
        (f.exclusive_minimum, operator.le, least),
        (f.exclusive_maximum, operator.ge, most),
    )
    given = [(bound, breaks, end) for bound, breaks, end in bounds if bound is not None and end is not None]
    return [breaks(value, bound) for bound, breaks, end in given if breaks(end, bound)]


def _future(times: pl.Series, name: str, received_at: datetime) -> Masks:
    limit = datetime.fromtimestamp(received_at.timestamp() + CLOCK_TOLERANCE_S, UTC)
    newest = times.max()
    if newest is None or cast(datetime, newest) <= limit:
        return {}
    late = pl.lit(limit).cast(MICROSECONDS)
    return {f"future:{name}": pl.select((pl.lit(times) > late).fill_null(value=False)).to_series()}
