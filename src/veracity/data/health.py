"""Sensor health: what a batch says of each sensor, day and property, counted. What trust stands on.

Columns: the sensor's, as text and named as in the contract; ours, which begin with ``_`` as no column
of a contract does: ``_day`` (UTC, of the event time; null if that could not be read);
``_property`` (empty for the row as a whole); and the counts

``_readings``
    values of the property that were there, or should have been: one that cannot be read, or is
    absent though required, is a reading that broke a rule. Rows received, for the row as a whole;
``_broken``
    of these, how many broke a rule about the property (about anything);
``_set_aside``
    of the broken, how many did not go into the table;
``_compared``, ``_disagreed``
    how many could be compared with neighbours, and how many of these did not agree.

So ``_set_aside <= _broken <= _readings`` and ``_disagreed <= _compared``. Rows that name no sensor are
counted under a null. The rows are sorted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from veracity.data.contract import Contract

DAY, PROPERTY = "_day", "_property"
COUNTS = ("_readings", "_broken", "_set_aside", "_compared", "_disagreed")
Masks = Mapping[str, pl.Series]


def health_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Return the columns and their types."""
    sensor: dict[str, pl.DataType] = {name: pl.String() for name in contract.sensor}
    counts: dict[str, pl.DataType] = {name: pl.Int64() for name in COUNTS}
    return sensor | {DAY: pl.Date(), PROPERTY: pl.String()} | counts


@dataclass(frozen=True)
class Judged:
    """A batch as its health is counted from: typed rows, masks by reason, outcomes; see ``clean``."""

    rows: pl.DataFrame
    masks: Masks
    compared: Masks
    outcome: pl.Series | None


def health_rows(judged: Judged, contract: Contract) -> pl.DataFrame | None:
    """Count a batch by sensor, day and property; None for a feed whose key has no event time.

    A feed whose key is the event time alone has one sensor, without a name.
    """
    if contract.time not in contract.key:
        return None
    grouped = _keys(judged.rows, contract)
    columns = {
        f"{i}:{label}": counted
        for i, name in enumerate(_properties(contract))
        for label, counted in _counts(name, judged, contract)
    }
    if not judged.rows.height:
        return pl.DataFrame(schema=health_schema(contract))
    names = [*contract.sensor, DAY]
    sums = grouped.with_columns(**columns).group_by(names).agg(pl.col(list(columns)).sum())
    parts = []
    for i, name in enumerate(_properties(contract)):
        own = [_sum(f"{i}:{c}", columns).alias(c) for c in COUNTS]
        parts.append(sums.select(*names, pl.lit(name).alias(PROPERTY), *own))
    found = pl.concat(parts).filter(pl.col("_readings") > 0)
    return found.select(list(health_schema(contract))).sort(*names, PROPERTY, nulls_last=True)


def _properties(contract: Contract) -> list[str]:
    """Return the properties counted: the row as a whole, then every number that is not of the key."""
    numbers = [
        f.name for f in contract.fields if f.type in ("number", "integer") and f.name not in contract.key
    ]
    return ["", *numbers]


def _keys(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    time = pl.col(contract.time or "")
    return rows.select(*(pl.col(n).cast(pl.String) for n in contract.sensor), time.dt.date().alias(DAY))


def _sum(name: str, columns: Mapping[str, pl.Series]) -> pl.Expr:
    return pl.col(name).cast(pl.Int64) if name in columns else pl.lit(0, pl.Int64)


def _counts(name: str, judged: Judged, contract: Contract) -> list[tuple[str, pl.Series]]:
    """Return the columns to sum for one property; those that are all zero are left out."""
    n_rows = judged.rows.height
    broken = [m for reason, m in judged.masks.items() if not name or name in contract.about(reason)]
    has = judged.rows[name].is_not_null() if name else pl.repeat(True, n_rows, dtype=pl.Boolean, eager=True)
    counts = [("_readings", has)]
    if broken:
        any_broken = pl.select(pl.any_horizontal(*broken)).to_series()
        counts = [("_readings", has | any_broken), ("_broken", any_broken)]
        if judged.outcome is not None:
            counts.append(("_set_aside", any_broken & (judged.outcome != "accepted")))
    for label, masks in (("_compared", judged.compared), ("_disagreed", judged.masks)):
        of_network = [m for r, m in masks.items() if r in judged.compared and name in contract.about(r)]
        if of_network:
            counts.append((label, pl.select(pl.any_horizontal(*of_network)).to_series()))
    return [(label, series.cast(pl.UInt32)) for label, series in counts]
