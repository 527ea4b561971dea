"""Hold a batch's rows to the rules that look back: what broke, and what to remember for the next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

import numpy as np
import polars as pl

from veracity.data.rules.coded import Codings
from veracity.data.rules.memory import Memory
from veracity.data.rules.network import NetworkSeries
from veracity.data.rules.order import Order
from veracity.data.rules.readings import Readings
from veracity.data.rules.reference import ReferenceSeries
from veracity.data.rules.rule import Mask, Rule, SequenceRule
from veracity.data.rules.sequences import NEVER, Arrived


@dataclass(frozen=True)
class LookedBack:
    """What came of a batch held to the rules that look back.

    Attributes
    ----------
    broken
        By reason, (n,) Boolean: which rows break the rule; only rules that a row broke.
    advancing
        (n,) Boolean: which rows are sound and newer than every sound row of their sensor before.
    arrived
        The batch's rows by sensor.
    compared
        By reason of a rule on a network series, (n,) Boolean: which rows could be compared.
    memory
        What to remember for the next batch.
    """

    broken: dict[str, pl.Series]
    advancing: pl.Series
    arrived: Arrived
    compared: dict[str, pl.Series]
    memory: Memory


def judge(
    rows: pl.DataFrame,
    sound: pl.Series,
    time: str,
    rules: Sequence[Rule],
    memory: Memory,
    codings: Codings = MappingProxyType({}),
) -> LookedBack:
    """Hold a batch's rows to the rules that look at readings before; others are passed over.

    Parameters
    ----------
    rows
        The batch's typed rows in order of arrival.
    sound
        (n,) Boolean: which of them no row rule sets aside. Only these are judged and remembered.
    time
        Name of the event-time column.
    memory
        What was remembered before the batch.
    codings
        Columns of the rows that are coded already.
    """
    arrived = Arrived(rows, sound.to_numpy(), time, memory, codings)
    masks: dict[str, Mask] = {}
    compared: dict[str, pl.Series] = {}
    for rule in rules:
        if isinstance(rule, Order):
            masks[rule.reason] = _backwards(arrived, rule)
    for readings, of_series in _sequences(arrived, rules):
        for sequence_rule in of_series:
            reason = cast(Rule, sequence_rule).reason
            masks[reason] = _scattered(rows.height, readings, sequence_rule.broken(readings))
            if hasattr(sequence_rule, "network"):
                every = np.ones(len(readings), dtype=np.bool_)
                compared[reason] = pl.Series(reason, _scattered(rows.height, readings, every))
    broken = {reason: pl.Series(reason, mask) for reason, mask in masks.items() if mask.any()}
    return LookedBack(broken, pl.Series(arrived.advancing), arrived, compared, arrived.remembered())


def _scattered(n_rows: int, readings: Readings, which: Mask) -> Mask:
    mask = np.zeros(n_rows, dtype=np.bool_)
    mask[readings.arrival[readings.is_new & which]] = True
    return mask


def _backwards(arrived: Arrived, rule: Order) -> Mask:
    newest = arrived.newest_before
    limit = np.where(newest == NEVER, NEVER, newest - round(rule.tolerance_s * 1_000_000))
    return np.asarray(arrived.sound & (newest != NEVER) & (arrived.time_us < limit))


def _sequences(arrived: Arrived, rules: Sequence[Rule]) -> Iterator[tuple[Readings, list[SequenceRule]]]:
    """Yield each series that rules judge, with its rules: properties first, then what stands on them."""
    by_series: dict[str, list[SequenceRule]] = {}
    networks: dict[str, NetworkSeries | ReferenceSeries] = {}
    windows: dict[str, int] = {}
    for rule in rules:
        if hasattr(rule, "series") and hasattr(rule, "window"):
            by_series.setdefault(rule.series, []).append(cast(SequenceRule, rule))
            windows[rule.series] = max(windows.get(rule.series, 1), rule.window)
            if hasattr(rule, "network"):
                networks[rule.series] = rule.network
                source = rule.network.source
                windows[source] = max(windows.get(source, 1), rule.network.remembers)
    heard = {n.source for n in networks.values()}  # where others listen to a sensor, it counts though silent
    own = {name: n for name, n in windows.items() if name not in networks}
    made = {name: arrived.readings(name, n, whole=name in heard) for name, n in own.items()}
    for name, network in networks.items():
        made[name] = _derived(arrived, name, network, made[network.source], windows[name])
    for name, of_series in by_series.items():
        yield made[name], of_series


def _derived(
    arrived: Arrived, name: str, network: NetworkSeries | ReferenceSeries, source: Readings, window: int
) -> Readings:
    """Return the sequence of what a sensor says against what its neighbours, or a reference, let expect."""
    if isinstance(network, ReferenceSeries):
        derived = network.compare(source, arrived.names)
    else:
        derived = network.compare(source, arrived.positions(network.latitude, network.longitude))
    has = source.is_new & ~np.isnan(derived)
    at = source.arrival[has]
    values = np.zeros(arrived.rows.height)
    values[at] = derived[has]
    return arrived.sequence(name, at, values, window)
