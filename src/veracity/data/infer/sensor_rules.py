"""Sensor rules worth trying on a column, all with the action ``flag``: they set nothing aside."""

from typing import Any

import polars as pl

from veracity.data.infer.keys import Interval, duration
from veracity.data.infer.quantities import Quantity
from veracity.data.infer.ranges import round_outwards
from veracity.data.rules.catalogue import KINDS

Rule = dict[str, Any]
_LEVELS = {
    "water level",
    "pressure",
    "pH",
    "conductivity",
    "dissolved oxygen",
    "water temperature",
    "depth",
    "battery",
}
_SLOW = _LEVELS | {"temperature", "dew point", "relative humidity"}
_SHARED = {"temperature", "dew point", "relative humidity", "pressure", "PM2.5", "PM10", "PM1", "ozone"}
NO_SERIES = {"latitude", "longitude", "wind direction", "air quality index"}
_NEIGHBOURS = 4  # sensors with positions: fewer say nothing of each other


def has(kind: str, logical: str | None = None) -> bool:
    """Tell whether this engine has a kind of rule, under the schema object or a property of some type."""
    found = KINDS.get(kind)
    if found is None:
        return False
    return found.on_schema if logical is None else logical in found.property_types


def of_property(
    quantity: Quantity | None,
    logical: str,
    steps: pl.Series | None,
    every: Interval,
    positions: dict[str, str] | None,
    n_sensors: int,
    *,
    speaks: bool,
) -> tuple[list[Rule], list[str]]:
    """Return the rules of one measured column, and why each.

    Parameters
    ----------
    steps
        Absolute differences of successive readings of a sensor, in the table's unit.
    positions
        Settings of ``neighbours`` that name the columns of position; None where there are none.
    speaks
        The column's gaps are the sensor's.
    """
    if every.every_s is None or (quantity is not None and quantity.name in NO_SERIES):
        return [], []
    name = None if quantity is None else quantity.name
    value, unit = duration(every.every_s)
    wanted: list[tuple[Rule, str]] = []
    if speaks:
        wanted.append(({"rule": "gap"}, f"gap: a reading each {value:g} {unit} is expected"))
    wanted.append(({"rule": "stuck"}, "stuck: the same value for too long, learned for each sensor"))
    may_leap = quantity is not None and quantity.may_rest
    if not may_leap:
        wanted.append(({"rule": "spike"}, "spike: far from the readings before"))
    if name in _LEVELS:
        wanted.append(({"rule": "shift"}, "shift: a lasting jump, such as of a datum"))
    if name in _SLOW and (limit := _steepest(steps)) is not None:
        setting = {"rule": "rate", "maximum": limit, "per": f"{value:g} {unit}"}
        wanted.append((setting, "rate (a guess): three times what all but 1 in 1,000 steps keep"))
    if name in _SHARED and positions is not None and n_sensors >= _NEIGHBOURS:
        rule = {"rule": "neighbours", **positions}
        wanted.append((rule, f"neighbours: {n_sensors:,} sensors have positions"))
    kept = [(rule, why) for rule, why in wanted if has(rule["rule"], logical)]
    return [rule | {"action": "flag"} for rule, _ in kept], [why for _, why in kept]


def of_feed(every: Interval, n_copies: int, *, has_time: bool) -> tuple[list[Rule], list[str]]:
    """Return the rules of the feed as a whole, and why each."""
    wanted: list[tuple[Rule, str]] = []
    notes: list[str] = []
    if has_time:
        if every.out_of_order <= 0.01:
            share = f"{100 * (1 - every.out_of_order):.4g} %"
            wanted.append(
                ({"rule": "order", "action": "flag"}, f"order: {share} of rows come in their sensor's order")
            )
        else:
            notes.append(
                f"no rule of order: {100 * every.out_of_order:.0f} % of rows are older than one before them;"
                " sort the file, or sensor rules see only the rows that are newer"
            )
    if n_copies:
        wanted.append(
            ({"rule": "repeated-row"}, f"repeated-row: {n_copies:,} exact copies are told from other repeats")
        )
    kept = [(rule, why) for rule, why in wanted if has(rule["rule"])]
    return [rule for rule, _ in kept], [*(why for _, why in kept), *notes]


def _steepest(steps: pl.Series | None) -> float | None:
    if steps is None or steps.len() < 1_000:
        return None
    high = float(steps.quantile(0.999) or 0)
    return round_outwards(3 * high, up=True) if high > 0 else None
