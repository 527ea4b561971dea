"""Keys that came before: exact, and asked only of the few rows that can repeat one."""

from collections.abc import Callable

import numpy as np
import polars as pl

from veracity.data.contract import Contract
from veracity.data.rules.readings import Bools
from veracity.data.rules.repeated_row import RepeatedRow

KnownKeys = Callable[[pl.DataFrame], pl.Series]
Slots = np.ndarray[tuple[int], np.dtype[np.uint64]]
SLOTS = 1 << 20


def repeated_keys(
    keys: pl.DataFrame,
    aside: pl.Series | None,
    advancing: pl.Series | None,
    known: KnownKeys,
    slots: Slots | None = None,
) -> pl.Series | None:
    """Mark rows whose key an earlier row holds, here or in the table; None if there is none.

    Parameters
    ----------
    keys
        (n, k) the key's columns.
    aside
        (n,) rows that another rule sets aside: they neither claim a key nor are judged by it.
    advancing
        (n,) rows newer than every sound row of their sensor before, so that they repeat nothing;
        None if the key has no event time.
    known
        Tells which keys the table holds.
    slots
        (n,) a slot below ``SLOTS`` for each row, the same for equal keys; None to make them here.

    Notes
    -----
    Exact: hashes only choose whom to compare.
    """
    suspects = _suspects(keys.height, aside, advancing)
    asked = keys[suspects]
    repeated = known(asked) if asked.height else pl.Series([], dtype=pl.Boolean)
    claims = _claims(keys, aside, suspects, slots)
    first = claims.select(pl.struct(keys.columns).is_first_distinct()).to_series()
    again = claims["_row"].filter(~first)
    marked = np.zeros(keys.height, dtype=np.bool_)
    marked[suspects.filter(repeated).to_numpy()] = True
    marked[again.to_numpy()] = True
    return pl.Series(marked) if marked.any() else None


def repeated_rows(
    values: pl.DataFrame, aside: pl.Series | None, repeated: pl.Series, contract: Contract, same: KnownKeys
) -> dict[str, pl.Series]:
    """Mark the rows with a repeated key that say nothing new: all columns are as in the row that has it.

    Which row has a key, here or in the table, does not depend on how a feed is cut into batches. What
    a row set aside says is not remembered: to repeat that is no ``repeated-row``.
    """
    rules = [rule for rule in contract.rules if isinstance(rule, RepeatedRow)]
    if not rules:
        return {}
    columns = values.select(f.name for f in contract.fields)
    suspects = repeated.arg_true()
    asked = columns[suspects]
    holds = ~repeated if aside is None else ~(repeated | aside)
    held = columns.filter(holds).join(asked, on=contract.key, how="semi").with_columns(_held=True)
    here = asked.join(held, on=asked.columns, how="left", nulls_equal=True, maintain_order="left")["_held"]
    told = here.fill_null(value=False) | same(asked)
    mask = pl.repeat(False, values.height, dtype=pl.Boolean, eager=True).scatter(suspects.filter(told), True)
    return {rule.reason: mask for rule in rules if mask.any()}


def _suspects(n_rows: int, aside: pl.Series | None, advancing: pl.Series | None) -> pl.Series:
    """Return the positions of the rows that may repeat a key."""
    if advancing is not None:
        may = ~advancing if aside is None else ~(advancing | aside)
        return may.arg_true()
    return pl.arange(0, n_rows, eager=True) if aside is None else (~aside).arg_true()


def _claims(
    keys: pl.DataFrame, aside: pl.Series | None, suspects: pl.Series, slots: Slots | None
) -> pl.DataFrame:
    """Return ``_row`` and key of the rows, none set aside, that share a slot with a suspect."""
    if suspects.is_empty():
        return keys.clear().with_columns(_row=pl.lit(0, pl.Int64))
    if 8 * suspects.len() > keys.height:
        near: Bools = np.ones(keys.height, dtype=np.bool_)
    else:
        slots = _slots(keys) if slots is None else slots
        taken = np.zeros(SLOTS, dtype=np.bool_)
        taken[slots[suspects.to_numpy()]] = True
        near = taken[slots]
    if aside is not None:
        near &= ~aside.to_numpy()
    rows = pl.Series("_row", np.flatnonzero(near))
    return keys[rows].with_columns(rows)


def _slots(keys: pl.DataFrame) -> Slots:
    hashed = keys.to_series().hash() if keys.width == 1 else keys.hash_rows()
    return hashed.to_numpy() & np.uint64(SLOTS - 1)
